/* The policies' string functions: as stock Lua where both exist, the same on every machine where
 * stock Lua is not, and no way to build what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>

#include "support/sandbox_pair.h"

/* ---- Against stock Lua ---- */

static void add_any_text(pair_random *random, pair_case *test) {
  char text[24];
  size_t size = pair_below(random, sizeof text);
  for (size_t i = 0; i < size; i++) text[i] = (char)pair_next(random);
  pair_add_text(test, text, size);
}

static void generate_slice(pair_random *random, pair_case *test) {
  test->body = pair_below(random, 2) ? "return collect(string.sub(...))"
                                     : "return collect(string.byte(...))";
  add_any_text(random, test);
  lua_Integer size = (lua_Integer)test->arguments[0].size;
  for (size_t i = pair_below(random, 3); i > 0; i--)
    pair_add_integer(test, pair_position(random, size));
  if (pair_below(random, 10) == 0) pair_add_number(test, 1.5);
}

static void generate_whole(pair_random *random, pair_case *test) {
  static const char *const bodies[] = {
      "return collect(string.len(...))",
      "return collect(string.reverse(...))",
      "local s = ... return collect(#s, s:upper(), s:lower())",
      "return collect(string.upper(...))",
      "return collect(string.char(string.byte(..., 1, -1)))",
      "local s, n = ... return collect(s:rep(n))",
      "local s, n = ... return collect(s:rep(n, ', '))",
  };
  test->body = bodies[pair_below(random, sizeof bodies / sizeof *bodies)];
  add_any_text(random, test);
  pair_add_integer(test, (lua_Integer)pair_below(random, 12) - 3);
}

static void add_format_argument(pair_random *random, pair_case *test) {
  static const lua_Number numbers[] = {
      0.0,      -0.0,      1.0,        0.1,    1.0 / 3,           1e15, 1e16,
      1e100,    -2.5,      123456.789, 5e-324, 1.7e308,           0.5,  99.5,
      HUGE_VAL, -HUGE_VAL, 3.0,        1e-310, 9007199254740993.0};
  switch (pair_below(random, 6)) {
  case 0: pair_add_integer(test, (lua_Integer)pair_next(random)); break;
  case 1: pair_add_integer(test, (lua_Integer)pair_below(random, 300) - 20); break;
  case 2:
    pair_add_number(test, numbers[pair_below(random, sizeof numbers / sizeof *numbers)]);
    break;
  case 3: {
    uint64_t bits = pair_next(random);
    lua_Number number;
    memcpy(&number, &bits, sizeof number);
    pair_add_number(test, isnan(number) ? 1.25 : number);
    break;
  }
  case 4: add_any_text(random, test); break;
  default: pair_add_text(test, "1e2", 3);
  }
}

static void generate_format(pair_random *random, pair_case *test) {
  static const char alphabet[] = "-+ #0123456789..";
  static const char conversions[] = "ddixXoucsssqqfffgggeEG%%wF5";
  char format[150];
  size_t size = 0;
  test->body = "return collect(string.format(...))";
  pair_add_text(test, "", 0);
  for (size_t left = 1 + pair_below(random, 3); left > 0; left--) {
    if (pair_below(random, 2)) format[size++] = pair_below(random, 9) ? '=' : 0;
    format[size++] = '%';
    size_t most = pair_below(random, 40) == 0 ? 30 : 5;
    for (size_t i = pair_below(random, most); i > 0; i--)
      format[size++] = alphabet[pair_below(random, sizeof alphabet - 1)];
    format[size++] = conversions[pair_below(random, sizeof conversions - 1)];
    if (pair_below(random, 20)) add_format_argument(random, test);
  }

  if (pair_below(random, 30) == 0) format[size++] = '%';
  memcpy(test->arguments[0].text, format, size);
  test->arguments[0].size = size;
}

static void test_slices_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 30000, generate_slice));
}

static void test_whole_texts_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 10000, generate_whole));
}

/* "%.2f" and its like are not left to snprintf: numbers of every size, and many right between two
 * results. */
