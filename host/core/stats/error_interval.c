/* See error_interval.h. */
#include "core/stats/error_interval.h"

#include <float.h>
#include <math.h>

double stats_mixture_bound(double events, double alpha, double clock) {
  if (!(events > 0)) return INFINITY;
  return (1 + clock / events) * (log1p(events / clock) - 2 * log(alpha));
}

/* The derivative of the log likelihood in t0, with t1 = t0 + d: it falls as t0 grows. */
static double score(const stats_error_counts *c, double t0, double d) {
  double t1 = t0 + d, result = 0;
  if (c->x1 > 0) result += c->x1 / t1;
  if (c->x0 > 0) result += c->x0 / t0;
  if (c->n1 > c->x1) result -= (c->n1 - c->x1) / (1 - t1);
  if (c->n0 > c->x0) result -= (c->n0 - c->x0) / (1 - t0);
  return result;
}

static double score_slope(const stats_error_counts *c, double t0, double d) {
  double t1 = t0 + d, result = 0;
  if (c->x1 > 0) result -= c->x1 / (t1 * t1);
  if (c->x0 > 0) result -= c->x0 / (t0 * t0);
  if (c->n1 > c->x1) result -= (c->n1 - c->x1) / ((1 - t1) * (1 - t1));
  if (c->n0 > c->x0) result -= (c->n0 - c->x0) / ((1 - t0) * (1 - t0));
  return result;
}

/* Newton's steps, kept within a bracket that shrinks. */
double stats_restricted_rate(const stats_error_counts *c, double d) {
  double low = fmax(0, -d), high = fmin(1, 1 - d);
  if (low >= high) return low;
  double at = (c->x1 + c->x0 - d * c->n1) / (c->n1 + c->n0);
  if (!(at > low && at < high)) at = low + (high - low) / 2;
  for (int i = 0; i < 200; i++) {
    double value = score(c, at, d);
    if (value > 0)
      low = at;
    else
      high = at;
    if (value == 0 || high - low <= DBL_EPSILON * high) break;
    double next = at - value / score_slope(c, at, d);
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (fabs(next - at) <= DBL_EPSILON * at) break;
    at = next;
  }
  return at;
}

/* x·ln(p/t), which is 0 for x = 0. */
static double likelihood_part(double x, double p, double t) {
  return x > 0 ? x * log(p / t) : 0;
}

/* 2·(n·kl(p, t)), twice the loss of log likelihood. */
static double deviance(double x, double n, double t) {
  double p = x / n;
  return 2 * (likelihood_part(x, p, t) + likelihood_part(n - x, 1 - p, 1 - t));
}

bool stats_error_refutes(const stats_error_counts *c, double d) {
  double t0 = stats_restricted_rate(c, d), t1 = t0 + d, least = fmin(c->n1, c->n0);
  double events = least * least * (t1 * (1 - t1) / c->n1 + t0 * (1 - t0) / c->n0);
  double found = deviance(c->x1, c->n1, t1) + deviance(c->x0, c->n0, t0);
  return found / c->dispersion > stats_mixture_bound(events / c->dispersion, c->alpha, c->clock);
}

/* Walks outwards from the estimate until a difference is refuted, then halves. Near ±1 the clock
 * runs backwards, so the first crossing counts. */
static double find_end(const stats_error_counts *c, double estimate, double direction) {
  double inside = estimate, step = 1e-6;
  for (;;) {
    double at = estimate + direction * step;
    if (fabs(at) >= 1) return direction;
    if (stats_error_refutes(c, at)) {
      double outside = at;
      while (fabs(outside - inside) > 1e-15 &&
             fabs(outside - inside) > DBL_EPSILON * fabs(inside)) {
        double middle = inside + (outside - inside) / 2;
        if (middle == inside || middle == outside) break;
        if (stats_error_refutes(c, middle))
          outside = middle;
        else
          inside = middle;
      }
      return inside + (outside - inside) / 2;
    }
    inside = at;
    step *= 1.5;
  }
}

stats_interval stats_error_interval(const stats_error_counts *c) {
  double estimate = c->x1 / c->n1 - c->x0 / c->n0;
  return (stats_interval){find_end(c, estimate, -1), find_end(c, estimate, 1)};
}
