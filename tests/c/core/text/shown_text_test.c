/* What a message shows of a text from outside: cut, valid UTF-8, without NUL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <string.h>

#include "core/text/shown_text.h"

static void expect(const char *text, size_t size, size_t limit, const char *shown) {
  text_buffer out = {0};
  text_buffer_text(&out, "<");
  shown_text_append(&out, text, size, limit);
  text_buffer_byte(&out, '>');
  text_buffer_byte(&out, '\0');
  assert_int_equal(strlen(out.data) + 1, out.size);
  assert_string_equal(out.data, shown);
  text_buffer_free(&out);
}

static void short_text_is_shown_whole(void **state) {
  (void)state;
  expect("", 0, 5, "<>");
  expect("abcde", 5, 5, "<abcde>");
  expect("h\xC3\xA9!\n", 5, 5, "<h\xC3\xA9!\n>");
}

static void long_text_is_cut_between_characters(void **state) {
  (void)state;
  expect("abcdef", 6, 5, "<abcde…>");
  expect("abcd\xC3\xA9", 6, 5, "<abcd…>");
  expect("ab\xF0\x9F\x98\x80z", 7, 5, "<ab…>");
  expect("ab\xF0\x9F\x98\x80z", 7, 6, "<ab\xF0\x9F\x98\x80…>");
}

static void bytes_that_are_no_text_are_question_marks(void **state) {
  (void)state;
  expect("a\0b", 3, 5, "<a?b>");
  expect("\xFF\xC3", 2, 5,
         "<?"
         "?>");
  expect("\xED\xA0\x80", 3, 5,
         "<?"
         "?"
         "?>");
  expect("\xF0\x9F\x98", 3, 5,
         "<?"
         "?"
         "?>");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(short_text_is_shown_whole),
      cmocka_unit_test(long_text_is_cut_between_characters),
      cmocka_unit_test(bytes_that_are_no_text_are_question_marks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
