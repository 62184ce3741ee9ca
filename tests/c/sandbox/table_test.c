/* The policies' table functions: as stock Lua, through metamethods, and a sort that is stable,
 * repeatable and safe with any comparison function. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sandbox_pair.h"

/* ---- Against stock Lua ---- */

static void add_elements(pair_random *random, pair_case *test, size_t most) {
  for (size_t left = pair_below(random, most); left > 0; left--) {
    if (pair_below(random, 4) == 0)
      pair_add_text(test, "b", pair_below(random, 2));
    else if (pair_below(random, 4) == 0)
      pair_add_number(test, (lua_Number)pair_below(random, 9) / 4);
    else
      pair_add_integer(test, (lua_Integer)pair_below(random, 9));
  }
}

/* Positions first, then the elements. */
static void generate_change(pair_random *random, pair_case *test) {
  static const char *const bodies[] = {
      "local i, j, k = ... local t = table.pack(table.unpack({...}, 4)) "
      "local r = collect(table.remove(t, i)) return collect(r, #t, table.unpack(t))",
      "local i, j, k = ... local t = table.pack(table.unpack({...}, 4)) "
      "table.insert(t, i, 'new') return collect(#t, table.unpack(t))",
      "local i, j, k = ... local t = table.pack(table.unpack({...}, 4)) "
      "table.insert(t, i) return collect(#t, table.unpack(t))",
      "local i, j, k = ... local t = {table.unpack({...}, 4)} "
      "table.move(t, i, j, k) return collect(#t, table.unpack(t, -3, 12))",
      "local i, j, k = ... local t = {table.unpack({...}, 4)} "
      "local u = table.move(t, i, j, k, {}) return collect(#t, table.unpack(u, -3, 12))",
  };
  test->body = bodies[pair_below(random, sizeof bodies / sizeof *bodies)];
  for (int i = 0; i < 3; i++) {
    /* Far positions are left to the hand-written cases: stock Lua would walk there. */
    if (strstr(test->body, "move"))
      pair_add_integer(test, (lua_Integer)pair_below(random, 12) - 3);
    else
      pair_add_integer(test, pair_position(random, 4));
  }

  add_elements(random, test, 8);
}

static void generate_read(pair_random *random, pair_case *test) {
  static const char *const bodies[] = {
      "local i, j = ... return collect(table.concat({table.unpack({...}, 3)}, ', ', i, j))",
      "local i, j = ... return collect(table.unpack({table.unpack({...}, 3)}, i, j))",
      "local i, j = ... return collect(table.concat(proxy({table.unpack({...}, 3)}), '', i, j))",
      "local i, j = ... return collect(table.unpack(proxy({table.unpack({...}, 3)}), i, j))",
      "local i, j = ... return collect(table.unpack(table.pack(...), 3))",
      "return collect(table.pack(...).n)",
      "return collect(table.concat({...}))",
      "return collect(table.concat({...}, 7))",
  };
  test->body = bodies[pair_below(random, sizeof bodies / sizeof *bodies)];
  pair_add_integer(test, (lua_Integer)pair_below(random, 14) - 4);
  pair_add_integer(test, (lua_Integer)pair_below(random, 14) - 4);
  add_elements(random, test, 8);
}

static void generate_sort(pair_random *random, pair_case *test) {
  static const char *const bodies[] = {
      "local t = {...} table.sort(t) return collect(table.unpack(t))",
      "local t = {...} table.sort(t, function(a, b) return a < b end) "
      "return collect(table.unpack(t))",
      "local t = {...} table.sort(t, function(a, b) return a > b end) "
      "return collect(table.unpack(t))",
  };
  test->body = bodies[pair_below(random, sizeof bodies / sizeof *bodies)];
  bool texts = pair_below(random, 3) == 0;
  for (size_t left = pair_below(random, PAIR_ARGUMENTS); left > 0; left--) {
    if (texts)
      pair_add_text(test, &"zyxwvabcdefg"[pair_below(random, 12)], 1);
    else
      pair_add_integer(test, (lua_Integer)pair_below(random, 9));
  }
}

static void test_changes_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 30000, generate_change));
}

static void test_reads_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 20000, generate_read));
}

static void test_sorting_agrees_with_stock(void **state) {
  assert_true(pair_compare(*state, 20000, generate_sort));
}

