/* See power.h. A pair is the sum of its two doubles, some 106 bits. Compiled without contraction of
 * a * b + c, which would round once where this code counts on two roundings. */
#include "script/power.h"

#include <math.h>
#include <stdbool.h>

enum { REPEATED_MOST = 1024 }; /* whole exponents up to this: by repeated multiplication */

typedef struct {
  double high, low;
} pair;

static const pair LN2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
static const pair HALF = {0.5, 0}, ONE = {1, 0};
static const pair THIRD = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
static const pair FIFTH = {0x1.999999999999ap-3, -0x1.999999999999ap-57};
static const pair SIXTH = {0x1.5555555555555p-3, 0x1.5555555555555p-57};
static const pair SEVENTH = {0x1.2492492492492p-3, 0x1.2492492492492p-57};

/* ---- Arithmetic of pairs ---- */

static pair sum(double a, double b) {
  double high = a + b, part = high - a;
  return (pair){high, (a - (high - part)) + (b - part)};
}

/* The same where |a| >= |b|. */
static pair sum_ordered(double a, double b) {
  double high = a + b;
  return (pair){high, b - (high - a)};
}

/* The upper half of the bits. */
static double upper(double a) {
  double spread = 134217729.0 * a;
  return spread - (spread - a);
}

static pair product(double a, double b) {
  double high = a * b, a1 = upper(a), b1 = upper(b), a2 = a - a1, b2 = b - b1;
  return (pair){high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
}

static pair add(pair a, pair b) {
  pair s = sum(a.high, b.high);
  return sum_ordered(s.high, s.low + (a.low + b.low));
}

static pair multiply(pair a, pair b) {
  pair p = product(a.high, b.high);
  return sum_ordered(p.high, p.low + (a.high * b.low + a.low * b.high));
}

static pair divide(pair a, pair b) {
  double quotient = a.high / b.high;
  pair rest = add(a, multiply(b, (pair){-quotient, 0}));
  return sum_ordered(quotient, (rest.high + rest.low) / b.high);
}

/* ---- Whole exponents ---- */

typedef struct {
  pair part; /* 0.5 <= part < 1, about */
  int exponent;
} scaled;

static scaled scale(scaled s) {
  int more;
  double high = frexp(s.part.high, &more);
  return (scaled){{high, ldexp(s.part.low, -more)}, s.exponent + more};
}

static scaled scaled_product(scaled a, scaled b) {
  return scale((scaled){multiply(a.part, b.part), a.exponent + b.exponent});
}

static double power_of_whole(double x, int y) {
  scaled base = scale((scaled){{x, 0}, 0}), result = {ONE, 0};
  for (unsigned left = (unsigned)(y < 0 ? -y : y); left > 0; left >>= 1) {
    if (left & 1) result = scaled_product(result, base);
    if (left > 1) base = scaled_product(base, base);
  }

  if (y < 0) result = (scaled){divide(ONE, result.part), -result.exponent};

  return ldexp(result.part.high, result.exponent);
}

/* ---- The others: 2 ^ (y * log2(x)), in natural logarithms ---- */

/* Of a positive x. With x = m * 2 ^ e and s = (m - 1) / (m + 1): e ln 2 + 2 (s + s^3/3 + s^5/5 …).
 * The terms from s^9 on need no pair. */
static pair logarithm(double x) {
  int exponent;
  double m = frexp(x, &exponent);
  if (m < 0x1.6a09e667f3bcdp-1) { /* sqrt(1/2) */
    m *= 2;
    exponent--;
  }

  pair s = divide((pair){m - 1, 0}, sum(m, 1)), square = multiply(s, s);
  double tail = 0;
  for (int n = 31; n >= 9; n -= 2) tail = tail * square.high + 1.0 / n;
  pair series = add(SEVENTH, multiply(square, (pair){tail, 0}));
  series = add(FIFTH, multiply(square, series));
  series = add(THIRD, multiply(square, series));
  series = add(ONE, multiply(square, series));
  pair of_m = multiply(s, series);

  return add(multiply(LN2, (pair){exponent, 0}), (pair){2 * of_m.high, 2 * of_m.low});
}

/* e ^ z: z = n ln 2 + 8 u, and the series of e ^ u, squared three times. The terms from u^4 on need
 * no pair. */
static double exponential(pair z) {
  double n = floor(z.high / LN2.high + 0.5);
  pair rest = add(z, multiply(LN2, (pair){-n, 0})), u = {rest.high / 8, rest.low / 8};
  static const double factorials[] = {24,     120,     720,      5040,     40320,
                                      362880, 3628800, 39916800, 479001600};
  double tail = 0;
  for (int i = sizeof factorials / sizeof *factorials - 1; i >= 0; i--)
    tail = tail * u.high + 1.0 / factorials[i];
  pair series = add(SIXTH, multiply(u, (pair){tail, 0}));
  series = add(HALF, multiply(u, series));
  series = add(ONE, multiply(u, series));
  series = add(ONE, multiply(u, series));
  for (int i = 0; i < 3; i++) series = multiply(series, series);

  return ldexp(series.high, (int)n);
}

static bool is_odd(double whole) {
  return fmod(whole, 2) != 0;
}

double script_power(double x, double y) {
  bool whole = y == floor(y);
  /* C defines all of these, and every library has them right. */
  if (!isfinite(x) || !isfinite(y) || x == 0 || fabs(x) == 1 || y == 0 || (x < 0 && !whole))
    return pow(x, y);
  if (y == 0.5) return sqrt(x);
  if (whole && fabs(y) <= REPEATED_MOST) return power_of_whole(x, (int)y);

  double sign = x < 0 && is_odd(y) ? -1 : 1;
  pair exponent = logarithm(fabs(x));
  /* Beyond every double; a product of pairs must not overflow. */
  double about = exponent.high * y;
  if (about > 800) return sign * HUGE_VAL;
  if (about < -800) return sign * 0.0;

  return sign * exponential(multiply(exponent, (pair){y, 0}));
}
