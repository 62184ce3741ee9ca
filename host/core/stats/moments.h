/* Mean and variance of values that come one by one (Welford), merged in any order (Chan), and
 * Welch's test of two means. Memory: the caller's. */
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
