/* The policies' patterns: the same matches and errors as stock Lua, and no way to make one
 * expensive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "sandbox/pattern.h"
#include "support/sandbox_pair.h"

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- Against stock Lua ---- */

static const char *const items[] = {
    "a",    "a",    "a",      "b",      "b",       "c",     ".",     ".",    "%a",    "%d",
    "%s",   "%w",   "%x",     "%p",     "%l",      "%u",    "%c",    "%g",   "%z",    "%A",
    "%W",   "%S",   "%Z",     "[abc]",  "[^a]",    "[a-c]", "[%a_]", "[]]",  "[^]]",  "[a-]",
    "[%]]", "[%w]", "[%a-z]", "[b-%a]", "[^%s%p]", "%b()",  "%bab",  "%baa", "%f[a]", "%f[%w]",
    "(",    "(",    "(",      ")",      ")",       ")",     "()",    "%1",   "%2",    "%0",
    "$",    "^",    "%%",     "%.",     "%",       "[",     "[^",    "%b",   "%f",    "-",
    "*",    "[a",   "[%",     "%bx",    "(a*)",    "(.-)",  "(a)b",  "_",    "]",     "%q"};
static const char *const marks[] = {"", "", "", "*", "+", "-", "?"};

static void append(char *to, size_t *size, const char *text) {
  memcpy(to + *size, text, strlen(text));
  *size += strlen(text);
}

static void add_pattern(pair_random *random, pair_case *test) {
  char pattern[200];
  size_t size = 0;
  if (pair_below(random, 6) == 0) append(pattern, &size, "^");
  for (size_t left = pair_below(random, 8); left > 0; left--) {
    append(pattern, &size, items[pair_below(random, sizeof items / sizeof *items)]);
    append(pattern, &size, marks[pair_below(random, sizeof marks / sizeof *marks)]);
    if (pair_below(random, 60) == 0) pattern[size++] = 0;
  }

  if (pair_below(random, 8) == 0) append(pattern, &size, "$");
  pair_add_text(test, pattern, size);
}

static void add_subject(pair_random *random, pair_case *test) {
  static const char alphabet[] = "aaaaabbbbccAB()(). \t1_-%]^\0\x80\xff\x7f";
  char subject[20];
  size_t size = pair_below(random, sizeof subject);
  for (size_t i = 0; i < size; i++) subject[i] = alphabet[pair_below(random, sizeof alphabet - 1)];
  pair_add_text(test, subject, size);
}

static void generate_find(pair_random *random, pair_case *test) {
  test->body = pair_below(random, 2) ? "return collect(string.find(...))"
                                     : "return collect(string.match(...))";
  add_subject(random, test);
  add_pattern(random, test);
  if (pair_below(random, 3) == 0)
    pair_add_integer(test, pair_position(random, (lua_Integer)test->arguments[0].size));
}

static void generate_plain_find(pair_random *random, pair_case *test) {
  test->body = "local s, p, i = ...; return collect(string.find(s, p, i, true))";
  add_subject(random, test);
  add_subject(random, test);
  test->arguments[1].size = pair_below(random, 3);
  pair_add_integer(test, pair_position(random, (lua_Integer)test->arguments[0].size));
}

static void generate_gmatch(pair_random *random, pair_case *test) {
  test->body = "local out = {} for a, b, c in string.gmatch(...) do "
               "out[#out + 1] = collect(a, b, c) end return collect(table.unpack(out))";
  add_subject(random, test);
  add_pattern(random, test);
  if (pair_below(random, 3) == 0)
    pair_add_integer(test, pair_position(random, (lua_Integer)test->arguments[0].size));
}

