/* JSON put in order: what comes out, and what is left to who asks. Texts are at the end of their
 * blocks, so that the sanitizer sees a byte read too far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/sorted.h"

/* sorted: NULL where the text is refused. */
static void assert_sorted(const char *text, const char *sorted) {
  size_t size = strlen(text);
  char *block = malloc(size ? size : 1);
  text_buffer out = {0};
  assert_non_null(block);
  memcpy(block, text, size);
  assert_int_equal(json_sorted(block, size, &out), sorted != NULL);
  if (sorted) {
    assert_int_equal(out.size, strlen(sorted));
    assert_memory_equal(out.data, sorted, out.size);
  }

  text_buffer_free(&out);
  free(block);
}

static void test_puts_members_in_order(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"{}", "{}"},
      {" [ ] ", "[]"},
      {"\"a b\"", "\"a b\""},
      {"{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}"},
      {"{\"c\":1 , \"a\" : {\"z\":[{\"y\":1,\"x\":2}],\"\":0},\"b\":3}",
       "{\"a\":{\"\":0,\"z\":[{\"x\":2,\"y\":1}]},\"b\":3,\"c\":1}"},
      {"{\"ab\":1,\"a\":2,\"B\":3,\"\xc3\xa4\":4}", "{\"B\":3,\"a\":2,\"ab\":1,\"\xc3\xa4\":4}"},
      {"[1, -0, 10, 1.50, 1e2, 9223372036854775808, true, false, null]",
       "[1,-0.0,10,1.5,100.0,9.223372036854776e+18,true,false,null]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_sorted(cases[i][0], cases[i][1]);
}

static void test_leaves_what_is_unusual(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "{",
      "[1,]",
      "{} {}",
      "1e999",
      "\"\\n\"",
      "{\"\\u0061\":1}",
      "{\"a\":1,\"a\":2}",
      "[\"\xff\"]",
      "{\"a\" 1}",
      "{\"b\":1,\"a\":2,\"b\":3}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_sorted(texts[i], NULL);
}

/* An object with so many members, the last first. */
static void write_members(char *text, int count) {
  char *at = text;
  *at++ = '{';
  for (int i = count; i > 0; i--) at += sprintf(at, "%s\"%03d\":%d", i < count ? "," : "", i, i);
  strcpy(at, "}");
}

static void test_leaves_what_is_wide_or_deep(void **state) {
  (void)state;
  char text[1024], deep[128] = "";
  text_buffer out = {0};
  write_members(text, 48);
  assert_true(json_sorted(text, strlen(text), &out));
  assert_memory_equal(out.data, "{\"001\":1,\"002\":2,", 17);
  text_buffer_free(&out);
  write_members(text, 49);
  assert_sorted(text, NULL);

  for (int i = 0; i < 24; i++) strcat(deep, "[");
  for (int i = 0; i < 24; i++) strcat(deep, "]");
  assert_sorted(deep, deep);
  memmove(deep + 1, deep, strlen(deep) + 1);
  strcat(deep, "]");
  assert_sorted(deep, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_puts_members_in_order),
      cmocka_unit_test(test_leaves_what_is_unusual),
      cmocka_unit_test(test_leaves_what_is_wide_or_deep),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
