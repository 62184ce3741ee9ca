/* The scanner: what it accepts and refuses, walking, spans, places, text without a NUL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/json/scan.h"

static json_scan scan_of(const char *text) {
  json_scan scan;
  json_scan_begin(&scan, text, strlen(text));
  return scan;
}

/* Validates a copy that ends exactly where readable memory ends: one byte too far is a fault. */
static bool validate_at_guard(const char *text, size_t size, json_scan *scan) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size / page + 1) * page;
  char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(map != MAP_FAILED);
  assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
  memcpy(map + room - size, text, size);
  json_scan_begin(scan, map + room - size, size);
  bool valid = json_scan_validate(scan);
  munmap(map, room + page);

  return valid;
}

/* The same text with white space behind it: near the end of a text the scanner goes byte by byte,
 * far from it with vectors, and both must decide alike. */
static bool validate_far_from_end(const char *text, size_t size) {
  enum { FAR = 80 };
  char *padded = malloc(size + FAR);
  assert_non_null(padded);
  memcpy(padded, text, size);
  memset(padded + size, ' ', FAR);
  json_scan scan;
  json_scan_begin(&scan, padded, size + FAR);
  bool valid = json_scan_validate(&scan);
  free(padded);

  return valid;
}

static void accept(const char *text, size_t size) {
  json_scan scan;
  if (!validate_at_guard(text, size, &scan))
    fail_msg("refused: %.*s (%s)", (int)size, text, scan.error);
  if (!validate_far_from_end(text, size)) fail_msg("refused far from the end: %s", text);
}

static void refuse(const char *text, size_t size, const char *error) {
  json_scan scan;
  if (validate_at_guard(text, size, &scan)) fail_msg("accepted: %.*s", (int)size, text);
  assert_non_null(scan.error);
  if (error) assert_string_equal(scan.error, error);
  if (validate_far_from_end(text, size)) fail_msg("accepted far from the end: %s", text);
}