static void generate_gsub_text(pair_random *random, pair_case *test) {
  static const char *const replacements[] = {"",  "x",  "<%0>", "%1", "[%1|%2]", "%%",
                                             "%", "%a", "%0%0", "%9", "a%1b",    "%1%%2"};
  test->body = "return collect(string.gsub(...))";
  add_subject(random, test);
  add_pattern(random, test);
  const char *replacement =
      replacements[pair_below(random, sizeof replacements / sizeof *replacements)];
  pair_add_text(test, replacement, strlen(replacement));
  if (pair_below(random, 4) == 0)
    pair_add_integer(test, pair_position(random, (lua_Integer)test->arguments[0].size));
}

static void generate_gsub_value(pair_random *random, pair_case *test) {
  static const char *const bodies[] = {
      "local s, p = ...; return collect(string.gsub(s, p, function(...) return collect(...) end))",
      "local s, p = ...; return collect(string.gsub(s, p, function() end))",
      "local s, p = ...; return collect(string.gsub(s, p, function() return {} end))",
      "local s, p = ...; return collect(string.gsub(s, p, function(a) return 7 end))",
      "local s, p = ...; return collect(string.gsub(s, p, function(a) return false end))",
      "local s, p = ...; return collect(string.gsub(s, p, {a = 'X', aa = 1.5, b = false, c = {}}))",
      "local s, p = ...; return collect(string.gsub(s, p, 42))",
      "local s, p = ...; return collect(string.gsub(s, p, true))",
      "local s, p = ...; return collect(s:gsub(p))",
  };
  test->body = bodies[pair_below(random, sizeof bodies / sizeof *bodies)];
  add_subject(random, test);
  add_pattern(random, test);
}

static void test_find_and_match_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 60000, generate_find));
}

static void test_plain_find_agrees_with_stock(void **state) {
  assert_true(pair_compare(*state, 10000, generate_plain_find));
}

static void test_gmatch_agrees_with_stock(void **state) {
  assert_true(pair_compare(*state, 20000, generate_gmatch));
}

static void test_gsub_agrees_with_stock(void **state) {
  assert_true(pair_compare(*state, 20000, generate_gsub_text));
  assert_true(pair_compare(*state, 20000, generate_gsub_value));
}

/* The limits of the matcher itself, and what a generator seldom makes. */
static void test_limits_agree_with_stock(void **state) {
  static const char *const bodies[] = {
      "return collect(('a'):find(('a?'):rep(199)))",
      "return collect(('a'):rep(300):find(('a?'):rep(199)))",
      "return collect(('a'):rep(300):find(('a?'):rep(200)))",
      "return collect(('x'):find(('a*'):rep(300)))",
      "return collect(('a'):find(('()'):rep(32)))",
      "return collect(('a'):find(('()'):rep(33)))",
      "return collect(('a'):match(('('):rep(33)))",
      "return collect(('a'):rep(40):gsub('(a)', '%1%1', 39))",
      "return collect(('abc'):find('b', 10))",
      "return collect(('abc'):find('', 10))",
      "return collect(('abc'):find('', 4))",
      "return collect(('abc'):find(nil))",
      "return collect(string.find())",
      "return collect(('abc'):gmatch('a')('x'))",
      "return collect(('abc'):gsub('%w', '%2'))",
      "return collect(('abc'):gsub('(a', 'x'))",
      "return collect(('hello world'):gsub('o', {o = '0'}))",
      "return collect(('a,b,,c'):gsub(',', ';', -1))",
      "return collect(('THE (quick) fox'):find('%((%a+)%)'))",
      "return collect(('x^y'):gsub('^', '-'))",
      "return collect((12):rep(2):match('()2()'))",
      "for _ in ('abc'):gmatch('^a') do return collect('anchored') end return collect('never')",
      "return collect(pcall(string.rep))",
      "return string.find()",
      NULL,
  };
  assert_true(pair_compare_bodies(*state, bodies));
}

/* ---- Threats ---- */

