/* See draws.h. */
#include "core/stats/draws.h"

#include <math.h>
#include <stdlib.h>

#include "core/stats/special.h"

/* Searches the distribution from 0 upwards: n·p steps. */
static double binomial_by_inversion(stats_random *random, double n, double p) {
  double odds = p / (1 - p), mass = exp(n * log1p(-p)), rest = stats_random_uniform(random);
  double k = 0;
  while (rest > mass && k < n) {
    rest -= mass;
    k++;
    mass *= odds * (n - k + 1) / k;
  }

  return k;
}

/* What Stirling's formula lacks of ln k!: ln k! = (k + ½)·ln(k + 1) − (k + 1) + ½·ln 2π + this. */
static double stirling_rest(double k) {
  static const double first[] = {
      0.08106146679532725822, 0.04134069595540929409, 0.02767792568499833915,
      0.02079067210376509311, 0.01664466118982119216, 0.01387612882307074800,
      0.01189670994589177010, 0.01041126526197209650, 0.00925546218271273292,
      0.00833056343336287126,
  };
  if (k < 10) return first[(int)k];
  double inverse = 1 / (k + 1), square = inverse * inverse;

  return inverse * (1 / 12. - square * (1 / 360. - square * (1 / 1260. - square / 1680.)));
}

/* ln of the binomial mass at k, relative to the mode m: lgamma's terms with their large parts taken
 * together. */
static double log_mass_ratio(double n, double p, double m, double k) {
  double odds = p / (1 - p), rest_m = n - m + 1, rest_k = n - k + 1;
  return stirling_rest(m) + stirling_rest(n - m) - stirling_rest(k) - stirling_rest(n - k) +
         (m + 0.5) * log((m + 1) / (odds * rest_m)) + (n + 1) * log(rest_m / rest_k) +
         (k + 0.5) * log(odds * rest_k / (k + 1));
}

/* Transformed rejection with squeeze, for n·p ≥ 10 and p ≤ ½. */
static double binomial_by_rejection(stats_random *random, double n, double p) {
  double spread = sqrt(n * p * (1 - p));
  double b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5;
  double squeeze = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread;
  for (;;) {
    double u = stats_random_uniform(random) - 0.5, v = stats_random_uniform(random);
    double us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || k > n) continue;
    double m = floor((n + 1) * p);
    if (log(v * alpha / (a / (us * us) + b)) <= log_mass_ratio(n, p, m, k)) return k;
  }
}

double stats_draw_binomial(stats_random *random, double n, double p) {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - stats_draw_binomial(random, n, 1 - p);
  return n * p < 10 ? binomial_by_inversion(random, n, p) : binomial_by_rejection(random, n, p);
}

/* The binomial of many trials has all but a thousandth of the variance. */
double stats_draw_poisson(stats_random *random, double mean) {
  double trials = ceil(1000 * mean);
  return trials > 0 ? stats_draw_binomial(random, trials, mean / trials) : 0;
}

double stats_draw_normal(stats_random *random) {
  return stats_normal_quantile(stats_random_uniform(random));
}

/* ── Cells ── */

void stats_cells_free(stats_cells *self) {
  free(self->probability);
  free(self->keep);
  free(self->other);
  *self = (stats_cells){0};
}

/* Vose: cells with too little are filled up from cells with too much. */
static void fill(stats_cells *self, size_t *small, size_t *large) {
  size_t smalls = 0, larges = 0, count = self->count;
  for (size_t i = 0; i < count; i++) {
    self->keep[i] = self->probability[i] * (double)count;
    self->other[i] = i;
    if (self->keep[i] < 1)
      small[smalls++] = i;
    else
      large[larges++] = i;
  }

  while (smalls > 0 && larges > 0) {
    size_t little = small[--smalls], much = large[larges - 1];
    self->other[little] = much;
    self->keep[much] -= 1 - self->keep[little];
    if (self->keep[much] < 1) {
      larges--;
      small[smalls++] = much;
    }
  }

  while (smalls > 0) self->keep[small[--smalls]] = 1; /* rounding */
}

bool stats_cells_make(stats_cells *self, const double *weights, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i++) total += weights[i];
  *self = (stats_cells){
      .probability = malloc(count * sizeof(double)),
      .keep = malloc(count * sizeof(double)),
      .other = malloc(count * sizeof(size_t)),
      .count = count,
  };
  size_t *small = malloc(count * sizeof *small), *large = malloc(count * sizeof *large);
  bool ok = self->probability && self->keep && self->other && small && large;
  if (ok) {
    for (size_t i = 0; i < count; i++) self->probability[i] = weights[i] / total;
    fill(self, small, large);
  } else {
    stats_cells_free(self);
  }

  free(small);
  free(large);

  return ok;
}

static void draw_one_by_one(const stats_cells *self, stats_random *random, double draws,
                            double *counts) {
  double cells = (double)self->count;
  for (double i = 0; i < draws; i++) {
    double at = stats_random_coarse(random) * cells;
    size_t cell = (size_t)at;
    counts[at - (double)cell < self->keep[cell] ? cell : self->other[cell]]++;
  }
}

static void draw_at_once(const stats_cells *self, stats_random *random, double draws,
                         double *counts) {
  double rest = 1;
  for (size_t i = 0; i + 1 < self->count && draws > 0; i++) {
    double share = rest > 0 ? fmin(1, self->probability[i] / rest) : 1;
    double drawn = stats_draw_binomial(random, draws, share);
    counts[i] += drawn;
    draws -= drawn;
    rest -= self->probability[i];
  }

  counts[self->count - 1] += draws;
}

void stats_cells_draw(const stats_cells *self, stats_random *random, double draws, double *counts) {
  if (draws < 2 * (double)self->count)
    draw_one_by_one(self, random, draws, counts);
  else
    draw_at_once(self, random, draws, counts);
}
