/* The difference of two error rates, x1/n1 − x0/n0, looked at as often as one likes: an interval
 * that holds the truth at all looks together with probability 1 − alpha.
 *
 * A difference d is refuted when its profile deviance D(d) exceeds b(m(d)), Robbins' mixture
 * boundary on a clock of effective events. Burstiness of the errors (dispersion φ ≥ 1) divides
 * both.
 *
 *   b(m) = (1 + T/m)·(ln(1 + m/T) − 2 ln alpha)
 *   m(d) = min(n1, n0)²·(t1(1−t1)/n1 + t0(1−t0)/n0)      t: the rates that fit best under d
 *
 *   D(d) = 2·Σ over both (x·ln(p/t) + (n−x)·ln((1−p)/(1−t)))                  p = x/n
 *
 * Differences and rates are fractions. Ends are within 1e-9 of the exact ones up to 1e9 requests.
 * Sources: Robbins 1970 (boundary); Farrington and Manning 1990 (t). Counts may be effective, that
 * is not whole. Memory: none. */
#ifndef WEIR_CORE_STATS_ERROR_INTERVAL_H
#define WEIR_CORE_STATS_ERROR_INTERVAL_H

#include <stdbool.h>

#include "core/stats/proportions.h"

typedef struct {
  double x1, n1, x0, n0; /* errors and requests: challenger, champion */
  double alpha;          /* such as 0.05 */
  double clock;          /* T, where the bound is tightest, in effective events; 10 */
  double dispersion;     /* φ, at least 1 */
  bool quick;            /* ends within a thousandth of the width, in half the time */
} stats_error_counts;

/* b(m): infinite without events. */
double stats_mixture_bound(double events, double alpha, double clock);

/* The champion's rate that fits best when the challenger's is greater by d. */
double stats_restricted_rate(const stats_error_counts *counts, double d);

/* Whether the counts refute the difference d, which lies in −1…1. */
bool stats_error_refutes(const stats_error_counts *counts, double d);

/* Both ends of what is not refuted around the estimate; −1 and 1 where nothing is. */
stats_interval stats_error_interval(const stats_error_counts *counts);

/* One end of it. */
double stats_error_low(const stats_error_counts *counts);
double stats_error_high(const stats_error_counts *counts);

/* The lower end (direction −1) or the upper one (1), sooner when it lies near `end`, which is where
 * it was before; NaN when that is not known. */
double stats_error_end_near(const stats_error_counts *counts, double direction, double end);

#endif
