/* See windows.h. */
#include "core/stats/windows.h"

#include <math.h>

void stats_windows_add(stats_windows *self, stats_window window) {
  if (window.n1 == 0 || window.n0 == 0) return;
  double ratio = window.n1 / window.n0;
  self->requests += window.n1;
  self->errors += window.x1;
  self->weighted_errors += window.x0 * ratio;
  self->weights += window.n1 * ratio;
  self->squares1 += window.x1 * window.x1 / ratio;
  self->products += window.x1 * window.x0;
  self->squares0 += window.x0 * window.x0 * ratio;
  self->all_errors += window.x1 + window.x0;
}

void stats_windows_merge(stats_windows *self, const stats_windows *other) {
  self->requests += other->requests;
  self->errors += other->errors;
  self->weighted_errors += other->weighted_errors;
  self->weights += other->weights;
  self->squares1 += other->squares1;
  self->products += other->products;
  self->squares0 += other->squares0;
  self->all_errors += other->all_errors;
}

stats_window stats_windows_counts(const stats_windows *self) {
  if (self->requests == 0) return (stats_window){0};
  double effective = self->requests * self->requests / self->weights;
  return (stats_window){
      .n1 = self->requests,
      .x1 = self->errors,
      .n0 = effective,
      .x0 = effective * self->weighted_errors / self->requests,
  };
}

double stats_windows_variation(const stats_windows *self) {
  if (!(self->errors > 0) || !(self->weighted_errors > 0)) return 0;
  double ratio = self->errors / self->weighted_errors;
  double squares = self->squares1 / ratio - 2 * self->products + ratio * self->squares0;
  return 1 + (squares - self->all_errors) / (1 + self->all_errors);
}

double stats_windows_dispersion(const stats_windows *self) {
  return fmax(1, stats_windows_variation(self));
}
