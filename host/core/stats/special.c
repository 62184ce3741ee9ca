/* See special.h. */
#include "core/stats/special.h"

#include <float.h>
#include <math.h>

enum { ITERATIONS_MAX = 100000 };

double stats_normal_tail(double z) {
  return 0.5 * erfc(z / M_SQRT2);
}

/* Acklam's rational approximation, good to 1e-9. */
static double approximate_quantile(double p) {
  static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                             1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                             6.680131188771972e+01, -1.328068155288572e+01};
  static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                             -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                             3.754408661907416e+00};
  const double tail = 0.02425;
  if (p < tail) {
    double q = sqrt(-2 * log(p));
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  }

  double q = p - 0.5, r = q * q;

  return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
         (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

double stats_normal_quantile(double p) {
  if (!(p > 0)) return p == 0 ? -INFINITY : NAN;
  if (!(p < 1)) return p == 1 ? INFINITY : NAN;
  if (p > 0.5) return -stats_normal_quantile(1 - p);
  double z = approximate_quantile(p);
  for (int i = 0; i < 2; i++) { /* Halley's step */
    double error = (stats_normal_tail(-z) - p) * sqrt(2 * M_PI) * exp(z * z / 2);
    z -= error / (1 + z * error / 2);
  }

  return z;
}

/* ln Γ(x) minus its leading terms, for x ≥ 10: Stirling's series. */
static double stirling_rest(double x) {
  double square = x * x;
  return (1.0 / 12 -
          (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188) / square) / square) / square) /
              square) /
         x;
}

/* ln B(a, b), without the loss that the difference of large lgamma values would bring. */
static double log_beta(double a, double b) {
  double small = fmin(a, b), large = fmax(a, b), share = small / (a + b);
  if (large < 10) return lgamma(a) + lgamma(b) - lgamma(a + b);
  double rest = stirling_rest(large) - stirling_rest(a + b);
  if (small < 10)
    return lgamma(small) + rest + small - small * log(a + b) + (large - 0.5) * log1p(-share);
  return 0.5 * log(2 * M_PI) - 0.5 * log(large) + rest + stirling_rest(small) +
         (small - 0.5) * log(share) + large * log1p(-share);
}

/* The continued fraction of I_x(a, b) by Lentz's method (DLMF 8.17.22). */
static double beta_fraction(double x, double a, double b) {
  const double tiny = DBL_MIN / DBL_EPSILON;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  if (fabs(d) < tiny) d = tiny;
  d = 1 / d;
  double result = d;
  for (int m = 1; m < ITERATIONS_MAX; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    c = 1 + even / c;
    if (fabs(d) < tiny) d = tiny;
    if (fabs(c) < tiny) c = tiny;
    d = 1 / d;
    result *= d * c;
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    if (fabs(d) < tiny) d = tiny;
    if (fabs(c) < tiny) c = tiny;
    d = 1 / d;
    double factor = d * c;
    result *= factor;
    if (fabs(factor - 1) < DBL_EPSILON) break;
  }

  return result;
}

/* I_x(a, b) for x and rest = 1 − x, both given: the smaller of them has the digits. */
static double beta_of(double x, double rest, double a, double b) {
  double log_x = rest < x ? log1p(-rest) : log(x), log_rest = rest < x ? log(rest) : log1p(-x);
  double front = exp(a * log_x + b * log_rest - log_beta(a, b));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;

  return 1 - front * beta_fraction(rest, b, a) / b;
}

double stats_beta(double x, double a, double b) {
  if (isnan(x) || !(a > 0) || !(b > 0)) return NAN;
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return beta_of(x, 1 - x, a, b);
}

double stats_t_two_sided(double t, double df) {
  double square = t * t;
  if (square == 0 || isinf(square)) return square == 0;
  return beta_of(df / (df + square), square / (df + square), df / 2, 0.5);
}

double stats_t_quantile(double p, double df) {
  if (!(p > 0) || !(p < 1) || !(df > 0)) return NAN;
  if (p == 0.5) return 0;
  if (p < 0.5) return -stats_t_quantile(1 - p, df);
  double wanted = 2 * (1 - p), low = 0, high = 1;
  while (stats_t_two_sided(high, df) > wanted && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && high - low > DBL_EPSILON * high; i++) {
    double middle = low + (high - low) / 2;
    if (stats_t_two_sided(middle, df) > wanted)
      low = middle;
    else
      high = middle;
  }

  return low + (high - low) / 2;
}

/* The lower part of the incomplete gamma function by its series (DLMF 8.11.4). */
static double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int n = 1; n < ITERATIONS_MAX; n++) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * DBL_EPSILON) break;
  }

  return sum * exp(-x + a * log(x) - lgamma(a));
}

/* The upper part by its continued fraction (DLMF 8.9.2). */
static double gamma_fraction(double a, double x) {
  double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, result = d;
  for (int i = 1; i < ITERATIONS_MAX; i++) {
    double an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (fabs(d) < DBL_MIN) d = DBL_MIN;
    c = b + an / c;
    if (fabs(c) < DBL_MIN) c = DBL_MIN;
    d = 1 / d;
    double factor = d * c;
    result *= factor;
    if (fabs(factor - 1) < DBL_EPSILON) break;
  }

  return result * exp(-x + a * log(x) - lgamma(a));
}

double stats_chi_square_tail(double x, double df) {
  if (isnan(x) || !(df > 0)) return NAN;
  if (x <= 0) return 1;
  double a = df / 2, half = x / 2;
  return half < a + 1 ? 1 - gamma_series(a, half) : gamma_fraction(a, half);
}

double stats_binomial_cdf(double k, double n, double p) {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return stats_beta(1 - p, n - k, k + 1);
}