static const char *const argument_cases[] = {
    "return collect(table.insert({}))",
    "return collect(table.insert({}, 1, 2, 3))",
    "return collect(table.insert(nil, 1))",
    "return collect(table.insert({1, 2}, 0, 1))",
    "return collect(table.insert({1, 2}, 'x', 1))",
    "return collect(table.insert('text', 1))",
    "return table.insert({}, 2, 'x')",
    "return collect(table.remove({}))",
    "return collect(table.remove({}, 0))",
    "return collect(table.remove({}, 1))",
    "return collect(table.remove({1, 2}, 4))",
    "return collect(table.remove({1, 2}, 3))",
    "local t = {[0] = 'zero'} return collect(table.remove(t, 0), t[0])",
    "return collect(table.concat({}, 'x'))",
    "return collect(table.concat({1, {}, 3}))",
    "return collect(table.concat({1, 2}, ' ', 1, 3))",
    "return collect(table.concat({1, 2}, ' ', 3))",
    "return collect(table.concat({1, 2}, {}))",
    "return collect(table.concat('abc'))",
    "return collect(table.concat({[math.maxinteger] = 'x'}, '', math.maxinteger, "
    "math.maxinteger))",
    "return collect(table.unpack({1, 2, 3}, -1, 1))",
    "return collect(table.unpack({}, 1, 1e8))",
    "return collect(table.unpack({}, math.mininteger, math.maxinteger))",
    "return collect(table.unpack({}, math.maxinteger, math.mininteger))",
    "return collect(table.unpack({}, math.maxinteger, math.maxinteger))",
    "return collect(table.unpack(nil))",
    "return collect(table.unpack('abc', 1, 2))",
    "return collect(table.move({}, 1, math.maxinteger, 2))",
    "return collect(table.move({}, -1, math.maxinteger, 2))",
    "return collect(table.move({}, math.mininteger, math.maxinteger, 2))",
    "return collect(table.move({1}, 1, 1, math.maxinteger)[math.maxinteger])",
    "return collect(table.move({1, 2}, 1, 2, math.maxinteger))",
    "return collect(table.move({1, 2}, 2, 1, 5)[1])",
    "return collect(table.move({1, 2}, 1, 2, 1, 5))",
    "return collect(table.move(1, 1, 2, 1))",
    "return collect(table.sort({3, 2, 'x'}))",
    "return collect(table.sort({{}, {}}))",
    "return collect(table.sort({1, 2}, 5))",
    "return collect(table.sort({1}, 5))",
    "return collect(table.sort(7))",
    "return collect(table.sort({3, 1}, function() error('mine', 0) end))",
    NULL,
};

static void test_arguments_agree_with_stock(void **state) {
  assert_true(pair_compare_bodies(*state, argument_cases));
}

/* ---- Frozen tables ---- */

static void test_frozen_tables_are_read_and_not_written(void **state) {
  static const char *const bodies[] = {
      "return table.insert(proxy({1, 2}), 3)",      "return table.insert(proxy({1, 2}), 1, 3)",
      "return table.remove(proxy({1, 2}))",         "return table.sort(proxy({2, 1}))",
      "return table.move({1}, 1, 1, 1, proxy({}))",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    const char *outcome = pair_outcome(*state, bodies[i]);
    if (!strstr(outcome, "this table is frozen")) fail_msg("%s: %s", bodies[i], outcome);
  }

  assert_string_equal(pair_outcome(*state, "local f = proxy({3, 1, 2}) return collect("
                                           "table.concat(f, ','), table.unpack(f))"),
                      "\"3,1,2\", 3, 1, 2");
  assert_string_equal(pair_outcome(*state, "local t = table.move(proxy({3, 1, 2}), 1, 3, 1, {}) "
                                           "table.sort(t) return collect(table.unpack(t))"),
                      "1, 2, 3");
}

/* ---- Sort ---- */

static void test_sort_is_stable(void **state) {
  assert_string_equal(
      pair_outcome(*state,
                   "local t = {} for i = 1, 1000 do t[i] = {key = i * 7919 % 10, place = i} end "
                   "table.sort(t, function(a, b) return a.key < b.key end) "
                   "for i = 2, 1000 do local a, b = t[i - 1], t[i] "
                   "if a.key > b.key or (a.key == b.key and a.place > b.place) then "
                   "return collect('not stable', i) end end return collect(#t)"),
      "1000");
}

