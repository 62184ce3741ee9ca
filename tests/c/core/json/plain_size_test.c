/* The length of a JSON value does not depend on how it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/plain_size.h"

static size_t size_of(const char *text) {
  json_scan scan;
  json_span value;
  json_scan_begin(&scan, text, strlen(text));
  assert_true(json_scan_value(&scan, &value));

  return json_plain_size(value);
}

static void test_white_space_does_not_count(void **state) {
  (void)state;
  assert_int_equal(size_of("{\"a\":[1,2.50,null]}"), 19);
  assert_int_equal(size_of("{ \"a\" :\t[ 1 ,\n2.50 , null\r] }"), 19);
  assert_int_equal(size_of("[]"), 2);
  assert_int_equal(size_of("[ { } ]"), 4);
}

static void test_white_space_of_a_text_does(void **state) {
  (void)state;
  assert_int_equal(size_of("[\" a b \"]"), 9);
  assert_int_equal(size_of("\" a \""), 5);
}

static void test_characters_count_as_their_bytes(void **state) {
  (void)state;
  assert_int_equal(size_of("[\"\xc3\xa9\"]"), size_of("[\"\\u00e9\"]"));
  assert_int_equal(size_of("\"\xf0\x9f\x98\x80\""), size_of("\"\\ud83d\\ude00\""));
  assert_int_equal(size_of("[\"\\\"\\\\\\n\"]"), 7);
  assert_int_equal(size_of("{\"\\\"]\":\"[ ,\"}"), 12);
}

/* Longer than what is looked at at once, with each kind of byte at every place. */
static void test_long_texts_count_whole(void **state) {
  (void)state;
  char text[128];
  for (int before = 0; before < 40; before++) {
    snprintf(text, sizeof text, "[\"%.*s\xc3\xa9\xe2\x82\xac\\\"%.*s\\\\\", 1]", before,
             "0123456789012345678901234567890123456789", 40 - before,
             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop");
    assert_int_equal(size_of(text), 2 + 2 + 40 + 2 + 3 + 1 + 1 + 2);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_white_space_does_not_count),
      cmocka_unit_test(test_white_space_of_a_text_does),
      cmocka_unit_test(test_characters_count_as_their_bytes),
      cmocka_unit_test(test_long_texts_count_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
