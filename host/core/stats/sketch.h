/* Counts of positive values in logarithmic buckets: bucket i holds g^(i−1) < x ≤ g^i, with
 * g = (1+a)/(1−a) for a relative accuracy a. Counts add up, so sketches merge in any order and
 * split; they may be effective, that is not whole. Values that are not positive have a bucket of
 * their own, below all others. Source: Masson, Rim and Lee, DDSketch, arXiv 1908.10693. Memory:
 * owned; release with stats_sketch_free. */
#ifndef WEIR_CORE_STATS_SKETCH_H
#define WEIR_CORE_STATS_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  double accuracy, log_g;
  double *counts; /* of the buckets first … first + size − 1 */
  int32_t first;
  size_t size;
  double not_positive, total;
} stats_sketch;

enum { STATS_SKETCH_BUCKET_MAX = 100000 }; /* beyond every double at accuracies from 0.5 % on */

/* An empty sketch of a relative accuracy such as 0.01. */
stats_sketch stats_sketch_new(double accuracy);

/* The bucket of a positive, finite value. */
int32_t stats_sketch_bucket(const stats_sketch *self, double value);

/* Adds count (≥ 0) to a bucket, or for a value. False when memory is short. */
bool stats_sketch_add_bucket(stats_sketch *self, int32_t bucket, double count);
bool stats_sketch_add(stats_sketch *self, double value, double count);

/* Adds each of the values once. When memory is short, those before the one that did not fit. */
bool stats_sketch_add_all(stats_sketch *self, const double *values, size_t count);

/* Empties it; memory is kept. */
void stats_sketch_clear(stats_sketch *self);

/* Both sketches have one accuracy; every count is multiplied by factor. */
bool stats_sketch_merge_scaled(stats_sketch *self, const stats_sketch *other, double factor);
bool stats_sketch_merge(stats_sketch *self, const stats_sketch *other);

/* The q-quantile within the accuracy; not a number for an empty sketch. */
double stats_sketch_quantile(const stats_sketch *self, double q);

/* The position in log_g of the r-th value (r from 1), interpolated within its bucket: at the
 * value's upper end, or at its lower. −infinity for r < 1 and for values that are not positive,
 * +infinity beyond the last. */
double stats_sketch_position(const stats_sketch *self, double rank, bool upper);

void stats_sketch_free(stats_sketch *self);

/* The ratio − 1 of the q-quantiles, challenger over champion, whenever one looks: both ends hold
 * together at all looks with probability 1 − alpha. n0 is the champion's effective count (its own
 * total where it is not standardised). Latencies that wander (dispersion φ ≥ 1, blocks.h) count as
 * 1/φ as many. Ends that the data do not reach are −1 and +infinity. */
typedef struct {
  const stats_sketch *sketch1, *sketch0;
  double q, n0, alpha, clock, dispersion;
  bool quick; /* three splits instead of seventeen: ends within 1.2 points, in a quarter of the time
               */
} stats_ratio_question;

typedef struct {
  double low, high;
} stats_ratio_range;

stats_ratio_range stats_ratio_interval(const stats_ratio_question *question);

/* One end of it, in half the time. */
double stats_ratio_low(const stats_ratio_question *question);
double stats_ratio_high(const stats_ratio_question *question);

/* The q-quantile of one variant, worth n values, whenever one looks: in the values' unit, 0 and
 * +infinity where the data do not reach. */
typedef struct {
  const stats_sketch *sketch;
  double q, n, alpha, clock, dispersion;
} stats_quantile_question;

stats_ratio_range stats_quantile_interval(const stats_quantile_question *question);

#endif