/* Comparison functions without any order: an answer, the same each time, with nothing lost. */
static void test_bad_comparison_functions_are_harmless(void **state) {
  static const char *const orders[] = {
      "true", "false", "a <= b", "a ~= b", "(a * 31 + b * 17) % 3 == 0", "nil", "next_bit()",
  };
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    char body[700];
    snprintf(body, sizeof body,
             "local function sorted() local x, t = 1, {} "
             "local function next_bit() x = x * 1103515245 + 12345 return x >> 16 & 1 == 1 end "
             "for i = 1, 10000 do t[i] = i * 7919 %% 10007 end "
             "table.sort(t, function(a, b) return %s end) return t, next_bit() end "
             "local t, u = sorted(), sorted() local sum = 0 "
             "for i = 1, 10000 do sum = sum + t[i] if t[i] ~= u[i] then return 'differs' end end "
             "local expected = 0 for i = 1, 10000 do expected = expected + i * 7919 %% 10007 end "
             "return collect(#t, sum == expected)",
             orders[i]);
    pair_case test = {.body = body};
    assert_string_equal(pair_run_sandbox(*state, &test), "10000, true");
  }
}

/* An error in the comparison leaves the table as it was. */
static void test_a_failing_comparison_changes_nothing(void **state) {
  assert_string_equal(
      pair_outcome(*state, "local t, calls = {5, 4, 3, 2, 1}, 0 "
                           "local ok, message = pcall(table.sort, t, function(a, b) "
                           "calls = calls + 1 if calls == 5 then error('stop', 0) end "
                           "return a < b end) return collect(ok, message, table.unpack(t))"),
      "false, \"stop\", 5, 4, 3, 2, 1");
}

static void test_a_comparison_may_change_the_table(void **state) {
  assert_string_equal(pair_outcome(*state, "local t = {3, 2, 1} table.sort(t, function(a, b) "
                                           "t[1], t[2], t[3] = nil, nil, nil return a < b end) "
                                           "return collect(table.unpack(t))"),
                      "1, 2, 3");
}

/* ---- Threats ---- */

static void test_nested_sort_callbacks_end_cleanly(void **state) {
  const char *outcome =
      pair_outcome(*state, "local function f() table.sort({2, 1}, f) return true end f()");
  assert_non_null(strstr(outcome, "stack overflow"));
  assert_string_equal(pair_outcome(*state, "local t = {2, 1} table.sort(t) "
                                           "return collect(t[1], t[2])"),
                      "1, 2");
}

/* Work on elements draws on the budget, and a table that only claims to be long is not a way out.
 */
static void test_long_ranges_spend_the_budget(void **state) {
  static const char *const bodies[] = {
      "table.move({}, 1, math.maxinteger - 1, 2)",
      "local t = {} for i = 1, 50000 do table.insert(t, 1, i) end",
      "local t = {} for i = 1, 10000 do t[i] = i end for i = 1, 5000 do "
      "table.insert(t, table.remove(t, 1)) end",
      "local t = {} for i = 1, 62 do t[1 << i] = 1 t[(1 << i) - 1] = 1 end t[1] = 1 "
      "while true do table.insert(t, 1, 0) table.remove(t, 1) end",
      "local s, t = ('x'):rep(1000000), {} for i = 1, 1000 do t[i] = s end table.sort(t)",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    const char *outcome = pair_outcome(*state, bodies[i]);
    if (!strstr(outcome, "instruction budget of 20000000 spent"))
      fail_msg("%s: %s", bodies[i], outcome);
    assert_string_equal(pair_outcome(*state, "return collect(table.concat({1, 2}))"), "\"12\"");
  }
}

static void test_sorting_a_claimed_length_is_refused(void **state) {
  assert_non_null(strstr(pair_outcome(*state, "local t = {} for i = 0, 30 do t[1 << i] = 1 "
                                              "t[(1 << i) + 1] = 1 end table.sort(t)"),
                         "error: "));
  assert_string_equal(pair_outcome(*state, "return collect(table.pack().n)"), "0");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_changes_agree_with_stock),
      cmocka_unit_test(test_reads_agree_with_stock),
      cmocka_unit_test(test_sorting_agrees_with_stock),
      cmocka_unit_test(test_arguments_agree_with_stock),
      cmocka_unit_test(test_frozen_tables_are_read_and_not_written),
      cmocka_unit_test(test_sort_is_stable),
      cmocka_unit_test(test_bad_comparison_functions_are_harmless),
      cmocka_unit_test(test_a_failing_comparison_changes_nothing),
      cmocka_unit_test(test_a_comparison_may_change_the_table),
      cmocka_unit_test(test_nested_sort_callbacks_end_cleanly),
      cmocka_unit_test(test_long_ranges_spend_the_budget),
      cmocka_unit_test(test_sorting_a_claimed_length_is_refused),
  };
  return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