static void generate_decimals(pair_random *random, pair_case *test) {
  static const lua_Number scales[] = {1e-320, 1e-30, 1e-7, 0.001, 1, 1000, 1e9, 1e13, 1e16, 1e300};
  char format[8];
  lua_Number number = (lua_Number)pair_below(random, 1 << 20) / 8;
  if (pair_below(random, 2)) number /= 125;
  if (pair_below(random, 3) == 0) number += 1.0 / (lua_Number)(1 + pair_next(random) % 1000003);
  if (pair_below(random, 3) == 0) number *= scales[pair_below(random, 10)];
  if (pair_below(random, 4) == 0) number = -number;
  test->body = "return collect(string.format(...))";
  int size = snprintf(format, sizeof format, "%%.%zuf", pair_below(random, 8));
  pair_add_text(test, format, (size_t)size);
  pair_add_number(test, number);
}

static void test_decimals_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 60000, generate_decimals));
}

static void test_format_agrees_with_stock(void **state) {
  assert_true(pair_compare(*state, 60000, generate_format));
}

static const char *const argument_cases[] = {
    "return collect(string.char())",
    "return collect(string.char(0, 255))",
    "return collect(string.char(256))",
    "return collect(string.char(-1))",
    "return collect(string.rep('ab', -1))",
    "return collect(string.rep('ab', 3, '-'))",
    "return collect(string.rep('', 10, '-'))",
    "return collect(string.rep('x', 1.5))",
    "return collect(string.rep('x'))",
    "return string.rep('x', {})",
    "return collect(('x'):rep(1, 'long separator'))",
    "return collect(('x'):rep(math.maxinteger, 'long separator'))",
    "return collect((5):rep(3))",
    "return collect(string.sub('hello', '2', '3'))",
    "return collect(string.sub('hello'))",
    "return collect(string.sub('hello', 2, nil))",
    "return collect(string.byte('hello', 10))",
    "return collect(string.len(1.5), string.len(10))",
    "return collect(('x'):nothing())",
    "return collect(('x').nothing)",
    "return collect(#'abc', ('abc').len('wxyz'))",
    "return collect(string.format('%s %s %s', nil, true, 1.0))",
    "return collect(string.format('%q', '\\0001\\r\\n\"\\\\\\200'))",
    "return collect(string.format('%q %q %q %q', 1, 1/3, nil, false))",
    "return collect(string.format('%q %q', math.mininteger, 1/0))",
    "return collect(string.format('%q', {}))",
    "return collect(string.format('%q', 0/0))",
    "return collect(string.format('%-10s|%10s|%.2s', 'ab', 'cd', 'efg'))",
    "return collect(string.format('%s', ('x'):rep(300)))",
    "return collect(string.format('%99s', ('x'):rep(98)))",
    "return collect(string.format('%99.99f', -1.7e308))",
    "return collect(string.format('%5s', 'a\\0b'))",
    "return collect(string.format('%s', 'a\\0b'))",
    "return collect(string.format('%c%c', 0, 65))",
    "return collect(string.format('%d %d %i', math.mininteger, math.maxinteger, 0))",
    "return collect(string.format('%d', 3.0))",
    "return collect(string.format('%d', 3.5))",
    "return collect(string.format('%d', '3'))",
    "return collect(string.format('%x', -1))",
    "return collect(string.format('%d'))",
    "return collect(string.format('%'))",
    "return collect(string.format())",
    "return string.format('%d', 'x')",
    NULL,
};

static void test_arguments_agree_with_stock(void **state) {
  assert_true(pair_compare_bodies(*state, argument_cases));
}

/* ---- Where stock Lua differs between machines or runs ---- */

static void test_values_have_no_addresses(void **state) {
  assert_string_equal(
      pair_outcome(*state, "return collect(string.format('%s %s %s', {}, collect, pcall))"),
      "\"table function function\"");
  assert_string_equal(pair_outcome(*state, "return collect(string.format('[%-7.3s]', {}))"),
                      "\"[tab    ]\"");
}

static void test_conversions_that_differ_are_refused(void **state) {
  assert_string_equal(pair_outcome(*state, "return string.format('%p', {})"),
                      "error: case:1: '%p' differs between runs: addresses are not available");
  assert_string_equal(pair_outcome(*state, "return string.format('%a', 1)"),
                      "error: case:1: '%a' differs between machines; use '%q' or '%.17g'");
}

