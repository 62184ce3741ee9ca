/* The policies' utf8: as stock Lua's strict functions, and no way to make invalid UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sandbox_pair.h"

/* The valid ones at the edges of their ranges, then the broken ones. */
static const char *const pieces[] = {
    "a",
    "z",
    "\x7f",
    "\xc2\x80",
    "\xdf\xbf",
    "\xe0\xa0\x80",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xef\xbf\xbf",
    "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbf",
    "\xc3\xa9",
    "\xe2\x82\xac",
    "\xf0\x9f\x8e\x89",
    "b",
    "\x80",
    "\xc0\x80",
    "\xc1\xbf",
    "\xe0\x9f\xbf",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf8\x88\x80\x80\x80",
    "\xfe",
    "\xff",
    "\xe2\x82",
    "\xf0\x9f",
};

/* In two of three texts only valid characters. */
static void add_utf8(pair_random *random, pair_case *test) {
  const size_t valid = 15, all = sizeof pieces / sizeof *pieces;
  bool broken = pair_below(random, 3) == 0;
  char text[60];
  size_t size = 0;
  for (size_t left = pair_below(random, 8); left > 0; left--) {
    const char *piece = pieces[pair_below(random, broken ? all : valid)];
    memcpy(text + size, piece, strlen(piece));
    size += strlen(piece);
    if (pair_below(random, 30) == 0) text[size++] = 0;
  }

  pair_add_text(test, text, size);
}

static void generate_call(pair_random *random, pair_case *test) {
  static const char *const bodies[] = {
      "return collect(utf8.len(...))",
      "return collect(utf8.codepoint(...))",
      "return collect(utf8.offset(...))",
      "return collect(string.match(..., utf8.charpattern))",
  };
  test->body = bodies[pair_below(random, sizeof bodies / sizeof *bodies)];
  add_utf8(random, test);
  lua_Integer size = (lua_Integer)test->arguments[0].size;
  for (size_t left = pair_below(random, 3); left > 0; left--) {
    if (pair_below(random, 2))
      pair_add_integer(test, pair_position(random, size));
    else
      pair_add_integer(test, (lua_Integer)pair_below(random, 12) - 5);
  }
}

/* Stock Lua 5.4.4 skips stray continuation bytes, so invalid texts are not compared. */
static void generate_codes(pair_random *random, pair_case *test) {
  test->body = "local s, out = (...), {} if not utf8.len(s) then return 'invalid' end "
               "for p, c in utf8.codes(s) do out[#out + 1] = p .. ':' .. c end "
               "return collect(table.concat(out, ' '))";
  add_utf8(random, test);
}

static void generate_char(pair_random *random, pair_case *test) {
  test->body = "return collect(utf8.char(...))";
  for (size_t left = pair_below(random, 5); left > 0; left--)
    pair_add_integer(test, (lua_Integer)(pair_next(random) % 0xD800 >> pair_below(random, 16)));
  if (pair_below(random, 2))
    pair_add_integer(test, 0x10000 + (lua_Integer)pair_below(random, 0x100000));
}

static void test_functions_agree_with_stock(void **state) {
  assert_true(pair_compare(*state, 60000, generate_call));
  assert_true(pair_compare(*state, 20000, generate_codes));
  assert_true(pair_compare(*state, 20000, generate_char));
}

static void test_codes_and_len_agree_on_what_is_valid(void **state) {
  pair_random random = {pair_seed()};
  for (int i = 0; i < 20000; i++) {
    pair_case test = {.body = "local s = ... local walked = pcall(function() "
                              "for _ in utf8.codes(s) do end end) "
                              "return collect(walked == (utf8.len(s) ~= nil))"};
    add_utf8(&random, &test);
    const char *outcome = pair_run_sandbox(*state, &test);
    if (strcmp(outcome, "true") != 0) pair_print(*state, &test);
    assert_string_equal(outcome, "true");
  }
}

static void test_only_code_points_are_written(void **state) {
  static const char *const bodies[] = {
      "return utf8.char(0xD800)", "return utf8.char(0xDFFF)",  "return utf8.char(0x110000)",
      "return utf8.char(-1)",     "return utf8.char(1 << 32)", "return utf8.char(1 << 63)",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    assert_non_null(strstr(pair_outcome(*state, bodies[i]), "value out of range"));
  assert_string_equal(pair_outcome(*state, "return collect(utf8.char(0xD7FF, 0xE000, 0x10FFFF))"),
                      "\"\\xed\\x9f\\xbf\\xee\\x80\\x80\\xf4\\x8f\\xbf\\xbf\"");
}

static void test_lax_decoding_is_refused(void **state) {
  static const char *const bodies[] = {
      "return utf8.len('a', 1, -1, true)",
      "return utf8.codepoint('a', 1, 1, true)",
      "return utf8.codes('a', true)",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
    assert_non_null(strstr(pair_outcome(*state, bodies[i]), "'lax' is not available"));
}

static void test_codes_is_strict_and_safe_when_called_by_hand(void **state) {
  assert_non_null(
      strstr(pair_outcome(*state, "for _ in utf8.codes('\\x80a') do end"), "invalid UTF-8 code"));
  assert_string_equal(
      pair_outcome(*state, "local f = utf8.codes('') return collect(f('abc', -5), f('abc', 3), "
                           "f('abc', math.mininteger), f('abc', math.maxinteger), f('', 0))"),
      "nil, nil, nil, nil");
}

static void test_long_texts_are_charged(void **state) {
  sandbox_pair *pair = *state;
  pair_outcome(pair, "return collect(utf8.len(('x'):rep(1000000)))");
  assert_true(sandbox_budget_instructions(&pair->budget) > 1000000);
  pair_outcome(pair, "local s = ('x'):rep(1000000) return collect(utf8.offset(s, 1000000))");
  assert_true(sandbox_budget_instructions(&pair->budget) > 250000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_functions_agree_with_stock),
      cmocka_unit_test(test_codes_and_len_agree_on_what_is_valid),
      cmocka_unit_test(test_only_code_points_are_written),
      cmocka_unit_test(test_lax_decoding_is_refused),
      cmocka_unit_test(test_codes_is_strict_and_safe_when_called_by_hand),
      cmocka_unit_test(test_long_texts_are_charged),
  };
  return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
