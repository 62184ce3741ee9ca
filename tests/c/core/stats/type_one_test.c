/* Do the intervals hold the truth at all looks together? Equal variants are simulated and looked at
 * every minute; an interval that ever excludes the truth is an error, and at most alpha = 5 % of
 * the runs may have one. WEIR_CASES=x50 runs fifty times as many, with the seed of WEIR_SEED. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/stats/draws.h"
#include "core/stats/trial.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static uint64_t seed = 1;
static double times = 1;

static void read_environment(void) {
  const char *given = getenv("WEIR_SEED"), *cases = getenv("WEIR_CASES");
  if (given) seed = given[0] == 'r' ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
  if (cases && cases[0] == 'x') times = atof(cases + 1);
}

/* Of so many runs with at most 5 % errors, more than this many have one in a thousand cases. */
static double most_errors(double runs, double alpha) {
  return runs * alpha + 3.1 * sqrt(runs * alpha * (1 - alpha));
}

static void check_errors(const char *what, double errors, double runs, double alpha) {
  if (errors > most_errors(runs, alpha))
    fail_msg("%s: %.0f of %.0f runs exclude the truth (seed %llu)", what, errors, runs,
             (unsigned long long)seed);
}

/* ── The difference of error rates ── */

typedef struct {
  double requests, rate, difference; /* of a window; of the champion; of the challenger beyond it */
  bool ramps;                        /* .1, .3, .5, else .1 */
  double burst; /* chance that the challenger's errors are tenfold in a minute */
} error_world;

static double share_at(const error_world *w, int look, int looks) {
  if (!w->ramps) return 0.1;
  return look < looks / 3 ? 0.1 : look < 2 * looks / 3 ? 0.3 : 0.5;
}

static bool excludes_the_truth(const error_world *w, stats_random *random, int looks) {
  stats_windows sums = {0};
  for (int look = 0; look < looks; look++) {
    double share = share_at(w, look, looks), rate = w->rate + w->difference;
    if (w->burst > 0 && stats_random_uniform(random) < w->burst) rate *= 10;
    double n1 = stats_draw_binomial(random, w->requests, share), n0 = w->requests - n1;
    stats_windows_add(&sums, (stats_window){n1, stats_draw_binomial(random, n1, rate), n0,
                                            stats_draw_binomial(random, n0, w->rate)});
    stats_window all = stats_windows_counts(&sums);
    stats_error_counts counts = {.x1 = all.x1,
                                 .n1 = all.n1,
                                 .x0 = fmin(all.x0, all.n0),
                                 .n0 = all.n0,
                                 .alpha = 0.05,
                                 .clock = 10,
                                 .dispersion = stats_windows_dispersion(&sums)};
    double truth = w->difference + w->burst * 9 * (w->rate + w->difference);
    if (all.n1 > 0 && all.n0 > 0 && stats_error_refutes(&counts, truth)) return true;
  }

  return false;
}

static void holds_the_difference_of_error_rates(void **state) {
  (void)state;
  static const error_world worlds[] = {
      {100, .0005, 0, false, 0},    {1000, .0005, 0, true, 0},   {10000, .0005, 0, true, 0},
      {100, .05, 0, true, 0},       {1000, .005, 0, true, 0},    {10000, .05, 0, false, 0},
      {1000, .001, .005, false, 0}, {1000, .01, -.009, true, 0},
  };
  double runs = 150 * times;
  for (size_t i = 0; i < COUNT(worlds); i++) {
    double errors = 0;
    for (double run = 0; run < runs; run++) {
      stats_random random = stats_random_stream(seed + i, (uint64_t)run);
      errors += excludes_the_truth(&worlds[i], &random, 1440);
    }

    char what[64];
    snprintf(what, sizeof what, "error rates, world %zu", i);
    check_errors(what, errors, runs, 0.05);
  }
}

/* ── The ratio of quantiles, and the split, through a whole trial ── */

enum { CELLS = 60 };

