/* See windows.h. */
#include "core/stats/windows.h"

#include <math.h>
#include <stdlib.h>

bool stats_windows_add(stats_windows *self, stats_window window) {
  if (window.n1 == 0 || window.n0 == 0) return true;
  if (self->count == self->capacity) {
    size_t capacity = self->capacity ? 2 * self->capacity : 16;
    stats_window *items = realloc(self->items, capacity * sizeof *items);
    if (!items) return false;
    self->items = items;
    self->capacity = capacity;
  }
  self->items[self->count++] = window;
  self->requests += window.n1;
  self->errors += window.x1;
  self->weighted_errors += window.n1 * window.x0 / window.n0;
  self->weights += window.n1 * window.n1 / window.n0;
  return true;
}

bool stats_windows_merge(stats_windows *self, const stats_windows *other) {
  size_t count = other->count; /* `other` may be `self` */
  for (size_t i = 0; i < count; i++)
    if (!stats_windows_add(self, other->items[i])) return false;
  return true;
}

stats_window stats_windows_counts(const stats_windows *self) {
  if (self->count == 0) return (stats_window){0};
  double effective = self->requests * self->requests / self->weights;
  return (stats_window){
      .n1 = self->requests,
      .x1 = self->errors,
      .n0 = effective,
      .x0 = effective * self->weighted_errors / self->requests,
  };
}

double stats_windows_dispersion(const stats_windows *self) {
  stats_window all = stats_windows_counts(self);
  if (!(all.x1 > 0) || !(all.x0 > 0)) return 1;
  double ratio = (all.x1 / all.n1) / (all.x0 / all.n0), excess = 0, errors = 0;
  for (size_t i = 0; i < self->count; i++) {
    const stats_window *window = &self->items[i];
    double e = window->x1 + window->x0;
    double share = window->n1 * ratio / (window->n1 * ratio + window->n0);
    double off = window->x1 - e * share;
    excess += off * off / (share * (1 - share)) - e;
    errors += e;
  }
  return fmax(1, 1 + excess / (1 + errors));
}

void stats_windows_free(stats_windows *self) {
  free(self->items);
  *self = (stats_windows){0};
}