/* 0/0 has a sign on x86-64 and none on arm64. */
static void test_nan_prints_without_a_sign(void **state) {
  assert_string_equal(pair_outcome(*state,
                                   "local n = 0/0; local p = -n; return collect(string.format("
                                   "'%f %5.1f %-6g| %s %s %G %+e %05f', n, p, n, p, n, n, n, p))"),
                      "\"nan   nan nan   | nan nan NAN +nan   nan\"");
  assert_string_equal(
      pair_outcome(*state, "local n = 0/0; return collect(string.upper(n), string.rep(-n, 2), "
                           "table.concat({n, -n}, ' '), (('x'):gsub('x', n)))"),
      "\"NAN\", \"nannan\", \"nan nan\", \"nan\"");
}

static void test_a_host_locale_changes_nothing(void **state) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", NULL};
  const char *found = NULL;
  for (int i = 0; names[i] && !found; i++) found = setlocale(LC_ALL, names[i]);
  if (!found) skip(); /* this machine has no locale with a decimal comma */
  const char *outcome = pair_outcome(*state, "return collect(string.format('%.2f %g', 1.5, 0.25))");
  setlocale(LC_ALL, "C");
  assert_string_equal(outcome, "\"1.50 0.25\"");
}

static void test_only_these_functions_exist(void **state) {
  assert_string_equal(
      pair_outcome(*state, "return collect(string.dump, string.pack, string.unpack, "
                           "string.packsize, math.random, math.randomseed, math.sin, math.exp)"),
      "nil, nil, nil, nil, nil, nil, nil, nil");
}

/* ---- Threats ---- */

static const char FULL[] = "memory budget of 8388608 bytes spent";

/* One call that would allocate past the limit spends the budget before any memory is taken, and
 * pcall does not catch that; the next event works. */
static void test_one_shot_allocation_is_refused(void **state) {
  static const char *const bodies[] = {
      "return ('x'):rep(5e8)",
      "return pcall(string.rep, 'x', 5e8)",
      "return ('x'):rep(5e8, ('y'):rep(100))",
      "return string.rep('x', 9000000)",
      "return select('#', pcall(string.rep, 'x', 9000000))",
  };
  sandbox_pair *pair = *state;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    size_t before = pair->budget.memory_used;
    assert_non_null(strstr(pair_outcome(pair, bodies[i]), FULL));
    assert_true(pair->budget.memory_spent);
    assert_true(pair->budget.memory_used < before + 100000);
    assert_string_equal(pair_outcome(pair, "return collect(('ok'):rep(2))"), "\"okok\"");
  }

  assert_non_null(strstr(pair_outcome(pair, "return ('xy'):rep(math.maxinteger)"), "too large"));
}

/* An empty text repeated without end takes no time. */
static void test_rep_of_nothing_is_instant(void **state) {
  assert_string_equal(pair_outcome(*state, "return collect((''):rep(math.maxinteger))"), "\"\"");
}

/* A method call reaches these functions and not Lua's own, whatever the environment. */
static void test_string_methods_are_the_bounded_ones(void **state) {
  assert_string_equal(pair_outcome(*state, "return collect(('x').rep == string.rep, "
                                           "('x').dump, ('x').find == string.find)"),
                      "true, nil, true");
  assert_non_null(strstr(pair_outcome(*state, "return ('x'):rep(5e8)"), FULL));
  assert_non_null(strstr(pair_outcome(*state, "('x').rep = 1"), "attempt to index a string value"));
}

/* Doubling through each function that builds a text spends the memory and no more. */
static void test_doubling_ends_at_the_limit(void **state) {
  static const char *const bodies[] = {
      "local s = ('x'):rep(1000) while true do s = s:rep(2) end",
      "local s = ('x'):rep(1000) while true do s = string.format('%s%s', s, s) end",
      "local s = ('x'):rep(1000) while true do s = table.concat({s, s}) end",
      "local s = ('x'):rep(1000) while true do s = s:gsub('^', s) end",
      "local s = ('x'):rep(1000) while true do s = s:gsub('^.*$', '%0%0') end",
  };
  sandbox_pair *pair = *state;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    const char *outcome = pair_outcome(pair, bodies[i]);
    if (!strstr(outcome, FULL)) fail_msg("%s: %s", bodies[i], outcome);
    assert_true(pair->budget.memory_spent);
    assert_true(pair->budget.memory_used <= 3 * pair->budget.memory_limit / 2 + 200000);
    assert_string_equal(pair_outcome(pair, "return collect(('a'):rep(3))"), "\"aaa\"");
  }
}

