/* x ^ y of policies: exact where it can be, within one unit of the last place of the C library's,
 * and the same to the last bit in every build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* wants those before it */
#include <math.h>

#include "script/power.h"

enum { CASES = 200000 };

static uint64_t bits_of(double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

static void expect(double x, double y, double expected) {
  double got = script_power(x, y);
  if (bits_of(got) == bits_of(expected) || (isnan(got) && isnan(expected))) return;
  fail_msg("%a ^ %a is %a, expected %a", x, y, got, expected);
}

static void test_what_can_be_exact_is(void **state) {
  (void)state;
  for (int n = -1074; n <= 1023; n++) expect(2, n, ldexp(1, n));
  double ten = 1, three = 1;
  for (int n = 0; n <= 22; n++, ten *= 10) {
    expect(10, n, ten);
    expect(-10, n, n % 2 ? -ten : ten);
  }

  for (int n = 0; n <= 33; n++, three *= 3) expect(3, n, three);
  for (int k = 1; k <= 1000; k++) {
    expect((double)k * k, 0.5, k);
    expect((double)k * k, 1.5, (double)k * k * k);
    expect((double)k * k * k * k, 0.25, k);
    expect(ldexp(k, -60), 1, ldexp(k, -60));
  }
}

static void test_special_values_are_those_of_c(void **state) {
  (void)state;
  static const double values[] = {0.0, -0.0, 1,   -1,    2,      -2,      0.5,      -0.5,      3,
                                  -3,  1.5,  1e9, 1e300, 5e-324, -5e-324, INFINITY, -INFINITY, NAN};
  size_t count = sizeof values / sizeof *values;
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < count; k++) {
      double expected = pow(values[i], values[k]), got = script_power(values[i], values[k]);
      assert_int_equal(isnan(got) != 0, isnan(expected) != 0);
      assert_int_equal(isinf(got) != 0, isinf(expected) != 0);
      if (!isnan(got)) assert_int_equal(signbit(got) != 0, signbit(expected) != 0);
    }
  expect(-1, 1e308, 1);
  expect(-1, 0x1p52 + 1, -1);
  expect(1e308, 2.5, INFINITY);
  expect(1e-308, 2.5, 0);
  expect(-1e308, 1025, -INFINITY);
  expect(0.5, 1e300, 0);
  expect(1 + 0x1p-52, 1e300, INFINITY);
}

static double uniform(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (double)(*seed >> 11) * 0x1p-53;
}

/* Bases and exponents of all sizes whose power is a normal number. */
static void pick(uint64_t *seed, double *x, double *y) {
  *x = ldexp(1 + uniform(seed), (int)(uniform(seed) * 40) - 20);
  double most = 700 / fmax(fabs(log(*x)), 0.01);
  *y = (2 * uniform(seed) - 1) * fmin(most, 5000);
  if (uniform(seed) < 0.3) *y = floor(*y);
}

static void test_is_close_to_the_library(void **state) {
  (void)state;
  uint64_t seed = 20261129;
  int different = 0;
  for (int i = 0; i < CASES; i++) {
    double x, y;
    pick(&seed, &x, &y);
    double got = script_power(x, y), library = pow(x, y);
    int64_t apart = (int64_t)(bits_of(got) - bits_of(library));
    if (apart < -1 || apart > 1) fail_msg("%a ^ %a is %a, the library says %a", x, y, got, library);
    different += apart != 0;
  }

  print_message("%d of %d differ from the library in the last bit\n", different, CASES);
  assert_true(different < CASES / 500);
}

/* The digits that all builds and machines must have; bases and exponents are made without the C
 * library. */
static void test_is_the_same_everywhere(void **state) {
  (void)state;
  uint64_t seed = 1, hash = 14695981039346656037u;
  for (int i = 0; i < CASES; i++) {
    double x = uniform(&seed) * 100, y = uniform(&seed) * 60 - 30;
    hash = (hash ^ bits_of(script_power(x, y))) * 1099511628211u;
    hash = (hash ^ bits_of(script_power(x, (int)y))) * 1099511628211u;
  }

  if (hash != 0x6ae5c9c94cd0249au) fail_msg("the hash is %#llx", (unsigned long long)hash);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_can_be_exact_is),
      cmocka_unit_test(test_special_values_are_those_of_c),
      cmocka_unit_test(test_is_close_to_the_library),
      cmocka_unit_test(test_is_the_same_everywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