/* Exponential and polynomial patterns end within milliseconds, with an answer or a clear error. */
static void test_backtracking_is_bounded(void **state) {
  static const char *const bodies[] = {
      "return collect(('x'):rep(500):find('.-.-.-b'))",
      "return collect(('a'):rep(26):find(('a?'):rep(26) .. ('a'):rep(26)))",
      "return collect(('a'):rep(40):find(('a*'):rep(20) .. 'b'))",
      "return collect(('a'):rep(5000):match('(a*)*(a*)b'))",
      "return collect(('('):rep(5000):find('%b()'))",
      "return collect((('ab'):rep(200)):gsub('(.-)(.-)(.-)%1%2x', ''))",
      "for _ in ('a'):rep(3000):gmatch('.-.-b') do end return collect(0)",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    double start = milliseconds();
    const char *outcome = pair_outcome(*state, bodies[i]);
    double took = milliseconds() - start;
    if (took > 50) fail_msg("%s took %.1f ms: %s", bodies[i], took, outcome);
  }
}

static void test_an_expensive_pattern_names_its_operation(void **state) {
  assert_string_equal(pair_outcome(*state, "return collect(('x'):rep(500):find('.-.-.-b'))"),
                      "error: case:1: pattern too expensive: more than 132000 steps (string.find)");
  assert_string_equal(pair_outcome(*state, "return collect(('x'):rep(500):gsub('.-.-.-b', ''))"),
                      "error: case:1: pattern too expensive: more than 132000 steps (string.gsub)");
}

/* It is an ordinary error: the policy may catch it, and the next event is decided as ever. */
static void test_the_next_pattern_works_after_an_expensive_one(void **state) {
  assert_string_equal(pair_outcome(*state,
                                   "return collect((pcall(string.find, ('x'):rep(500), '.-.-.-b')),"
                                   " ('key=42'):match('%d+'))"),
                      "false, \"42\"");
}

/* Work that is linear in the subject never meets the limit of one operation. */
static void test_linear_patterns_on_long_subjects_finish(void **state) {
  assert_string_equal(pair_outcome(*state,
                                   "local s = ('volume-7/part-000123.parquet\\n'):rep(4000) "
                                   "local _, n = s:gsub('([%w_%-]+)/([%w_%-]+)%.(%a+)\\n', '%3') "
                                   "return collect(n)"),
                      "4000");
}

/* Repeating one bounded operation draws on the decision's budget, which pcall does not restore. */
static void test_many_patterns_spend_the_budget(void **state) {
  sandbox_pair *pair = *state;
  const char *outcome = pair_outcome(pair, "local s = ('x'):rep(500) "
                                           "while true do pcall(string.find, s, '.-.-.-b') end");
  assert_non_null(strstr(outcome, "instruction budget of 20000000 spent"));
  assert_true(pair->budget.instructions_spent);
  assert_string_equal(pair_outcome(pair, "return collect(('a'):find('a'))"), "1, 1");
}

/* Callbacks of gsub nest until Lua's own limit of C calls, which is an error and not a crash. */
static void test_nested_gsub_callbacks_end_cleanly(void **state) {
  const char *outcome = pair_outcome(*state, "local function f(s) return (s:gsub('.', f)) end "
                                             "return collect(f('x'))");
  assert_non_null(strstr(outcome, "stack overflow"));
  assert_string_equal(pair_outcome(*state, "return collect((('x'):gsub('x', 'y')))"), "\"y\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_find_and_match_agree_with_stock),
      cmocka_unit_test(test_plain_find_agrees_with_stock),
      cmocka_unit_test(test_gmatch_agrees_with_stock),
      cmocka_unit_test(test_gsub_agrees_with_stock),
      cmocka_unit_test(test_limits_agree_with_stock),
      cmocka_unit_test(test_backtracking_is_bounded),
      cmocka_unit_test(test_an_expensive_pattern_names_its_operation),
      cmocka_unit_test(test_the_next_pattern_works_after_an_expensive_one),
      cmocka_unit_test(test_linear_patterns_on_long_subjects_finish),
      cmocka_unit_test(test_many_patterns_spend_the_budget),
      cmocka_unit_test(test_nested_gsub_callbacks_end_cleanly),
  };
  return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