/* What was made counts although it is garbage: when it is collected must not matter. */
static void test_garbage_counts(void **state) {
  sandbox_pair *pair = *state;
  assert_non_null(
      strstr(pair_outcome(pair, "for i = 1, 10 do local s = ('x'):rep(1000000) end"), FULL));
  assert_string_equal(pair_outcome(pair, "for i = 1, 3 do local s = ('x'):rep(1000000) end "
                                         "return collect(1)"),
                      "1");
}

/* Memory may run out inside every function, at any allocation; the next event is fine. */
static void test_memory_may_run_out_anywhere(void **state) {
  const char *body =
      "local s = ('key=value '):rep(300) local out = {} "
      "for k, v in s:gmatch('(%w+)=(%w+)') do out[#out + 1] = k .. v .. #out end "
      "table.sort(out, function(a, b) return a > b end) "
      "local t = table.concat(out, ','):upper():reverse() "
      "t = t:gsub('%u+', function(w) return string.format('%q%5.1f', w, #w) end) "
      "return collect(#t, #table.pack(t:byte(1, 2000)), utf8.len(t), (t:find('x', 1, true)))";
  sandbox_pair *pair = *state;
  const size_t limit = pair->budget.memory_limit;
  char expected[100];
  snprintf(expected, sizeof expected, "%s", pair_outcome(pair, body));
  assert_null(strstr(expected, "error"));
  int refused = 0;
  for (size_t room = 0; room < 400 * 1000; room += 1531) {
    lua_settop(pair->sandbox, 0);
    pair_push_body(pair->sandbox, body);
    pair->budget.memory_limit = room;
    sandbox_budget_start(pair->sandbox);
    refused += lua_pcall(pair->sandbox, 0, 1, 0) != LUA_OK;
    sandbox_budget_stop(pair->sandbox);
    pair->budget.memory_limit = limit;
  }

  assert_in_range(refused, 10, 250); /* it did run out, and did not always */
  assert_string_equal(pair_outcome(pair, body), expected);
}

static void test_many_values_are_charged(void **state) {
  sandbox_pair *pair = *state;
  pair_outcome(pair, "local s = ('x'):rep(900000) for i = 1, 5 do s:byte(1, -1) end");
  assert_true(sandbox_budget_instructions(&pair->budget) > 900000);
  pair_outcome(pair, "local s = ('x'):rep(1000000) for i = 1, 100 do s:find('y', 1, true) end");
  assert_true(sandbox_budget_instructions(&pair->budget) > 1000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slices_agree_with_stock),
      cmocka_unit_test(test_whole_texts_agree_with_stock),
      cmocka_unit_test(test_format_agrees_with_stock),
      cmocka_unit_test(test_decimals_agree_with_stock),
      cmocka_unit_test(test_arguments_agree_with_stock),
      cmocka_unit_test(test_values_have_no_addresses),
      cmocka_unit_test(test_conversions_that_differ_are_refused),
      cmocka_unit_test(test_nan_prints_without_a_sign),
      cmocka_unit_test(test_a_host_locale_changes_nothing),
      cmocka_unit_test(test_only_these_functions_exist),
      cmocka_unit_test(test_one_shot_allocation_is_refused),
      cmocka_unit_test(test_rep_of_nothing_is_instant),
      cmocka_unit_test(test_string_methods_are_the_bounded_ones),
      cmocka_unit_test(test_doubling_ends_at_the_limit),
      cmocka_unit_test(test_garbage_counts),
      cmocka_unit_test(test_memory_may_run_out_anywhere),
      cmocka_unit_test(test_many_values_are_charged),
  };
  return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
