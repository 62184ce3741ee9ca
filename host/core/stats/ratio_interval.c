/* The interval of the ratio of two quantiles, and of one quantile. See sketch.h.
 *
 * The allowance L of Robbins' boundary is split between the two arms, f to the champion and 1 − f
 * to the challenger, and the best split counts:
 *
 *   high = max over f of Q1(⌊N1·u⁺(n1, (1−f)L)⌋ + 1, upper) − Q0(⌈N0·u⁻(n0, fL)⌉, lower)
 *   u±(n, l): the extreme u with 2n·kl(u, q) ≤ l
 *
 * A dispersion φ divides both what the data say and the clock: L = φ·b(m/φ). */
#include <math.h>

#include "core/stats/error_interval.h"
#include "core/stats/sketch.h"

enum { SPLITS = 16 };

/* The information divergence of Bernoulli(u) from Bernoulli(q) at an end of 0…1. */
static double divergence_at_end(double end, double q) {
  return end > 0.5 ? -log(q) : -log1p(-q);
}

/* The extreme share towards `end`, which is 0 or 1, that n values allow: where the divergence
 * u·ln(u/q) + (1−u)·ln((1−u)/(1−q)) reaches l/2n. Newton's steps on its root, which is nearly a
 * line, kept within a bracket that shrinks, until a step is small: what is left after it is a part
 * of its square, which a rank does not show. */
static double extreme_share(double q, double n, double allowance, double end) {
  double inside = q, outside = end, limit = allowance / (2 * n);
  if (limit <= 0) return q;
  if (divergence_at_end(end, q) <= limit) return end;
  double spread = sqrt(2 * limit * q * (1 - q));
  double at =
      (end > 0.5 ? q + spread : q - spread) + (1 - 2 * q) * limit / 3; /* and its skewness */
  for (int i = 0; i < 200; i++) {
    if (!((at - inside) * (at - outside) < 0)) at = inside + (outside - inside) / 2;
    if (at == inside || at == outside) break;
    double log_u = log(at / q), log_v = log((1 - at) / (1 - q));
    double found = at * log_u + (1 - at) * log_v;
    if (found <= limit)
      inside = at;
    else
      outside = at;
    double step = 2 * (found - sqrt(fmax(0, found) * limit)) / (log_u - log_v);
    at -= step;
    if (fabs(step) <= 1e-5 * fabs(at - q)) break;
  }

  return at;
}

/* A place in a sketch that moves to ranks near the last one: `below` values are before bucket
 * `index`. Whole counts are exact; effective ones round as any order of adding does, and may add up
 * to a little less than the total. */
typedef struct {
  const stats_sketch *sketch;
  size_t index;
  double below;
} cursor;

static cursor cursor_at(const stats_sketch *sketch, double q) {
  if (q < 0.5) return (cursor){sketch, 0, sketch->not_positive};
  return (cursor){sketch, sketch->size, sketch->total};
}

/* As stats_sketch_position. */
static double position(cursor *c, double rank, bool upper) {
  const stats_sketch *sketch = c->sketch;
  if (rank < 1) return -INFINITY;
  if (rank > sketch->total) return INFINITY;
  if (rank <= sketch->not_positive) return -INFINITY;
  while (c->index > 0 && rank <= c->below) c->below -= sketch->counts[--c->index];
  while (c->index < sketch->size && rank > c->below + sketch->counts[c->index])
    c->below += sketch->counts[c->index++];
  if (c->index == sketch->size) { /* counts add up to a little less than the total: the last one */
    while (c->index > 0 && sketch->counts[c->index - 1] == 0) c->index--;
    if (c->index == 0) return -INFINITY;
    c->below -= sketch->counts[--c->index];
  }

  return (double)sketch->first + (double)c->index - 1 +
         (rank - (upper ? 0 : 1) - c->below) / sketch->counts[c->index];
}

/* One arm of a difference: the sketch and how many values it is worth. */
typedef struct {
  const stats_sketch *sketch;
  double n;
} arm;

/* The highest that the first arm's quantile may lie above the second's, of the split that gives the
 * second arm f of the allowance. */
static double difference_at(cursor *up, cursor *down, arm first, arm second, double q, double f,
                            double allowance) {
  double above = extreme_share(q, first.n, (1 - f) * allowance, 1);
  double under = extreme_share(q, second.n, f * allowance, 0);
  double high = position(up, floor(first.sketch->total * above) + 1, true);
  double low = position(down, ceil(second.sketch->total * under), false);

  return high == low ? 0 : high - low; /* not ∞ − ∞ */
}

static double highest_difference(arm first, arm second, double q, double allowance, bool quick) {
  cursor up = cursor_at(first.sketch, q), down = cursor_at(second.sketch, q);
  double most = -INFINITY;
  if (!quick) {
    for (int i = 0; i <= SPLITS; i++)
      most = fmax(most, difference_at(&up, &down, first, second, q, (double)i / SPLITS, allowance));
    return most;
  }

  /* Near the split that would be best for normal values. */
  double best = first.n / (first.n + second.n);
  static const double near[] = {1, 0.6, 1.6};
  for (int i = 0; i < 3; i++) {
    double f = fmin(1, best * near[i]);
    most = fmax(most, difference_at(&up, &down, first, second, q, f, allowance));
  }

  return most;
}

/* What the boundary allows; infinite without values. */
static double allowance_of(const stats_ratio_question *question) {
  double n1 = question->sketch1->total, n0 = question->n0, q = question->q;
  if (!(n1 > 0) || !(n0 > 0)) return INFINITY;
  double least = fmin(n1, n0);
  double events = least * least * q * (1 - q) * (1 / n1 + 1 / n0);

  return question->dispersion *
         stats_mixture_bound(events / question->dispersion, question->alpha, question->clock);
}

double stats_ratio_low(const stats_ratio_question *question) {
  arm one = {question->sketch1, question->sketch1->total}, zero = {question->sketch0, question->n0};
  double allowance = allowance_of(question);
  if (isinf(allowance)) return -1;
  double apart = -highest_difference(zero, one, question->q, allowance, question->quick);

  return expm1(apart * zero.sketch->log_g);
}

double stats_ratio_high(const stats_ratio_question *question) {
  arm one = {question->sketch1, question->sketch1->total}, zero = {question->sketch0, question->n0};
  double allowance = allowance_of(question);
  if (isinf(allowance)) return INFINITY;
  double apart = highest_difference(one, zero, question->q, allowance, question->quick);

  return expm1(apart * zero.sketch->log_g);
}

/* The ends u± of q in ranks, with the whole allowance: m = n·q(1−q). */
stats_ratio_range stats_quantile_interval(const stats_quantile_question *question) {
  const stats_sketch *sketch = question->sketch;
  double n = question->n, q = question->q, total = sketch->total;
  if (!(n > 0) || !(total > 0)) return (stats_ratio_range){0, INFINITY};
  double events = n * q * (1 - q) / question->dispersion;
  double allowance =
      question->dispersion * stats_mixture_bound(events, question->alpha, question->clock);
  double under = extreme_share(q, n, allowance, 0), above = extreme_share(q, n, allowance, 1);
  /* The total of standardised counts may not be whole: no value is beyond it. */
  double low = stats_sketch_position(sketch, fmin(total, ceil(total * under)), false);
  double high = stats_sketch_position(sketch, floor(total * above) + 1, true);

  return (stats_ratio_range){exp(low * sketch->log_g), exp(high * sketch->log_g)};
}

stats_ratio_range stats_ratio_interval(const stats_ratio_question *question) {
  return (stats_ratio_range){stats_ratio_low(question), stats_ratio_high(question)};
}
