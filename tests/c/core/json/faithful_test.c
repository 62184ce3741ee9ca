/* Values of any shape: what a Lua table could not hold is refused, what it can is read through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <stdio.h>
#include <string.h>

#include "core/json/faithful.h"

static void expect(const char *text, const char *reason) {
  json_scan scan;
  json_span value;
  text_buffer why = {0};
  json_scan_begin(&scan, text, strlen(text));
  bool ok = json_faithful_value(&scan, &value, &why);
  text_buffer_byte(&why, '\0');
  if (scan.error)
    assert_string_equal(reason, "JSON");
  else
    assert_string_equal(why.data, reason);
  assert_int_equal(ok, reason[0] == '\0');
  if (ok) {
    assert_int_equal(value.size + (value.type == JSON_STRING ? 2 : 0), strlen(text));
    assert_true(json_scan_finish(&scan));
  }

  text_buffer_free(&why);
}

static void values_are_read_through(void **state) {
  (void)state;
  const char *const good[] = {"null",
                              "true",
                              "\"a\"",
                              "1",
                              "-0",
                              "1e308",
                              "[]",
                              "{}",
                              "[[],{},[{}]]",
                              "{\"a\":{\"a\":{\"a\":1}}}",
                              "[{\"a\":1},{\"a\":1}]",
                              "{\"a\":1,\"A\":1,\"\\u0041a\":1}",
                              "{\"\":1,\"\\u0000\":1}"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) expect(good[i], "");
}

static void keys_given_twice_are_refused(void **state) {
  (void)state;
  expect("{\"a\":1,\"a\":1}", "key \"a\" is given twice");
  expect("{\"a\":null,\"b\":1,\"a\":2}", "key \"a\" is given twice");
  expect("[{\"x\":{\"k\":[],\"k\":[]}}]", "key \"k\" is given twice");
  expect("{\"a\":1,\"\\u0061\":1}", "key \"a\" is given twice");
  expect("{\"\\u0061\":1,\"\\u0061\":1}", "key \"a\" is given twice");
  expect("{\"b\":{\"a\":1},\"a\":1,\"b\":2}", "key \"b\" is given twice");
}

/* More keys than are compared pair by pair, and so many that n*n would be felt. */
static void large_objects_are_compared_too(void **state) {
  (void)state;
  for (size_t count = 10; count <= 100000; count *= 10) {
    text_buffer text = {0};
    for (size_t i = 0; i < count; i++) text_buffer_format(&text, "%c\"k%zu\":1", i ? ',' : '{', i);
    size_t end = text.size;
    text_buffer_append(&text, "}", 2);
    expect(text.data, "");
    text.size = end;
    text_buffer_append(&text, ",\"k\\u0037\":2}", 14);
    expect(text.data, "key \"k7\" is given twice");
    text_buffer_free(&text);
  }
}

static void numbers_beyond_a_double_are_refused(void **state) {
  (void)state;
  expect("1e999", "the number 1e999 is beyond the largest double");
  expect("{\"a\":[-1E+400]}", "the number -1E+400 is beyond the largest double");
  char digits[400];
  memset(digits, '9', sizeof digits);
  digits[sizeof digits - 1] = '\0';
  expect(digits,
         "the number 9999999999999999999999999999999999999999… is beyond the largest double");
  digits[308] = '\0';
  expect(digits, "");
}

static void what_is_no_json_is_the_scanners_to_tell(void **state) {
  (void)state;
  expect("", "JSON");
  expect("{\"a\":1", "JSON");
  expect("{\"a\" 1}", "JSON");
  expect("[1,]", "JSON");
  expect("\"\\ud800\"", "JSON");
  char deep[10001];
  memset(deep, '[', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  expect(deep, "JSON");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_read_through),
      cmocka_unit_test(keys_given_twice_are_refused),
      cmocka_unit_test(large_objects_are_compared_too),
      cmocka_unit_test(numbers_beyond_a_double_are_refused),
      cmocka_unit_test(what_is_no_json_is_the_scanners_to_tell),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