/* A lognormal tail in buckets of 2 %: 95 % below it. */
static bool make_cells(stats_cells *cells) {
  double weights[CELLS + 1] = {0.95};
  for (int i = 0; i < CELLS; i++) weights[i + 1] = exp(-i / 12.5) - exp(-(i + 1) / 12.5);
  double sum = 0;
  for (int i = 1; i <= CELLS; i++) sum += weights[i];
  for (int i = 1; i <= CELLS; i++) weights[i] *= 0.05 / sum;

  return stats_cells_make(cells, weights, CELLS + 1);
}

static void draw_arm(stats_trial_arm *arm, stats_sketch *sketch, const stats_cells *cells,
                     stats_random *random, double requests, double level) {
  double counts[CELLS + 1] = {0};
  stats_cells_draw(cells, random, requests, counts);
  stats_sketch_clear(sketch);
  for (int i = 0; i <= CELLS; i++)
    assert_true(stats_sketch_add_bucket(sketch, 200 + i + (int)level, counts[i]));
  arm->requests = requests;
  arm->latencies = sketch;
}

typedef struct {
  bool latency, split;
} verdict;

/* A day on a ramp, whose common level changes from window to window: standardising must take that
 * out. Looks every five minutes. */
static verdict live_through_a_day(const stats_cells *cells, uint64_t run, double requests) {
  stats_trial_settings settings = stats_trial_settings_default;
  stats_trial trial = stats_trial_new(settings, 0.01);
  stats_sketch one = stats_sketch_new(0.01), zero = stats_sketch_new(0.01);
  stats_random random = stats_random_stream(seed, run);
  verdict found = {0};
  for (int look = 0; look < 288; look++) {
    double share = look < 96 ? 0.1 : look < 192 ? 0.3 : 0.5;
    double level = floor(8 * sin(look / 20.)), n1 = stats_draw_binomial(&random, requests, share);
    stats_trial_window window = {.from = look * 300,
                                 .to = look * 300 + 300,
                                 .challenger = {.share = share},
                                 .champion = {.share = 1 - share}};
    draw_arm(&window.challenger, &one, cells, &random, n1, level);
    draw_arm(&window.champion, &zero, cells, &random, requests - n1, level);
    if (stats_trial_add(&trial, &window) != STATS_TRIAL_COUNTED) continue;
    stats_ratio_question question;
    if (!stats_trial_ratio_question(&trial, &trial.whole, 0.99, &question)) continue;
    if (stats_ratio_low(&question) > 0 || stats_ratio_high(&question) < 0) found.latency = true;
    if (trial.split_p < 0.05) found.split = true;
  }

  stats_trial_free(&trial);
  stats_sketch_free(&one);
  stats_sketch_free(&zero);

  return found;
}

static void holds_the_ratio_of_quantiles_and_the_split(void **state) {
  (void)state;
  stats_cells cells;
  assert_true(make_cells(&cells));
  static const double requests[] = {500, 5000};
  double runs = 60 * times;
  for (size_t i = 0; i < COUNT(requests); i++) {
    double latency = 0, split = 0;
    for (double run = 0; run < runs; run++) {
      verdict found = live_through_a_day(&cells, (uint64_t)(run + i * 1e6), requests[i]);
      latency += found.latency;
      split += found.split;
    }

    check_errors("ratio of p99", latency, runs, 0.05);
    check_errors("split of requests", split, runs, 0.05);
  }

  stats_cells_free(&cells);
}

/* ── Latencies that wander ── */

/* Two of them from one pair of uniform numbers (Box and Muller). */
static void draw_normals(stats_random *random, double normals[2]) {
  double length = sqrt(-2 * log(1 - stats_random_uniform(random)));
  double angle = 2 * acos(-1) * stats_random_uniform(random);
  normals[0] = length * cos(angle);
  normals[1] = length * sin(angle);
}

typedef struct {
  bool widened, plain; /* the interval that knows of the wandering excludes the truth; another */
} wandering;

