/* See moments.h. */
#include "core/stats/moments.h"

#include <math.h>

#include "core/stats/special.h"

void stats_moments_add(stats_moments *self, double value) {
  self->count++;
  double off = value - self->mean;
  self->mean += off / self->count;
  self->squares += off * (value - self->mean);
}

/* The mean first, then the squares around it: as exact as one by one, and without a division for
 * each. */
void stats_moments_add_all(stats_moments *self, const double *values, size_t count) {
  if (count == 0) return;
  double part = 1 / (double)count, mean = 0, rest = 0, squares = 0;
  for (size_t i = 0; i < count; i++) mean += values[i] * part;
  for (size_t i = 0; i < count; i++) {
    double off = values[i] - mean;
    rest += off;
    squares += off * off;
  }

  stats_moments all = {
      .count = (double)count,
      .mean = mean + rest * part,
      .squares = squares - rest * rest * part,
  };
  stats_moments_merge(self, &all);
}

void stats_moments_merge(stats_moments *self, const stats_moments *other) {
  double count = self->count + other->count;
  if (count == 0) return;
  double off = other->mean - self->mean;
  self->squares += other->squares + off * off * self->count * other->count / count;
  self->mean += off * other->count / count;
  self->count = count;
}

double stats_moments_variance(const stats_moments *self) {
  return self->count < 2 ? NAN : self->squares / (self->count - 1);
}

stats_welch_result stats_welch(stats_sample one, stats_sample zero, double confidence) {
  double part1 = one.variance / one.count, part0 = zero.variance / zero.count, both = part1 + part0;
  double difference = one.mean - zero.mean, error = sqrt(both);
  double share1 = part1 / both, share0 = part0 / both; /* first, so that no square overflows */
  stats_welch_result result = {
      .t = difference / error,
      .df = 1 / (share1 * share1 / (one.count - 1) + share0 * share0 / (zero.count - 1)),
  };
  if (error == 0) { /* Neither sample varies: the means are equal, or certainly different. */
    result.t = difference == 0 ? 0 : copysign(INFINITY, difference);
    result.df = one.count + zero.count - 2;
    result.p = difference == 0;
    result.difference = (stats_interval){difference, difference};

    return result;
  }

  result.p = stats_t_two_sided(result.t, result.df);
  double half = stats_t_quantile((1 + confidence) / 2, result.df) * error;
  result.difference = (stats_interval){difference - half, difference + half};

  return result;
}
