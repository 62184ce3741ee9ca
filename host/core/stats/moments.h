/* Mean and variance of values that come one by one (Welford 1962), merged in any order (Chan, Golub
 * and LeVeque 1983), and Welch's test of two means (1947). In the values' own unit.
 *   mean += off/n, squares += off·(x − mean)
 *   merged: squares1 + squares0 + off²·n1·n0/(n1+n0)      off: the difference of the means
 *   t = off/√(v1/n1 + v0/n0)
 *   df = (v1/n1 + v0/n0)² / ((v1/n1)²/(n1−1) + (v0/n0)²/(n0−1))
 * Errors: as few as rounding makes them; of p 1e-10 relative up to a million degrees of freedom.
 * Memory: the caller's. */
#ifndef WEIR_CORE_STATS_MOMENTS_H
#define WEIR_CORE_STATS_MOMENTS_H

#include <stddef.h>

#include "core/stats/proportions.h"

typedef struct {
  double count, mean, squares; /* squares: the sum of squared deviations from the mean */
} stats_moments;

void stats_moments_add(stats_moments *self, double value);
void stats_moments_add_all(stats_moments *self, const double *values, size_t count);
void stats_moments_merge(stats_moments *self, const stats_moments *other);

/* The sample variance, divided by count − 1; not a number for fewer than two values. */
double stats_moments_variance(const stats_moments *self);

/* A sample by its mean, variance and size (at least 2). */
typedef struct {
  double mean, variance, count;
} stats_sample;

typedef struct {
  double t, df, p;
  stats_interval difference; /* of mean 1 − mean 0 */
} stats_welch_result;

stats_welch_result stats_welch(stats_sample one, stats_sample zero, double confidence);

#endif
