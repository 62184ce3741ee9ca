/* See spending.h. */
#include "core/stats/spending.h"

#include <math.h>
#include <stdlib.h>

#include "core/stats/special.h"

enum { POINTS = 401 };

static const double Z_MAX = 10; /* beyond it nothing is left to spend */

static double spent_by(const stats_spending *spending, double t) {
  double alpha = spending->alpha, parameter = spending->parameter;
  switch (spending->kind) {
  case STATS_SPENDING_OBRIEN_FLEMING:
    return 4 * stats_normal_tail(-stats_normal_quantile(alpha / 4) / sqrt(t));
  case STATS_SPENDING_POCOCK: return alpha * log1p((M_E - 1) * t);
  case STATS_SPENDING_POWER: return alpha * pow(t, parameter);
  default: return alpha * expm1(-parameter * t) / expm1(-parameter);
  }
}

/* The density of the score among tests that have not ended, on even points from −edge to edge. */
typedef struct {
  double edge;
  double values[POINTS];
} density;

static double point(const density *of, int i) {
  return of->edge * (2.0 * i / (POINTS - 1) - 1);
}

static double simpson_weight(const density *of, int i) {
  double width = 2 * of->edge / (POINTS - 1);
  return (i == 0 || i == POINTS - 1 ? 1 : i % 2 ? 4 : 2) * width / 3;
}

static double normal_density(double z) {
  return exp(-z * z / 2) / sqrt(2 * M_PI);
}

/* The probability that the next score lies beyond ±edge, when it moves by a normal of this spread.
 */
static double beyond(const density *before, double edge, double spread) {
  double total = 0;
  for (int i = 0; i < POINTS; i++) {
    double x = point(before, i);
    double leaves = stats_normal_tail((edge - x) / spread) + stats_normal_tail((edge + x) / spread);
    total += simpson_weight(before, i) * before->values[i] * leaves;
  }

  return total;
}

static void advance(const density *before, density *after, double spread) {
  for (int k = 0; k < POINTS; k++) {
    double y = point(after, k), total = 0;
    for (int i = 0; i < POINTS; i++)
      total += simpson_weight(before, i) * before->values[i] *
               normal_density((y - point(before, i)) / spread) / spread;
    after->values[k] = total;
  }
}

/* The z at which exactly `spend` of what is left ends. */
static double find_bound(const density *before, double time, double spread, double spend) {
  double low = 0, high = Z_MAX;
  if (beyond(before, Z_MAX * sqrt(time), spread) >= spend) return Z_MAX;
  for (int i = 0; i < 100 && high - low > 1e-13; i++) {
    double middle = (low + high) / 2;
    if (beyond(before, middle * sqrt(time), spread) > spend)
      low = middle;
    else
      high = middle;
  }

  return (low + high) / 2;
}

bool stats_boundaries(const stats_spending *spending, const double *times, double *bounds,
                      size_t count) {
  density *before = malloc(2 * sizeof *before);
  if (!before) return false;
  density *blocks = before, *after = before + 1;

  double spent = spent_by(spending, times[0]);
  bounds[0] = fmin(Z_MAX, -stats_normal_quantile(spent / 2));
  before->edge = bounds[0] * sqrt(times[0]);
  for (int i = 0; i < POINTS; i++)
    before->values[i] = normal_density(point(before, i) / sqrt(times[0])) / sqrt(times[0]);

  for (size_t k = 1; k < count; k++) {
    double now = spent_by(spending, times[k]), spread = sqrt(times[k] - times[k - 1]);
    bounds[k] = find_bound(before, times[k], spread, now - spent);
    after->edge = bounds[k] * sqrt(times[k]);
    advance(before, after, spread);
    spent = now;
    density *other = before;
    before = after;
    after = other;
  }

  free(blocks);
  return true;
}
