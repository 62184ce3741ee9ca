/* Random streams on published values, and draws by their moments and tails. Seeds are fixed: a test
 * that passes passes always. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <math.h>

#include "core/stats/draws.h"
#include "core/stats/special.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void streams_have_their_published_values(void **state) {
  (void)state;
  uint32_t zero[4] = {0}, out[4];
  static const uint32_t philox[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  stats_random_philox(zero, zero, out);
  for (int i = 0; i < 4; i++) assert_int_equal(out[i], philox[i]);

  uint64_t seed = 0;
  assert_true(stats_random_split_mix(&seed) == 0xe220a8397b1dcdafu);
  assert_true(stats_random_split_mix(&seed) == 0x6e789e6aa1b965f4u);
  assert_true(stats_random_split_mix(&seed) == 0x06c45d188009454fu);
}

static void streams_differ_by_seed_and_number(void **state) {
  (void)state;
  stats_random a = stats_random_stream(1, 1), again = stats_random_stream(1, 1);
  stats_random other = stats_random_stream(1, 2), seeded = stats_random_stream(2, 1);
  double first = stats_random_uniform(&a);
  assert_true(first == stats_random_uniform(&again));
  assert_true(first != stats_random_uniform(&other));
  assert_true(first != stats_random_uniform(&seeded));
  for (int i = 0; i < 100000; i++) {
    double u = stats_random_uniform(&a), coarse = stats_random_coarse(&a);
    assert_true(u > 0 && u < 1 && coarse > 0 && coarse < 1);
  }
}

/* Mean, variance and both tails of binomial draws, each within five standard errors. */
static void check_binomial(double n, double p, double draws) {
  stats_random random = stats_random_stream(7, (uint64_t)(n * 1000 + p * 1e6));
  double mean = n * p, variance = n * p * (1 - p), spread = sqrt(variance);
  double low_edge = floor(mean - 2.5 * spread), high_edge = ceil(mean + 2.5 * spread);
  double sum = 0, squares = 0, low = 0, high = 0;
  for (double i = 0; i < draws; i++) {
    double k = stats_draw_binomial(&random, n, p);
    assert_true(k >= 0 && k <= n && k == floor(k));
    sum += k;
    squares += (k - mean) * (k - mean);
    low += k <= low_edge;
    high += k >= high_edge;
  }

  double low_p = stats_binomial_cdf(low_edge, n, p);
  double high_p = 1 - stats_binomial_cdf(high_edge - 1, n, p);
  assert_true(fabs(sum / draws - mean) < 5 * spread / sqrt(draws));
  assert_true(fabs(squares / draws / variance - 1) < 5 * sqrt((2 + 1 / variance) / draws));
  assert_true(fabs(low / draws - low_p) < 5 * sqrt(low_p * (1 - low_p) / draws) + 1e-9);
  assert_true(fabs(high / draws - high_p) < 5 * sqrt(high_p * (1 - high_p) / draws) + 1e-9);
}

static void binomial_draws_have_moments_and_tails(void **state) {
  (void)state;
  static const double cases[][2] = {
      {1, .3},     {10, .5},     {40, .1},     {300, .001}, {99, .1},     {101, .1},
      {1000, .02}, {600, .0167}, {5000, .002}, {5000, .05}, {100000, .3}, {1e6, .01},
      {50, .9},    {3000, .999}, {20, .5},     {21, .5},    {1000, .5},
  };
  for (size_t i = 0; i < COUNT(cases); i++) check_binomial(cases[i][0], cases[i][1], 60000);
}

static void binomial_draws_know_their_ends(void **state) {
  (void)state;
  stats_random random = stats_random_stream(1, 1);
  assert_true(stats_draw_binomial(&random, 0, .5) == 0);
  assert_true(stats_draw_binomial(&random, 10, 0) == 0);
  assert_true(stats_draw_binomial(&random, 10, 1) == 10);
}

static void arrivals_have_moments(void **state) {
  (void)state;
  static const double means[] = {.01, 3, 60, 600, 60000};
  for (size_t i = 0; i < COUNT(means); i++) {
    stats_random random = stats_random_stream(3, i);
    double draws = 40000, sum = 0, squares = 0, mean = means[i];
    for (double j = 0; j < draws; j++) {
      double k = stats_draw_poisson(&random, mean);
      sum += k;
      squares += (k - mean) * (k - mean);
    }

    assert_true(fabs(sum / draws - mean) < 5 * sqrt(mean / draws));
    assert_true(fabs(squares / draws / mean - 1) < .001 + 5 * sqrt((2 + 1 / mean) / draws));
  }

  stats_random random = stats_random_stream(1, 1);
  assert_true(stats_draw_poisson(&random, 0) == 0);
}

/* One by one for few draws, at once for many: both fall as the weights say. */
static void check_cells(double draws, int times) {
  static const double weights[] = {5, 0, 1, .01, 30, 2, 2, .5};
  double counts[COUNT(weights)] = {0}, total = 0, all = draws * times;
  stats_cells cells;
  stats_random random = stats_random_stream(11, (uint64_t)draws);
  assert_true(stats_cells_make(&cells, weights, COUNT(weights)));
  for (int i = 0; i < times; i++) stats_cells_draw(&cells, &random, draws, counts);
  for (size_t i = 0; i < COUNT(weights); i++) {
    double p = weights[i] / 40.51;
    total += counts[i];
    assert_true(fabs(counts[i] / all - p) <= 5 * sqrt(p * (1 - p) / all));
  }

  assert_true(total == all);
  stats_cells_free(&cells);
}

static void cells_fall_as_they_are_weighted(void **state) {
  (void)state;
  check_cells(1, 200000);
  check_cells(15, 20000);
  check_cells(16, 20000);
  check_cells(1000, 1000);
  check_cells(1e7, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_have_their_published_values),
      cmocka_unit_test(streams_differ_by_seed_and_number),
      cmocka_unit_test(binomial_draws_have_moments_and_tails),
      cmocka_unit_test(binomial_draws_know_their_ends),
      cmocka_unit_test(arrivals_have_moments),
      cmocka_unit_test(cells_fall_as_they_are_weighted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
