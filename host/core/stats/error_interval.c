/* See error_interval.h. */
#include "core/stats/error_interval.h"

#include <float.h>
#include <math.h>

double stats_mixture_bound(double events, double alpha, double clock) {
  if (!(events > 0)) return INFINITY;
  return (1 + clock / events) * (log1p(events / clock) - 2 * log(alpha));
}

/* x/t, the derivative of x·ln t, which is 0 for x = 0; adds its own derivative to the slope. */
static double part_of_score(double x, double t, double *slope) {
  if (!(x > 0)) return 0;
  double inverse = 1 / t, part = x * inverse;
  *slope -= part * inverse;
  return part;
}

/* The derivative of the log likelihood in t0, with t1 = t0 + d: it falls as t0 grows. */
static double score(const stats_error_counts *c, double t0, double d, double *slope) {
  double t1 = t0 + d;
  *slope = 0;
  return part_of_score(c->x1, t1, slope) + part_of_score(c->x0, t0, slope) -
         part_of_score(c->n1 - c->x1, 1 - t1, slope) - part_of_score(c->n0 - c->x0, 1 - t0, slope);
}

/* Newton's steps, kept within a bracket that shrinks. Where a variant has no events, or nothing
 * else, the likelihood may be highest at an end. */
double stats_restricted_rate(const stats_error_counts *c, double d) {
  double low = fmax(0, -d), high = fmin(1, 1 - d), slope;
  if (low >= high || score(c, low, d, &slope) <= 0) return low;
  if (score(c, high, d, &slope) >= 0) return high;
  double at = (c->x1 + c->x0 - d * c->n1) / (c->n1 + c->n0);
  if (!(at > low && at < high)) at = low + (high - low) / 2;
  for (int i = 0; i < 200; i++) {
    double value = score(c, at, d, &slope);
    if (value > 0)
      low = at;
    else
      high = at;
    if (value == 0 || high - low <= DBL_EPSILON * high) break;
    double next = at - value / slope;
    bool is_newton = next > low && next < high;
    if (!is_newton) next = low + (high - low) / 2;
    double step = fabs(next - at);
    at = next;
    if (step <= DBL_EPSILON * at) break;
    /* Newton's next step would be the square of this one, relative to what is nearest to an end;
     * and the deviance, which is least here, moves by the square of that. */
    double least = fmin(fmin(at, at + d), fmin(1 - at, 1 - at - d));
    if (is_newton && step <= (c->quick ? 1e-3 : 1e-8) * least) break;
  }

  return at;
}

/* x·ln(p/t), which is 0 for x = 0; off = p − t. Of rates that lie near each other the difference
 * has the digits: parts of many requests nearly cancel. */
static double likelihood_part(double x, double p, double t, double off) {
  if (!(x > 0)) return 0;
  return fabs(off) < 0.1 * t ? x * log1p(off / t) : x * log(p / t);
}

/* 2·(n·kl(p, t)), twice the loss of log likelihood. */
static double deviance(double x, double n, double t) {
  double p = x / n, off = p - t;
  return 2 * (likelihood_part(x, p, t, off) + likelihood_part(n - x, 1 - p, 1 - t, -off));
}

/* How far the deviance lies beyond the boundary: refuted above 0. Roots make it nearly linear in
 * the distance from the estimate. */
static double excess(const stats_error_counts *c, double d) {
  double t0 = stats_restricted_rate(c, d), t1 = t0 + d, least = fmin(c->n1, c->n0);
  double events = least * least * (t1 * (1 - t1) / c->n1 + t0 * (1 - t0) / c->n0);
  double found = deviance(c->x1, c->n1, t1) + deviance(c->x0, c->n0, t0);
  double bound = stats_mixture_bound(events / c->dispersion, c->alpha, c->clock);

  return sqrt(fmax(0, found) / c->dispersion) - sqrt(bound);
}

bool stats_error_refutes(const stats_error_counts *c, double d) {
  return excess(c, d) > 0;
}

/* A first step of about half the half-width that a normal interval would have: one of 1e-6·1.5^k,
 * which are the steps that the ends of wide intervals are defined by. */
