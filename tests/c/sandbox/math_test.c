/* The policies' math: the same values, types and errors as stock Lua's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sandbox_pair.h"

static void add_number(pair_random *random, pair_case *test) {
  static const lua_Number floats[] = {0.0,
                                      -0.0,
                                      0.5,
                                      -0.5,
                                      1.5,
                                      2.5,
                                      -2.5,
                                      1e300,
                                      -1e300,
                                      3.0,
                                      5e-324,
                                      HUGE_VAL,
                                      -HUGE_VAL,
                                      NAN,
                                      9.2233720368547758e18,
                                      -9.2233720368547758e18,
                                      4503599627370496.5,
                                      9007199254740993.0};
  switch (pair_below(random, 8)) {
  case 0: pair_add_number(test, floats[pair_below(random, sizeof floats / sizeof *floats)]); break;
  case 1: pair_add_integer(test, pair_position(random, 7)); break;
  case 2: pair_add_number(test, (lua_Number)(int64_t)pair_next(random) / 1e6); break;
  case 3: pair_add_integer(test, (lua_Integer)pair_next(random)); break;
  case 4: pair_add_text(test, "0x10", 4); break;
  case 5: pair_add_text(test, "3.0", 3); break;
  case 6: pair_add_number(test, floats[pair_below(random, sizeof floats / sizeof *floats)]); break;
  default:
    if (pair_below(random, 8) == 0)
      pair_add_nil(test);
    else
      pair_add_integer(test, (lua_Integer)pair_below(random, 9) - 4);
  }
}

static void generate_call(pair_random *random, pair_case *test) {
  static const char *const bodies[] = {
      "return collect(math.abs(...))",       "return collect(math.ceil(...))",
      "return collect(math.floor(...))",     "return collect(math.fmod(...))",
      "return collect(math.modf(...))",      "return collect(math.sqrt(...))",
      "return collect(math.tointeger(...))", "return collect(math.type(...))",
      "return collect(math.ult(...))",
  };
  test->body = bodies[pair_below(random, sizeof bodies / sizeof *bodies)];
  for (size_t left = pair_below(random, 4); left > 0; left--) add_number(random, test);
  /* Of two bad arguments stock Lua names the one its compiler looked at first. */
  if (strstr(test->body, "fmod") && (test->count == 0 || test->arguments[0].kind == ARGUMENT_NIL)) {
    test->arguments[0] = (pair_argument){.kind = ARGUMENT_INTEGER, .integer = 7};
    if (test->count == 0) test->count = 1;
  }
}

static void generate_extreme(pair_random *random, pair_case *test) {
  test->body =
      pair_below(random, 2) ? "return collect(math.max(...))" : "return collect(math.min(...))";
  while (test->count < 4 && pair_below(random, 5)) {
    add_number(random, test);
    pair_argument *last = &test->arguments[test->count - 1];
    if (last->kind != ARGUMENT_NUMBER) last->kind = ARGUMENT_INTEGER; /* see sandbox/math.c */
  }
}

static void test_functions_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 60000, generate_call));
  assert_true(pair_compare(*state, 20000, generate_extreme));
}

static void test_extremes_are_of_numbers_only(void **state) {
  assert_non_null(strstr(pair_outcome(*state, "return math.max(nil)"), "number expected, got nil"));
  assert_non_null(strstr(pair_outcome(*state, "return math.min(1, '0')"),
                         "bad argument #2 to 'min' (number expected, got string)"));
}

static void test_constants_and_arguments_agree_with_stock(void **state) {
  static const char *const bodies[] = {
      "return collect(math.pi, math.huge, -math.huge, math.maxinteger, math.mininteger)",
      "return collect(math.fmod(1, 0))",
      "return collect(math.fmod(1, 0.0))",
      "return collect(math.fmod(math.mininteger, -1))",
      "return collect(math.abs(math.mininteger))",
      "return collect(math.max())",

      "return collect(math.tointeger({}))",
      "return collect(math.tointeger())",
      "return collect(math.type())",
      "return math.floor({})",
      NULL,
  };
  assert_true(pair_compare_bodies(*state, bodies));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_functions_agree_with_stock),
      cmocka_unit_test(test_extremes_are_of_numbers_only),
      cmocka_unit_test(test_constants_and_arguments_agree_with_stock),
  };
  return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
