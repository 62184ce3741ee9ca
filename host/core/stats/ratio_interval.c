/* The interval of the ratio of two quantiles. See sketch.h.
 *
 * The allowance L of Robbins' boundary is split between the two arms, f to the champion and 1 − f
 * to the challenger, and the best split counts:
 *
 *   high = max over f of Q1(⌊N1·u⁺(n1, (1−f)L)⌋ + 1, upper) − Q0(⌈N0·u⁻(n0, fL)⌉, lower)
 *   u±(n, l): the extreme u with 2n·kl(u, q) ≤ l */
#include <math.h>

#include "core/stats/error_interval.h"
#include "core/stats/sketch.h"

enum { SPLITS = 16 };

/* The information divergence of Bernoulli(u) from Bernoulli(q). */
static double divergence(double u, double q) {
  double result = 0;
  if (u > 0) result += u * log(u / q);
  if (u < 1) result += (1 - u) * log((1 - u) / (1 - q));
  return result;
}

/* The extreme share towards `end`, which is 0 or 1, that n values allow. */
static double extreme_share(double q, double n, double allowance, double end) {
  double inside = q, outside = end, limit = allowance / (2 * n);
  if (divergence(end, q) <= limit) return end;
  for (int i = 0; i < 200; i++) {
    double middle = inside + (outside - inside) / 2;
    if (middle == inside || middle == outside) break;
    if (divergence(middle, q) <= limit)
      inside = middle;
    else
      outside = middle;
  }
  return inside;
}

/* The highest position of the first sketch's quantile minus the lowest of the second's. */
static double highest_difference(const stats_sketch *first, double first_n, double first_allowance,
                                 const stats_sketch *second, double second_n,
                                 double second_allowance, double q) {
  double up = extreme_share(q, first_n, first_allowance, 1);
  double down = extreme_share(q, second_n, second_allowance, 0);
  double high = stats_sketch_position(first, floor(first->total * up) + 1, true);
  double low = stats_sketch_position(second, ceil(second->total * down), false);
  return high == low ? 0 : high - low; /* not ∞ − ∞ */
}

stats_ratio_range stats_ratio_interval(const stats_ratio_question *question) {
  const stats_sketch *one = question->sketch1, *zero = question->sketch0;
  double n1 = one->total, n0 = question->n0, q = question->q;
  if (!(n1 > 0) || !(n0 > 0)) return (stats_ratio_range){-1, INFINITY};
  double least = fmin(n1, n0);
  double events = least * least * q * (1 - q) * (1 / n1 + 1 / n0);
  double allowance = stats_mixture_bound(events, question->alpha, question->clock);

  double high = -INFINITY, low = INFINITY;
  for (int i = 0; i <= SPLITS; i++) {
    double f = (double)i / SPLITS, of1 = (1 - f) * allowance, of0 = f * allowance;
    high = fmax(high, highest_difference(one, n1, of1, zero, n0, of0, q));
    low = fmin(low, -highest_difference(zero, n0, of0, one, n1, of1, q));
  }
  return (stats_ratio_range){expm1(low * zero->log_g), expm1(high * zero->log_g)};
}