static void test_accepts(void **state) {
  (void)state;
  static const char *const texts[] = {
      "null",
      "true",
      "false",
      "0",
      "-0",
      "1",
      "-1",
      "10",
      "0.5",
      "-0.5e-7",
      "1E+2",
      "1e00",
      "123456789012345678901234567890",
      "-122.42200352825247",
      "1e999",
      "[]",
      "{}",
      " [ ] ",
      " { } ",
      "\t\r\n[1 , 2]\n",
      "[[],{},[{}],{\"a\":[]}]",
      "\"\"",
      "\"plain\"",
      "\"\x7f\"",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFFFF\\uabCD\"",
      "\"\\uD834\\uDd1e\"",
      "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
      "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
      "{\"a\":1,\"a\":2}",
      "{\"\":0}",
      "{ \"a\" : [ 1 , 2.5 , -3e2 ] , \"b\" : { \"c\" : null } }",
      "[\"a string that is longer than one vector of sixteen or thirty-two bytes\"]",
      "[-122.42200352825247,37.80848009696725,0.0]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) accept(texts[i], strlen(texts[i]));
}

static void test_refuses(void **state) {
  (void)state;
  static const struct {
    const char *text, *error;
  } cases[] = {
      {"", "the text is empty"},
      {"  ", "the text ends where a value is expected"},
      {"\xEF\xBB\xBF{}", "the text starts with a byte order mark; remove it"},
      {"01", "a number cannot start with 0"},
      {"[-01]", "a number cannot start with 0"},
      {"[-]", "a digit must follow '-'"},
      {"-", "the text ends inside a number"},
      {"[1.]", "a digit must follow the decimal point"},
      {"[1.e5]", "a digit must follow the decimal point"},
      {"[1e]", "a digit must follow the exponent's 'e'"},
      {"[1e+]", "a digit must follow the exponent's 'e'"},
      {"[1.5.2]", "',' or ']' is expected"},
      {"[1-2]", "',' or ']' is expected"},
      {"[1e5e5]", "',' or ']' is expected"},
      {"[0x1]", "',' or ']' is expected"},
      {"[+1]", "a number cannot start with '+'"},
      {"[.5]", "a number cannot start with '.'"},
      {"[--1]", "a digit must follow '-'"},
      {"[NaN]", "a value is expected"},
      {"[nul]", "unknown word (the words are null, true and false)"},
      {"[truE]", "unknown word (the words are null, true and false)"},
      {"nulll", "something follows the value"},
      {"[Infinity]", "a value is expected"},
      {"['a']", "strings are written in double quotes"},
      {"\"abc", "the text ends inside a string"},
      {"\"abc\\", "the text ends inside a string"},
      {"\"\\x\"", "unknown escape in a string"},
      {"\"\\u12\"", "\\u needs four hexadecimal digits"},
      {"\"\\u12G4\"", "\\u needs four hexadecimal digits"},
      {"\"\\uD800\"", "lone surrogate in a string"},
      {"\"\\uDC00\"", "lone surrogate in a string"},
      {"\"\\uD800\\n\"", "lone surrogate in a string"},
      {"\"\\uD800\\uD800\"", "lone surrogate in a string"},
      {"\"\\uD800\\u0041\"", "lone surrogate in a string"},
      {"\"a\nb\"", "a control character must be escaped"},
      {"\"a\x1f\"", "a control character must be escaped"},
      {"\"\x80\"", "not valid UTF-8"},
      {"\"\xc0\xaf\"", "not valid UTF-8"},
      {"\"\xc1\xbf\"", "not valid UTF-8"},
      {"\"\xc3\"", "not valid UTF-8"},
      {"\"\xc3", "not valid UTF-8"},
      {"\"\xe0\x9f\xbf\"", "not valid UTF-8"},
      {"\"\xed\xa0\x80\"", "not valid UTF-8"},
      {"\"\xf0\x8f\xbf\xbf\"", "not valid UTF-8"},
      {"\"\xf4\x90\x80\x80\"", "not valid UTF-8"},
      {"\"\xf5\x80\x80\x80\"", "not valid UTF-8"},
      {"\"\xe2\x82\"", "not valid UTF-8"},
      {"[1", "the text ends inside an array"},
      {"[", "the text ends inside an array"},
      {"[1,", "the text ends where a value is expected"},
      {"[1,]", "a value is expected before the closing bracket"},
      {"[,1]", "a value is expected"},
      {"[1 2]", "',' or ']' is expected"},
      {"[1}", "',' or ']' is expected"},
      {"[1:2]", "',' or ']' is expected"},
      {"{", "the text ends inside an object"},
      {"{\"a\"", "the text ends inside an object"},
      {"{\"a\":", "the text ends where a value is expected"},
      {"{\"a\":1", "the text ends inside an object"},
      {"{\"a\" 1}", "':' is expected after a member's name"},
      {"{\"a\",1}", "':' is expected after a member's name"},
      {"{\"a\":1,}", "a member's name in double quotes is expected"},
      {"{a:1}", "a member's name in double quotes is expected"},
      {"{1:1}", "a member's name in double quotes is expected"},
      {"{\"a\":1]", "',' or '}' is expected"},
      {"{\"a\":1 \"b\":2}", "',' or '}' is expected"},
      {"[1]]", "something follows the value"},
      {"{}{}", "something follows the value"},
      {"[1]\f", "something follows the value"},
      {"[\xc2\xa0]", "a value is expected"},
      {"/**/[]", "a value is expected"},
      {"]", "a value is expected before the closing bracket"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    refuse(cases[i].text, strlen(cases[i].text), cases[i].error);
  refuse("\0", 1, "a value is expected");
  refuse("[1\0]", 4, "',' or ']' is expected");
  refuse("\"\0\"", 3, "a control character must be escaped");
}

/* Every cut of a valid text is refused (never read beyond), wherever the cut falls. */
static void test_refuses_every_truncation(void **state) {
  (void)state;
  static const char text[] =
      "{\"name\":\"\xe2\x82\xac and \\ud834\\udd1e and a tail that is long "
      "enough\",\"n\":[-122.4220,"
      "37.80848009696725e-10,0.0,[[true,false,null]]],\"o\":{\"k\":{},\"l\":[]}}";
  accept(text, strlen(text));
  for (size_t size = 0; size < strlen(text); size++) refuse(text, size, NULL);
}

static char *nested(size_t depth, const char *open, const char *close, const char *inside) {
  size_t size = depth * (strlen(open) + strlen(close)) + strlen(inside) + 1;
  char *text = calloc(1, size), *at = text;
  assert_non_null(text);
  for (size_t i = 0; i < depth; i++) at = stpcpy(at, open);
  at = stpcpy(at, inside);
  for (size_t i = 0; i < depth; i++) at = stpcpy(at, close);

  return text;
}

static void test_depth(void **state) {
  (void)state;
  static const struct {
    const char *open, *close, *inside;
    size_t deepest; /* repetitions that make 1000 */
  } shapes[] = {{"[", "]", "", 1000}, {"{\"a\":", "}", "1", 1000}, {"[{\"a\":", "}]", "2", 500}};
  for (size_t i = 0; i < 3; i++) {
    char *text = nested(shapes[i].deepest, shapes[i].open, shapes[i].close, shapes[i].inside);
    accept(text, strlen(text));
    free(text);
    text = nested(shapes[i].deepest + 1, shapes[i].open, shapes[i].close, shapes[i].inside);
    refuse(text, strlen(text), "nested deeper than 1000");
    free(text);
    text = nested(10000, shapes[i].open, "", shapes[i].inside);
    refuse(text, strlen(text), "nested deeper than 1000");
    free(text);
  }
}

static void test_depth_counts_entered_containers(void **state) {
  (void)state;
  char *text = nested(1001, "[", "]", "");
  json_scan scan = scan_of(text);
  for (int i = 0; i < 1000; i++) {
    assert_true(json_scan_enter(&scan, JSON_ARRAY));
    assert_true(json_scan_element(&scan));
  }

  json_scan other = scan;
  json_span value;
  assert_false(json_scan_enter(&scan, JSON_ARRAY));
  assert_string_equal(scan.error, "nested deeper than 1000");
  assert_false(json_scan_value(&other, &value));
  assert_string_equal(other.error, "nested deeper than 1000");
  free(text);
}

static void assert_span(json_span span, json_type type, const char *text) {
  assert_int_equal(span.type, type);
  assert_int_equal(span.size, strlen(text));
  assert_memory_equal(span.at, text, span.size);
}

static void test_walks(void **state) {
  (void)state;
  json_scan scan =
      scan_of(" { \"a\" : \"x\\ny\", \"b\":[ 1 , [2,{}], {\"z\":0} ],\"c\":{},\"d\":[]} ");
  json_span key, value;
  json_type type;
  assert_true(json_scan_enter(&scan, JSON_OBJECT));
  assert_true(json_scan_member(&scan, &key));
  assert_span(key, JSON_STRING, "a");
  assert_true(json_scan_value(&scan, &value));
  assert_span(value, JSON_STRING, "x\\ny");
  assert_true(value.escaped);
  assert_true(json_scan_member(&scan, &key));
  assert_false(key.escaped);
  assert_true(json_scan_peek(&scan, &type));
  assert_int_equal(type, JSON_ARRAY);
  assert_true(json_scan_enter(&scan, JSON_ARRAY));
  assert_true(json_scan_element(&scan));
  assert_true(json_scan_value(&scan, &value));
  assert_span(value, JSON_NUMBER, "1");
  assert_true(json_scan_element(&scan));
  assert_true(json_scan_value(&scan, &value));
  assert_span(value, JSON_ARRAY, "[2,{}]");
  assert_true(json_scan_element(&scan));
  assert_true(json_scan_value(&scan, &value));
  assert_span(value, JSON_OBJECT, "{\"z\":0}");
  assert_int_equal(scan.depth, 2);
  assert_false(json_scan_element(&scan));
  assert_true(json_scan_member(&scan, &key));
  assert_true(json_scan_enter(&scan, JSON_OBJECT));
  assert_false(json_scan_member(&scan, &key));
  assert_true(json_scan_member(&scan, &key));
  assert_span(key, JSON_STRING, "d");
  assert_true(json_scan_enter(&scan, JSON_ARRAY));
  assert_false(json_scan_element(&scan));
  assert_false(json_scan_member(&scan, &key));
  assert_null(scan.error);
  assert_int_equal(scan.depth, 0);
  assert_true(json_scan_finish(&scan));
}

static void test_walking_refuses(void **state) {
  (void)state;
  json_span value;
  json_scan scan = scan_of("[1,]");
  assert_true(json_scan_enter(&scan, JSON_ARRAY));
  assert_true(json_scan_element(&scan));
  assert_true(json_scan_value(&scan, &value));
  assert_true(json_scan_element(&scan));
  assert_false(json_scan_value(&scan, &value));
  assert_string_equal(scan.error, "a value is expected before the closing bracket");
  assert_false(json_scan_element(&scan)); /* an error is for good */
  assert_false(json_scan_finish(&scan));

  scan = scan_of("{\"a\":1,}");
  assert_true(json_scan_enter(&scan, JSON_OBJECT));
  assert_true(json_scan_member(&scan, &value));
  assert_true(json_scan_value(&scan, &value));
  assert_false(json_scan_member(&scan, &value));
  assert_string_equal(scan.error, "a member's name in double quotes is expected");

  scan = scan_of("[1 2]");
  assert_true(json_scan_enter(&scan, JSON_ARRAY));
  assert_true(json_scan_element(&scan));
  assert_true(json_scan_value(&scan, &value));
  assert_false(json_scan_element(&scan));
  assert_string_equal(scan.error, "',' or ']' is expected");

  scan = scan_of("[1");
  assert_false(json_scan_enter(&scan, JSON_OBJECT));
  assert_string_equal(scan.error, "an object is expected");
}

static void test_place(void **state) {
  (void)state;
  json_scan scan = scan_of("{\n  \"a\": 1,\n  \"b\": 01\n}");
  size_t line, column;
  assert_false(json_scan_validate(&scan));
  json_scan_place(&scan, &line, &column);
  assert_int_equal(line, 3);
  assert_int_equal(column, 8);
  scan = scan_of("x");
  assert_false(json_scan_validate(&scan));
  json_scan_place(&scan, &line, &column);
  assert_int_equal(line, 1);
  assert_int_equal(column, 1);
}

/* 50 MB in one string, and in one number: time and stack stay flat. */
static void test_enormous_tokens(void **state) {
  (void)state;
  size_t size = 50u << 20;
  char *text = malloc(size);
  assert_non_null(text);
  memset(text, 'x', size);
  text[0] = text[size - 1] = '"';
  json_scan scan;
  json_scan_begin(&scan, text, size);
  assert_true(json_scan_validate(&scan));
  memset(text, '7', size);
  json_scan_begin(&scan, text, size);
  assert_true(json_scan_validate(&scan));
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accepts),
      cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_refuses_every_truncation),
      cmocka_unit_test(test_depth),
      cmocka_unit_test(test_depth_counts_entered_containers),
      cmocka_unit_test(test_walks),
      cmocka_unit_test(test_walking_refuses),
      cmocka_unit_test(test_place),
      cmocka_unit_test(test_enormous_tokens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
