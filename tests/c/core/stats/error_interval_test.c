/* The quick ends of an error rate's interval, as simulations ask for them look by look, lie within
 * a thousandth of its width from the exact ones. Counts are drawn; WEIR_SEED gives another seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <math.h>
#include <stdlib.h>

#include "core/stats/draws.h"
#include "core/stats/error_interval.h"

enum { TRIALS = 400, LOOKS = 12 };

static uint64_t seed = 1;

/* Looks at a trial that grows by half each time, as far as single errors and as many as a million
 * requests. */
static void check_trial(stats_random *random, int trial) {
  double share = 0.05 + 0.45 * stats_random_uniform(random);
  double rate = pow(10, -1 - 3 * stats_random_uniform(random));
  double difference = rate * (stats_random_uniform(random) - 0.3);
  double requests = 2000, low = NAN, high = NAN;
  stats_error_counts all = {.alpha = 0.05, .clock = 10};
  all.dispersion = 1 + 2 * stats_random_uniform(random);
  for (int look = 0; look < LOOKS; look++, requests *= 1.1) {
    double n1 = floor(requests * share), n0 = requests - n1;
    all.n1 += n1;
    all.n0 += n0;
    all.x1 += stats_draw_binomial(random, n1, rate + difference);
    all.x0 += stats_draw_binomial(random, n0, rate);

    all.quick = false;
    stats_interval exact = stats_error_interval(&all);
    all.quick = true;
    low = stats_error_end_near(&all, -1, low);
    high = stats_error_end_near(&all, 1, high);
    double off = fmax(fabs(low - exact.low), fabs(high - exact.high)) / (exact.high - exact.low);
    if (!(off < 1e-3))
      fail_msg("trial %d, look %d: %g..%g, not %g..%g, off by %g (seed %llu)", trial, look, low,
               high, exact.low, exact.high, off, (unsigned long long)seed);
  }
}

static void quick_ends_are_near_the_exact_ones(void **state) {
  (void)state;
  for (int trial = 0; trial < TRIALS; trial++) {
    stats_random random = stats_random_stream(seed, (uint64_t)trial);
    check_trial(&random, trial);
  }
}

int main(void) {
  const char *given = getenv("WEIR_SEED");
  if (given && given[0] != 'r') seed = strtoull(given, NULL, 10);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quick_ends_are_near_the_exact_ones),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
