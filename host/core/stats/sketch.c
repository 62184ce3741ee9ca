/* See sketch.h; the interval of a ratio is in ratio_interval.c. */
#include "core/stats/sketch.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

stats_sketch stats_sketch_new(double accuracy) {
  return (stats_sketch){.accuracy = accuracy, .log_g = log((1 + accuracy) / (1 - accuracy))};
}

int32_t stats_sketch_bucket(const stats_sketch *self, double value) {
  return (int32_t)ceil(log(value) / self->log_g);
}

/* ln of a positive normal number within 1e-9, several times as fast as log(): the exponent, and
 * the first terms of 2·artanh for the mantissa between √½ and √2. */
static double quick_log(double value) {
  static const double ln2 = 0.693147180559945309;
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint64_t shifted = bits - 0x3FE6A09E667F3BCDu; /* √½ begins an octave */
  int64_t exponent = (int64_t)shifted >> 52;
  bits -= (uint64_t)exponent << 52;
  double mantissa;
  memcpy(&mantissa, &bits, sizeof mantissa);

  double t = (mantissa - 1) / (mantissa + 1), t2 = t * t;
  double series = 1 + t2 * (1.0 / 3 + t2 * (1.0 / 5 + t2 * (1.0 / 7 + t2 * (1.0 / 9))));
  return (double)exponent * ln2 + 2 * t * series;
}

/* stats_sketch_bucket, which is asked only where the quick logarithm leaves it open. */
static int32_t quick_bucket(const stats_sketch *self, double value, double per_log) {
  if (value < DBL_MIN) return stats_sketch_bucket(self, value);
  double position = quick_log(value) * per_log, bucket = ceil(position), rest = bucket - position;
  double open = 2e-9 * per_log + 1e-12 * fabs(position);
  if (rest < open || rest > 1 - open) return stats_sketch_bucket(self, value);

  return (int32_t)bucket;
}

/* Makes room for the buckets from least to most. */
static bool reach(stats_sketch *self, int32_t least, int32_t most) {
  enum { MARGIN = 32 };
  if (self->size > 0 && least >= self->first && most < self->first + (int32_t)self->size)
    return true;
  int32_t first = least - MARGIN, last = most + MARGIN;
  if (self->size > 0 && self->first < first) first = self->first;
  if (self->size > 0 && self->first + (int32_t)self->size - 1 > last)
    last = self->first + (int32_t)self->size - 1;
  size_t size = (size_t)(last - first) + 1;
  double *counts = calloc(size, sizeof *counts);
  if (!counts) return false;
  if (self->size > 0)
    memcpy(counts + (self->first - first), self->counts, self->size * sizeof *counts);
  free(self->counts);
  self->counts = counts;
  self->first = first;
  self->size = size;

  return true;
}

bool stats_sketch_add_bucket(stats_sketch *self, int32_t bucket, double count) {
  if (count == 0) return true;
  if (!reach(self, bucket, bucket)) return false;
  self->counts[bucket - self->first] += count;
  self->total += count;

  return true;
}

bool stats_sketch_add(stats_sketch *self, double value, double count) {
  if (value > 0) return stats_sketch_add_bucket(self, stats_sketch_bucket(self, value), count);
  self->not_positive += count;
  self->total += count;
  return true;
}

bool stats_sketch_add_all(stats_sketch *self, const double *values, size_t count) {
  double per_log = 1 / self->log_g;
  for (size_t i = 0; i < count; i++) {
    if (!(values[i] > 0)) {
      self->not_positive++;
    } else {
      int32_t bucket = quick_bucket(self, values[i], per_log);
      if (!reach(self, bucket, bucket)) return false;
      self->counts[bucket - self->first]++;
    }

    self->total++;
  }

  return true;
}

void stats_sketch_clear(stats_sketch *self) {
  if (self->size > 0) memset(self->counts, 0, self->size * sizeof *self->counts);
  self->not_positive = self->total = 0;
}

bool stats_sketch_merge_scaled(stats_sketch *self, const stats_sketch *other, double factor) {
  size_t from = 0, to = other->size;
  while (from < to && other->counts[from] == 0) from++;
  while (to > from && other->counts[to - 1] == 0) to--;
  double added = other->not_positive * factor; /* both may be one */
  if (from < to) {
    int32_t least = other->first + (int32_t)from, most = other->first + (int32_t)to - 1;
    if (!reach(self, least, most)) return false;
    double *counts = self->counts + (other->first - self->first);
    for (size_t i = from; i < to; i++) counts[i] += other->counts[i] * factor;
  }

  self->total += other->total * factor;
  self->not_positive += added;

  return true;
}

bool stats_sketch_merge(stats_sketch *self, const stats_sketch *other) {
  return stats_sketch_merge_scaled(self, other, 1);
}

double stats_sketch_quantile(const stats_sketch *self, double q) {
  if (self->total == 0) return NAN;
  double rank = fmax(1, ceil(q * self->total)), below = self->not_positive;
  if (rank <= below) return 0;
  double g = exp(self->log_g), bucket = 0;
  for (size_t i = 0; i < self->size; i++) {
    if (self->counts[i] == 0) continue;
    below += self->counts[i];
    bucket = (double)(self->first + (int32_t)i);
    if (below >= rank) break;
  }

  return 2 * exp(self->log_g * bucket) / (g + 1);
}

double stats_sketch_position(const stats_sketch *self, double rank, bool upper) {
  if (rank < 1) return -INFINITY;
  if (rank > self->total) return INFINITY;
  double below = self->not_positive, position = -INFINITY;
  if (rank <= below) return position;
  for (size_t i = 0; i < self->size; i++) {
    double count = self->counts[i];
    if (count == 0) continue;
    position = (double)(self->first + (int32_t)i) - 1 + (rank - (upper ? 0 : 1) - below) / count;
    below += count;
    if (rank <= below) break;
  }

  return position; /* of the last value, where counts add up to a little less than the total */
}

void stats_sketch_free(stats_sketch *self) {
  free(self->counts);
  *self = stats_sketch_new(self->accuracy);
}