/* Two equal variants, each with a level of its own that wanders by 10 % and remembers 20 minutes:
 * half a day, looked at every minute from the ninth hour on. A bucket is 2 %. */
static wandering live_through_half_a_day(const stats_cells *cells, uint64_t run, double requests) {
  stats_trial trial = stats_trial_new(stats_trial_settings_default, 0.01);
  stats_sketch one = stats_sketch_new(0.01), zero = stats_sketch_new(0.01);
  stats_random random = stats_random_stream(seed, run);
  double level1 = 0, level0 = 0, kept = exp(-1 / 20.), moved = 5 * sqrt(1 - kept * kept);
  wandering found = {0};
  for (int minute = 0; minute < 720; minute++) {
    double normals[2], n1 = stats_draw_binomial(&random, requests, 0.3);
    draw_normals(&random, normals);
    level1 = kept * level1 + moved * normals[0];
    level0 = kept * level0 + moved * normals[1];
    stats_trial_window window = {.from = minute * 60,
                                 .to = minute * 60 + 60,
                                 .challenger = {.share = 0.3},
                                 .champion = {.share = 0.7}};
    draw_arm(&window.challenger, &one, cells, &random, n1, round(level1));
    draw_arm(&window.champion, &zero, cells, &random, requests - n1, round(level0));
    if (stats_trial_add(&trial, &window) != STATS_TRIAL_COUNTED) continue;
    stats_ratio_question question;
    assert_true(stats_trial_ratio_question(&trial, &trial.whole, 0.99, &question));
    if (trial.blocks.ended < STATS_BLOCKS_LEAST) continue;
    if (stats_ratio_low(&question) > 0 || stats_ratio_high(&question) < 0) found.widened = true;
    question.dispersion = 1;
    if (stats_ratio_low(&question) > 0 || stats_ratio_high(&question) < 0) found.plain = true;
  }

  stats_trial_free(&trial);
  stats_sketch_free(&one);
  stats_sketch_free(&zero);

  return found;
}

/* How far latencies wander is measured on few hours, so 9 % of the runs may be wrong (6 % of 600
 * were, and 93 % without it). */
static void widens_the_ratio_where_latencies_wander(void **state) {
  (void)state;
  stats_cells cells;
  assert_true(make_cells(&cells));
  double runs = 40 * times, widened = 0, plain = 0;
  for (double run = 0; run < runs; run++) {
    wandering found = live_through_half_a_day(&cells, (uint64_t)(run + 3e6), 5000);
    widened += found.widened;
    plain += found.plain;
  }

  stats_cells_free(&cells);
  check_errors("ratio of p99 where latencies wander", widened, runs, 0.09);
  assert_true(plain > runs / 2);
}

/* A test that no data could fail would pass all of the above. */
static void sees_what_is_there(void **state) {
  (void)state;
  error_world world = {1000, .001, .005, false, 0};
  double runs = 40, seen = 0;
  for (double run = 0; run < runs; run++) {
    stats_random random = stats_random_stream(seed, (uint64_t)run);
    stats_windows sums = {0};
    for (int look = 0; look < 240; look++) {
      double n1 = stats_draw_binomial(&random, world.requests, .1), n0 = world.requests - n1;
      stats_windows_add(&sums, (stats_window){n1, stats_draw_binomial(&random, n1, .006), n0,
                                              stats_draw_binomial(&random, n0, .001)});
    }

    stats_window all = stats_windows_counts(&sums);
    stats_error_counts counts = {all.x1, all.n1, all.x0, all.n0, .05, 10, 1, false};
    seen += stats_error_low(&counts) > 0;
  }

  assert_true(seen == runs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_the_difference_of_error_rates),
      cmocka_unit_test(holds_the_ratio_of_quantiles_and_the_split),
      cmocka_unit_test(widens_the_ratio_where_latencies_wander),
      cmocka_unit_test(sees_what_is_there),
  };
  read_environment();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