static double first_step(const stats_error_counts *c) {
  double p1 = (c->x1 + 1) / (c->n1 + 2), p0 = (c->x0 + 1) / (c->n0 + 2);
  double variance = p1 * (1 - p1) / c->n1 + p0 * (1 - p0) / c->n0;
  double wanted = fmin(0.01, 2 * sqrt(variance * c->dispersion)), step = 1e-6;
  if (wanted < step) return wanted;
  while (step * 1.5 <= wanted) step *= 1.5;

  return step;
}

/* The step from b that inverse quadratic interpolation (or the secant) proposes between a and b,
 * where c is the iterate before; 0 when it is not to be trusted. */
static double proposed_step(double a, double fa, double b, double fb, double c, double fc) {
  double s = fb / fa, p, q;
  if (a == c) {
    p = (c - b) * s;
    q = 1 - s;
  } else {
    double t = fa / fc, r = fb / fc;
    p = s * ((c - b) * t * (t - r) - (b - a) * (r - 1));
    q = (t - 1) * (r - 1) * (s - 1);
  }

  return isfinite(p / q) ? p / q : 0;
}

/* The root between two differences, one refuted and one not, by Brent's method (1973). */
static double find_root(const stats_error_counts *counts, double a, double fa, double b, double fb,
                        double tolerance) {
  double c = a, fc = fa, step = b - a, before = step;
  for (int i = 0; i < 200; i++) {
    if ((fb > 0) == (fc > 0)) {
      c = a;
      fc = fa;
      step = before = b - a;
    }

    if (fabs(fc) < fabs(fb)) { /* b is the best so far */
      a = b, b = c, c = a;
      fa = fb, fb = fc, fc = fa;
    }

    double enough = 2 * DBL_EPSILON * fabs(b) + tolerance / 2, half = (c - b) / 2;
    if (fabs(half) <= enough || fb == 0) return b;
    double next = 0;
    if (fabs(before) >= enough && fabs(fa) > fabs(fb)) next = -proposed_step(a, fa, b, fb, c, fc);
    bool good = next != 0 && next * half > 0 && fabs(next) < 1.5 * fabs(half) &&
                fabs(next) < fabs(before) / 2;
    before = good ? step : half;
    step = good ? next : half;
    a = b, fa = fb;
    b += fabs(step) > enough ? step : copysign(enough, half);
    fb = excess(counts, b);
  }

  return b;
}

/* Walks outwards from the estimate in steps that grow, until a difference is refuted. Near ±1 the
 * clock runs backwards, so the first crossing counts. */
static double find_end(const stats_error_counts *c, double direction, double step, double growth) {
  double estimate = c->x1 / c->n1 - c->x0 / c->n0;
  double inside = estimate, below = NAN;
  for (;;) {
    double at = estimate + direction * step;
    if (fabs(at) >= 1) return direction;
    double value = excess(c, at);
    if (value > 0) {
      /* Without a value of its own the estimate's is the boundary's there. */
      if (isnan(below)) below = fmax(excess(c, inside), -1e3);
      /* Within so little of the distance the excess is a line. */
      bool line = fabs(at - inside) < 0.08 * fabs(at - estimate);
      if (c->quick && line) return inside + (at - inside) * below / (below - value);
      double enough = c->quick ? 1e-3 * fabs(at - estimate) : 1e-16;

      return find_root(c, inside, below, at, value, enough);
    }

    inside = at;
    below = fmax(value, -1e3);
    step *= growth;
    if (growth < 1.5) growth = fmin(1.5, growth * growth);
  }
}

double stats_error_low(const stats_error_counts *counts) {
  return find_end(counts, -1, first_step(counts), 1.5);
}

double stats_error_high(const stats_error_counts *counts) {
  return find_end(counts, 1, first_step(counts), 1.5);
}

double stats_error_end_near(const stats_error_counts *c, double direction, double end) {
  double distance = (end - (c->x1 / c->n1 - c->x0 / c->n0)) * direction;
  if (!(distance > 0)) distance = first_step(c) / 0.95;
  return find_end(c, direction, 0.95 * distance, 1.08);
}

stats_interval stats_error_interval(const stats_error_counts *c) {
  return (stats_interval){stats_error_low(c), stats_error_high(c)};
}
