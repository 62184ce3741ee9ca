/* The statistics on published and independently computed values: R 4.2, rpact 3.3.4, mpmath, scipy.
 * A value is right when ten digits are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <math.h>

#include "core/stats/cloudwatch.h"
#include "core/stats/error_interval.h"
#include "core/stats/moments.h"
#include "core/stats/ranks.h"
#include "core/stats/sketch.h"
#include "core/stats/special.h"
#include "core/stats/spending.h"
#include "core/stats/windows.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void near_within(double found, double wanted, double tolerance, int line) {
  double scale = fmax(1e-3, fabs(wanted));
  if (fabs(found - wanted) <= tolerance * scale) return;
  fail_msg("line %d: %.15g instead of %.15g", line, found, wanted);
}

#define near(found, wanted) near_within(found, wanted, 1e-10, __LINE__)

static void knows_distributions(void **state) {
  (void)state;
  near(stats_normal_quantile(.975), 1.9599639845401);
  near(stats_normal_quantile(1e-10), -6.3613409024041);
  near(stats_normal_quantile(1 - .05 / 8), 2.4977054744124);
  near_within(stats_normal_tail(8.3) * 1e17, 5.2055697448903, 1e-10, __LINE__);
  near(stats_t_two_sided(-2.2, 3.7), .098150394390522);
  near(stats_t_quantile(.975, 17.776473516178), 2.1028172415698);
  near(stats_beta(.3, 2.5, 1.75), .11152280276038);
  near(stats_beta(.999, 5000.5, 7.25), .79148166098467);
  near(stats_beta(1e-6, .5, .5), .00063661987847092);
}

static void estimates_proportions(void **state) {
  (void)state;
  static const double wilson[][4] = {
      {81, 263, .25528851987827, .36620957698280},
      {15, 148, .062386399530736, .160487241723308},
      {0, 20, 0, .16112515805282},
      {1, 29, .0061132142927627, .1717552187932028},
      {3, 3000, .00034014721903916, .00293614380883615},
      {20, 20, .83887484194718, 1},
  };
  for (size_t i = 0; i < COUNT(wilson); i++) {
    stats_interval found = stats_wilson(wilson[i][0], wilson[i][1], .95);
    near(found.low, wilson[i][2]);
    near(found.high, wilson[i][3]);
  }
  stats_interval found = stats_newcombe(3, 3000, 30, 27000, .95);
  near(found.low, -.00092391985376445);
  near(found.high, .00185340426034584);
  found = stats_newcombe(12, 3000, 30, 27000, .95);
  near(found.low, .0011139398518566);
  near(found.high, .0058863435059690);
}

static void tests_proportions(void **state) {
  (void)state;
  double p;
  near(stats_proportions(12, 3000, 30, 27000, &p), 4.0146983721651);
  near(p * 1e5, 5.9521864563719);
  near(stats_proportions(14, 28, 16, 30, &p), -.25385910352880);
  near(p, .79960441061658);
  near(stats_proportions(0, 10, 0, 20, &p), 0);
  near(p, 1);
}

static void tests_splits(void **state) {
  (void)state;
  static const double half[] = {.5, .5}, third[] = {1. / 3, 1. / 3, 1. / 3}, seven[] = {.7, .3};
  near(stats_split_chi_square((double[]){1000, 1200}, half, 2) * 1e5, 2.0078656124265);
  near(stats_split_chi_square((double[]){310, 98}, (double[]){.75, .25}, 2), .64743418570180);
  near(stats_split_chi_square((double[]){6850, 3150}, seven, 2), .0010631149171586);
  near(stats_split_chi_square((double[]){500, 500, 600}, third, 3), .0019304541362277);
  near(stats_split_chi_square((double[]){0, 10, 10}, (double[]){.34, .33, .33}, 3),
       .0057906244034232);
  near(stats_split_chi_square((double[]){0, 0}, half, 2), 1);
  near(stats_split_chi_square((double[]){5, 5}, (double[]){0, 1}, 2), 0);

  /* lgamma in doubles keeps about ten digits here. */
  near_within(stats_split_log_bayes((double[]){1000, 1200}, half, 2, 1e4), 1.5401221580897, 1e-9,
              __LINE__);
  near_within(stats_split_log_bayes((double[]){6850, 3150}, seven, 2, 1e4), 2.3124744343414, 1e-9,
              __LINE__);
  near_within(stats_split_log_bayes((double[]){6000, 4000}, seven, 2, 1e4), 115.26450864745, 1e-9,
              __LINE__);
  near_within(stats_split_log_bayes((double[]){500, 500, 600}, third, 3, 1e4), .71130517110744,
              1e-9, __LINE__);
  near(stats_split_log_bayes((double[]){0, 10, 10}, (double[]){.34, .33, .33}, 3, 1),
       4.9469358148124);
  double two = stats_split_log_bayes((double[]){9000, 900}, (double[]){.9, .1}, 2, 1e4) +
               stats_split_log_bayes((double[]){6000, 2700}, seven, 2, 1e4);
  near_within(two, 2.6795609334471, 1e-9, __LINE__);
  assert_true(isinf(stats_split_log_bayes((double[]){1, 9}, (double[]){0, 1}, 2, 1e4)));
}

