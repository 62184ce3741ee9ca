/* JSON copied without white space, and the text that needs no copying. Texts are at the end of
 * their blocks, so that the sanitizer sees a byte read too far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/compact.h"

static void assert_compact(const char *text, const char *compact, bool is_compact) {
  size_t size = strlen(text);
  char *block = malloc(size);
  text_buffer out = {0};
  assert_non_null(block);
  memcpy(block, text, size);
  assert_true(json_compact(block, size, &out));
  assert_int_equal(out.size, strlen(compact));
  assert_memory_equal(out.data, compact, out.size);
  assert_int_equal(json_is_compact(block, size), is_compact);
  text_buffer_free(&out);
  free(block);
}

static void test_takes_what_is_compact_as_it_is(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{}",
      "[]",
      "1",
      "\"\"",
      "{\"a\":1,\"b c\":[true,null,-1.5e+3,\"d e\"],\"\":{}}",
      "{\"a string of more than sixteen bytes\":\"and another one, of thirty-two or more bytes\"}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_compact(texts[i], texts[i], true);
}

static void test_copies_what_is_not(void **state) {
  (void)state;
  static const struct {
    const char *text, *compact;
  } cases[] = {
      {" 1", "1"},
      {"{\"a\": 1}", "{\"a\":1}"},
      {"[1,\n2]", "[1,2]"},
      {"[1\t]", "[1]"},
      {"[1]\r", "[1]"},
      {"\"\xc3\xa4\"", "\"\\u00e4\""},
      {"\"seventeen bytes..\xc3\xa4\"", "\"seventeen bytes..\\u00e4\""},
      {"\"\x7f\"", "\"\\u007f\""},
      {"\"\\u0041\\/\"", "\"A/\""},
      {"{\"\\\"\":\"\\\\\" }", "{\"\\\"\":\"\\\\\"}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_compact(cases[i].text, cases[i].compact, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_takes_what_is_compact_as_it_is),
      cmocka_unit_test(test_copies_what_is_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
