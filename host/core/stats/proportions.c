/* See proportions.h. */
#include "core/stats/proportions.h"

#include <math.h>

#include "core/stats/special.h"

static double two_sided_z(double confidence) {
  return -stats_normal_quantile((1 - confidence) / 2);
}

stats_interval stats_wilson(double x, double n, double confidence) {
  double z = two_sided_z(confidence), p = x / n, square = z * z / n;
  double middle = (p + square / 2) / (1 + square);
  double half = z / (1 + square) * sqrt(p * (1 - p) / n + square / (4 * n));
  /* At the ends the two terms are equal but for rounding. */
  return (stats_interval){x <= 0 ? 0 : fmax(0, middle - half), x >= n ? 1 : fmin(1, middle + half)};
}

stats_interval stats_newcombe(double x1, double n1, double x0, double n0, double confidence) {
  stats_interval one = stats_wilson(x1, n1, confidence), zero = stats_wilson(x0, n0, confidence);
  double p1 = x1 / n1, p0 = x0 / n0, difference = p1 - p0;
  return (stats_interval){difference - hypot(p1 - one.low, zero.high - p0),
                          difference + hypot(one.high - p1, p0 - zero.low)};
}

double stats_proportions(double x1, double n1, double x0, double n0, double *p) {
  double all = n1 + n0, pooled = (x1 + x0) / all, others = (n1 - x1 + (n0 - x0)) / all;
  double error = sqrt(pooled * others * (1 / n1 + 1 / n0));
  /* Of two rates near 1 the complements have the digits. */
  double apart = pooled < others ? x1 / n1 - x0 / n0 : (n0 - x0) / n0 - (n1 - x1) / n1;
  double z = error > 0 ? apart / error : 0;
  *p = 2 * stats_normal_tail(fabs(z));
  return z;
}

stats_relative_result stats_relative(double x1, double n1, double x0, double n0) {
  if (!(x0 > 0)) return (stats_relative_result){NAN, NAN, NAN};
  double p1 = x1 / n1, p0 = x0 / n0, ratio = p1 / p0;
  double variance1 = p1 * (1 - p1) / n1, variance0 = p0 * (1 - p0) / n0;
  double change = ratio - 1, error = sqrt(variance1 + ratio * ratio * variance0) / p0;
  double z = error > 0 ? fabs(change) / error : change == 0 ? 0 : INFINITY;

  return (stats_relative_result){change, error, 2 * stats_normal_tail(z)};
}

static double sum(const double *values, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i++) total += values[i];
  return total;
}

double stats_split_chi_square(const double *counts, const double *shares, size_t groups) {
  double total = sum(counts, groups), statistic = 0;
  size_t used = 0;
  if (total == 0) return 1;
  for (size_t i = 0; i < groups; i++) {
    if (shares[i] == 0 && counts[i] > 0) return 0;
    if (shares[i] == 0) continue;
    double expected = total * shares[i], off = counts[i] - expected;
    statistic += off * off / expected;
    used++;
  }

  return used < 2 ? 1 : stats_chi_square_tail(statistic, (double)used - 1);
}

double stats_split_log_bayes(const double *counts, const double *shares, size_t groups, double k) {
  double total = sum(counts, groups);
  double result = lgamma(k) - lgamma(k + total);
  for (size_t i = 0; i < groups; i++) {
    if (shares[i] == 0 && counts[i] > 0) return INFINITY;
    if (shares[i] == 0) continue;
    double a = k * shares[i];
    result += lgamma(a + counts[i]) - lgamma(a) - counts[i] * log(shares[i]);
  }

  return result;
}

/* How many p-values come before this one when they are sorted. */
static size_t rank_of(const double *p, size_t count, size_t index) {
  size_t rank = 0;
  for (size_t i = 0; i < count; i++) rank += p[i] < p[index] || (p[i] == p[index] && i < index);
  return rank;
}

void stats_holm(const double *p, double *adjusted, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double most = 0;
    for (size_t j = 0; j < count; j++) {
      size_t rank = rank_of(p, count, j);
      if (rank <= rank_of(p, count, i)) most = fmax(most, (double)(count - rank) * p[j]);
    }

    adjusted[i] = fmin(1, most);
  }
}