static void adjusts_p_values(void **state) {
  (void)state;
  double adjusted[5];
  stats_holm((double[]){.01, .04, .03, .005}, adjusted, 4);
  static const double four[] = {.03, .06, .06, .02}, five[] = {.08, .08, .9, .005, .08};
  for (size_t i = 0; i < 4; i++) near(adjusted[i], four[i]);
  stats_holm((double[]){.02, .02, .9, .001, .04}, adjusted, 5);
  for (size_t i = 0; i < 5; i++) near(adjusted[i], five[i]);
}

static void compares_means(void **state) {
  (void)state;
  stats_welch_result found =
      stats_welch((stats_sample){80.5, 400, 50}, (stats_sample){72.25, 225, 30}, .95);
  near(found.t, 2.09550209550314);
  near(found.df, 74.01924223535151);
  near(found.p, .03954658614539);
  near(found.difference.low, .40538229955558);
  near(found.difference.high, 16.09461770044442);
  found = stats_welch((stats_sample){1.2, .5, 2}, (stats_sample){3.4, 9, 2}, .95);
  near(found.t, -1.00942922903047);
  near(found.df, 1.11076923076923);
  near(found.p, .48330533148046);
  near(found.difference.low, -24.14812310793345);
  near(found.difference.high, 19.74812310793346);
  found = stats_welch((stats_sample){3, 0, 5}, (stats_sample){3, 0, 5}, .95);
  near(found.p, 1);
  near(found.df, 8);
  found = stats_welch((stats_sample){3, 0, 5}, (stats_sample){4, 0, 2}, .95);
  near(found.p, 0);
  near(found.df, 5);
}

