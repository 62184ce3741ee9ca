/* See blocks.h. */
#include "core/stats/blocks.h"

#include <math.h>

static const double quantiles[STATS_BLOCKS_QUANTILES] = {0.5, 0.99};

stats_blocks stats_blocks_new(double accuracy) {
  return (stats_blocks){
      .began = NAN,
      .one = stats_sketch_new(accuracy),
      .zero = stats_sketch_new(accuracy),
  };
}

void stats_blocks_free(stats_blocks *self) {
  stats_sketch_free(&self->one);
  stats_sketch_free(&self->zero);
}

static void begin(stats_blocks *self, double from) {
  self->began = from;
  self->values = (stats_windows){0};
  stats_sketch_clear(&self->one);
  stats_sketch_clear(&self->zero);
}

void stats_blocks_clear(stats_blocks *self) {
  self->ended = 0;
  for (int i = 0; i < STATS_BLOCKS_QUANTILES; i++) self->exceedances[i] = (stats_windows){0};
  begin(self, NAN);
}

bool stats_blocks_add(stats_blocks *self, double from, double to, const stats_sketch *one,
                      const stats_sketch *zero) {
  if (isnan(self->began)) begin(self, from);
  stats_windows_add(&self->values, (stats_window){.n1 = one->total, .n0 = zero->total});
  bool enough = stats_sketch_merge_scaled(&self->one, one, 1) &&
                stats_sketch_merge_scaled(&self->zero, zero, one->total / zero->total);
  if (to - self->began >= STATS_BLOCKS_SECONDS) stats_blocks_end(self);

  return enough;
}

static double count_in(const stats_sketch *sketch, int32_t bucket) {
  int64_t at = (int64_t)bucket - sketch->first;
  return at >= 0 && at < (int64_t)sketch->size ? sketch->counts[at] : 0;
}

/* The values above the lowest bucket that leaves at most 1 − q of both above it. */
static stats_window exceeding(const stats_blocks *self, stats_window all, double q) {
  const stats_sketch *one = &self->one, *zero = &self->zero;
  double scale = all.n0 / zero->total, most = (1 - q) * (all.n1 + all.n0), x1 = 0, x0 = 0;
  int64_t top = one->first + (int64_t)one->size, other = zero->first + (int64_t)zero->size;
  if (other > top) top = other;
  int64_t low = one->first < zero->first ? one->first : zero->first;
  for (int64_t bucket = top - 1; bucket >= low; bucket--) {
    double more1 = count_in(one, (int32_t)bucket), more0 = scale * count_in(zero, (int32_t)bucket);
    if (x1 + more1 + x0 + more0 > most) break;
    x1 += more1;
    x0 += more0;
  }

  return (stats_window){all.n1, x1, all.n0, fmin(x0, all.n0)};
}

void stats_blocks_end(stats_blocks *self) {
  stats_window all = stats_windows_counts(&self->values);
  if (all.n1 > 0) {
    for (int i = 0; i < STATS_BLOCKS_QUANTILES; i++)
      stats_windows_add(&self->exceedances[i], exceeding(self, all, quantiles[i]));
    self->ended++;
  }

  begin(self, NAN);
}

double stats_blocks_dispersion(const stats_blocks *self, double q) {
  int nearest = 0;
  for (int i = 1; i < STATS_BLOCKS_QUANTILES; i++)
    if (fabs(quantiles[i] - q) < fabs(quantiles[nearest] - q)) nearest = i;
  if (self->ended < STATS_BLOCKS_LEAST) return 1;
  double blocks = self->ended, variation = stats_windows_variation(&self->exceedances[nearest]);

  return fmax(1, variation * blocks / (blocks - 1) / quantiles[nearest]);
}