static void measures_moments(void **state) {
  (void)state;
  stats_moments few = {0}, first = {0}, second = {0};
  static const double values[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
  for (size_t i = 0; i < 4; i++) stats_moments_add(&few, values[i]);
  assert_true(few.mean == 1000000010 && stats_moments_variance(&few) == 30);

  for (int i = 0; i < 1000; i++) {
    double seventh = i % 7;
    stats_moments_add(i < 300 ? &first : &second, 50 * sin(i) + 80 + seventh * seventh * seventh);
  }
  near(first.mean, 142.729224262658);
  near(first.squares, 2079551.57329678);
  stats_moments_merge(&first, &second);
  near(first.mean, 142.846354504677);
  near(first.squares, 6822321.76990446);
}

static void check_ranks(double *one, size_t count1, double *zero, size_t count0,
                        const double wanted[6]) {
  stats_rank_result found = stats_rank_test(one, count1, zero, count0, .95);
  near(found.u, wanted[0]);
  near(found.p, wanted[1]);
  if (wanted[2] >= 0) near(found.p_corrected, wanted[2]);
  near(found.shift, wanted[3]);
  near(found.range.low, wanted[4]);
  near(found.range.high, wanted[5]);
}

static void compares_by_rank(void **state) {
  (void)state;
  double zeros1[53] = {1, 1, 1}, zeros0[61] = {1};
  check_ranks((double[]){10, 20, 30, 40}, 4, (double[]){1, 2, 3, 4}, 4,
              (double[]){16, .0209213353378, .0303828219766, 22.5, 6, 39});
  check_ranks((double[]){1, 2, 2, 3, 5, 5, 8, 9}, 8, (double[]){2, 2, 3, 4, 4, 6}, 6,
              (double[]){26.5, .743319598825, .793345792424, .5, -2, 4});
  check_ranks((double[]){300, 95, 95, 102, 110, 118, 125, 140, 155, 81}, 10,
              (double[]){131, 78, 81, 88, 90, 95, 99, 104, 111, 120, 70}, 11,
              (double[]){80.5, .0720854507543, .0778479125065, 20, -2, 47});
  check_ranks(zeros1, 53, zeros0, 61, (double[]){1681.5, .246597663502, -1, 0, 0, 0});
}

static void finds_ranks_of_quantiles(void **state) {
  (void)state;
  static const double rows[][5] = {
      {100, .5, 40, 61, .9647997997823},         {1000, .5, 469, 532, .9537088026395},
      {1000, .99, 983, 997, .97609476349798},    {500, .99, 490, 500, .98018594985781},
      {10000, .99, 9880, 9920, .95575468280656}, {300, .99, 293, 0, .98852592136512},
      {59, .95, 52, 0, .9911362570111},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    double coverage;
    stats_rank_pair found = stats_order_ranks(rows[i][0], rows[i][1], .95, &coverage);
    near(found.low, rows[i][2]);
    near(found.high, rows[i][3]);
    near(coverage, rows[i][4]);
  }
}

static void check_bounds(stats_spending_kind kind, double parameter, const double *times,
                         size_t count, const double *wanted) {
  double bounds[8];
  stats_spending spending = {kind, .05, parameter};
  assert_true(stats_boundaries(&spending, times, bounds, count));
  for (size_t i = 0; i < count; i++) near_within(bounds[i], wanted[i], 1e-8, __LINE__);
}

static void spends_alpha(void **state) {
  (void)state;
  static const double fifths[] = {.2, .4, .6, .8, 1}, quarters[] = {.25, .5, .75, 1};
  check_bounds(STATS_SPENDING_OBRIEN_FLEMING, 0, fifths, 5,
               (double[]){4.87688495, 3.35701192, 2.68028006, 2.28981677, 2.03103204});
  check_bounds(STATS_SPENDING_OBRIEN_FLEMING, 0, (double[]){.25, .5, .8, 1}, 4,
               (double[]){4.33263365, 2.96313160, 2.26621315, 2.02780021});
  check_bounds(STATS_SPENDING_OBRIEN_FLEMING, 0, (double[]){1. / 3, 2. / 3, 1}, 3,
               (double[]){3.71030287, 2.51142748, 1.99304748});
  check_bounds(STATS_SPENDING_POCOCK, 0, fifths, 5,
               (double[]){2.43797669, 2.42681386, 2.41019384, 2.39664540, 2.38598457});
  check_bounds(STATS_SPENDING_POWER, 3, quarters, 4,
               (double[]){3.35935372, 2.76039702, 2.35936341, 2.02930062});
  check_bounds(STATS_SPENDING_HSD, -4, quarters, 4,
               (double[]){3.15537303, 2.81834715, 2.43913180, 2.01364716});
}

static stats_error_counts counts_of(double x1, double n1, double x0, double n0) {
  return (stats_error_counts){
      .x1 = x1, .n1 = n1, .x0 = x0, .n0 = n0, .alpha = .05, .clock = 10, .dispersion = 1};
}

static void bounds_differences_of_errors(void **state) {
  (void)state;
  static const double bound[][2] = {{1, 66.9545219960},
                                    {10, 13.3692234553},
                                    {100, 9.2282958019},
                                    {1000, 10.7126509146},
                                    {1e6, 17.5045750560}};
  for (size_t i = 0; i < COUNT(bound); i++)
    near(stats_mixture_bound(bound[i][0], .05, 10), bound[i][1]);
  assert_true(isinf(stats_mixture_bound(0, .05, 10)));

  stats_error_counts some = counts_of(12, 3000, 30, 27000), few = counts_of(0, 1000, 9, 9000);
  near(stats_restricted_rate(&some, .002), .00114575114354);
  near(stats_restricted_rate(&some, -.001), .00186288391667);
  near(stats_restricted_rate(&few, .004), .00089963837281);

  static const double rows[][6] = {
      {3, 3000, 30, 27000, -.002843112779, .003408996367},
      {12, 3000, 30, 27000, -.000888785801, .007748403625},
      {30, 3000, 30, 27000, .003876327581, .015523170290},
      {0, 1000, 0, 9000, -.005679087381, .007594863626},
      {0, 1000, 9, 9000, -.007435302630, .006629404368},
      {5, 1000, 0, 1000, -.003659795100, .016529301061},
      {3, 50, 1, 450, -.087291680800, .257048876484},
      {5200, 100000, 11800, 233333, -.001510244125, .004415755801},
      {67, 12345, 210.5, 54321, -.000430772522, .003937231876},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    stats_error_counts counts = counts_of(rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
    stats_interval found = stats_error_interval(&counts);
    near_within(found.low, rows[i][4], 1e-9, __LINE__);
    near_within(found.high, rows[i][5], 1e-9, __LINE__);
    assert_true(stats_error_refutes(&counts, found.high + 1e-6));
    assert_false(stats_error_refutes(&counts, found.high - 1e-6));
  }
}

static void standardises_windows(void **state) {
  (void)state;
  stats_windows windows = {0};
  stats_windows_add(&windows, (stats_window){100, 1, 900, 9});
  stats_windows_add(&windows, (stats_window){300, 6, 700, 14});
  stats_windows_add(&windows, (stats_window){0, 0, 700, 700});
  stats_windows_add(&windows, (stats_window){500, 5, 500, 5});
  stats_window all = stats_windows_counts(&windows);
  near(all.n0, 1266.2531017369727);
  near(all.x0 / all.n0, .013333333333333);

  stats_error_counts counts = counts_of(all.x1, all.n1, all.x0, all.n0);
  stats_interval found = stats_error_interval(&counts);
  near_within(found.low, -.016314015970, 1e-9, __LINE__);
  near_within(found.high, .017756555072, 1e-9, __LINE__);
}

static void check_wandering_ratio(const stats_sketch *one, const stats_sketch *zero, double q,
                                  double dispersion, double low, double high) {
  stats_ratio_question question = {one, zero, q, zero->total, .05, 10, dispersion, false};
  stats_ratio_range found = stats_ratio_interval(&question);
  near_within(found.low, low, 1e-9, __LINE__);
  if (isinf(high))
    assert_true(isinf(found.high) && found.high > 0);
  else
    near_within(found.high, high, 1e-9, __LINE__);
}

static void check_ratio(const stats_sketch *one, const stats_sketch *zero, double q, double low,
                        double high) {
  check_wandering_ratio(one, zero, q, 1, low, high);
}

static void check_quantile(const stats_sketch *sketch, double q, double n, double dispersion,
                           double low, double high) {
  stats_quantile_question question = {sketch, q, n, .05, 10, dispersion};
  stats_ratio_range found = stats_quantile_interval(&question);
  near_within(found.low / low, 1, 1e-9, __LINE__);
  if (isinf(high))
    assert_true(isinf(found.high) && found.high > 0);
  else
    near_within(found.high / high, 1, 1e-9, __LINE__);
}

static void fill_bell(stats_sketch *sketch, double scale, double centre) {
  for (int i = 0; i < 200; i++) {
    double x = (i - centre) / 25;
    assert_true(
        stats_sketch_add_bucket(sketch, 300 + i, floor(scale * exp(-x * x / 2) / 2.5066 + .5)));
  }
}

static void compares_quantiles(void **state) {
  (void)state;
  static const double values[] = {1, 50.3, 100, .001, 60000};
  static const int buckets[] = {0, 196, 231, -345, 551};
  stats_sketch one = stats_sketch_new(.01), zero = stats_sketch_new(.01);
  for (size_t i = 0; i < COUNT(values); i++)
    assert_int_equal(stats_sketch_bucket(&one, values[i]), buckets[i]);
  near(one.log_g, .0200006667066694);

  static const double k0[] = {200, 400, 300, 80, 15, 5}, k1[] = {40, 80, 60, 16, 3, 1};
  for (int i = 0; i < 6; i++) {
    assert_true(stats_sketch_add_bucket(&zero, 200 + i, k0[i]));
    assert_true(stats_sketch_add_bucket(&one, 200 + i, k1[i]));
  }
  check_ratio(&one, &zero, .5, -.006131331214, .006253010074);
  check_ratio(&one, &zero, .9, -.009207655867, .016451063312);
  check_ratio(&one, &zero, .99, -1, INFINITY);
  stats_sketch_free(&one);
  stats_sketch_free(&zero);

  stats_sketch later = stats_sketch_new(.01);
  fill_bell(&zero, 800, 60);
  fill_bell(&one, 160, 60);
  fill_bell(&later, 160, 69);
  assert_true(zero.total == 19853 && one.total == 3976 && later.total == 3996);
  check_ratio(&one, &zero, .99, -.095467169520, .103334117348);
  check_ratio(&one, &zero, .5, -.035541534097, .036043057050);
  check_ratio(&later, &zero, .99, .081846484420, .320938688697);
  check_ratio(&later, &zero, .5, .151070507880, .236505925372);

  /* Of latencies that wander: by another program, which finds the four rows above as well. */
  check_wandering_ratio(&one, &zero, .99, 2, -.130369783372, .176454691277);
  check_wandering_ratio(&one, &zero, .99, 3, -.159047465425, .251288899077);
  check_wandering_ratio(&one, &zero, .5, 2, -.048187694915, .049808341491);
  check_wandering_ratio(&one, &zero, .5, 3, -.057899616490, .060683216240);

  check_quantile(&one, .99, one.total, 1, 3880.071244005, 4629.857412707);
  check_quantile(&one, .99, one.total, 2, 3747.505624129, 4965.571540184);
  check_quantile(&one, .5, one.total, 1, 1289.634009443, 1376.247553375);
  check_quantile(&zero, .99, 10000, 1, 4024.985886021, 4509.900973508);
  check_quantile(&one, .99, 100, 1, 2138.276904077, INFINITY);
  stats_sketch_free(&one);
  stats_sketch_free(&zero);
  stats_sketch_free(&later);
}

static void speaks_cloudwatch(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double wanted;
  } rows[] = {
      {"p90", 90},       {"tm90", 45.5},      {"wm90", 49.95},       {"tc90", 90},
      {"ts90", 4095},    {"IQM", 50.5},       {"PR(:30)", 30},       {"PR(10:30)", 20},
      {"TC(10:90)", 80}, {"p0", 1},           {"p100", 100},         {"p99.9", 100},
      {"Sum", 5050},     {"Average", 50.5},   {"SampleCount", 100},  {"Minimum", 1},
      {"Maximum", 100},  {"TS(98:)", 199},    {"TM(25%:75%)", 50.5}, {"WM(10:90)", 50.4},
      {"PR(50:)", 50},   {"TC(10%:20%)", 10}, {"TM(0:10)", 5.5},     {"TC(200:300)", 0},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    double values[100], found;
    for (int k = 0; k < 100; k++) values[k] = 100 - k;
    assert_int_equal(stats_cloudwatch(values, 100, rows[i].name, &found), STATS_CLOUDWATCH_OK);
    near(found, rows[i].wanted);
  }
  static const char *const unknown[] = {
      "",      "p",        "p101",    "p-1",         "p1e1", "tm",     "TM",     "TM()",
      "TM(:)", "TM(5%:9)", "TM(9:5)", "PR(10%:20%)", "P90",  "median", "TM(1:2", "tm90 "};
  for (size_t i = 0; i < COUNT(unknown); i++) {
    double values[] = {1, 2}, found;
    assert_int_equal(stats_cloudwatch(values, 2, unknown[i], &found), STATS_CLOUDWATCH_UNKNOWN);
  }
  double value = 5, found;
  assert_int_equal(stats_cloudwatch(&value, 0, "p90", &found), STATS_CLOUDWATCH_NO_DATA);
  assert_int_equal(stats_cloudwatch(&value, 1, "TM(6:7)", &found), STATS_CLOUDWATCH_NO_DATA);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_distributions),
      cmocka_unit_test(estimates_proportions),
      cmocka_unit_test(tests_proportions),
      cmocka_unit_test(tests_splits),
      cmocka_unit_test(adjusts_p_values),
      cmocka_unit_test(compares_means),
      cmocka_unit_test(measures_moments),
      cmocka_unit_test(compares_by_rank),
      cmocka_unit_test(finds_ranks_of_quantiles),
      cmocka_unit_test(spends_alpha),
      cmocka_unit_test(bounds_differences_of_errors),
      cmocka_unit_test(standardises_windows),
      cmocka_unit_test(compares_quantiles),
      cmocka_unit_test(speaks_cloudwatch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
