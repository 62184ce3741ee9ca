/* What is taken out of a text: known values, and what looks like a task token. */
#include "core/secret/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const secret_value known[] = {{"p/ss-word", 9}, {"0123456789", 10}};

/* The text as it may be shown. */
static const char *shown(const char *text) {
  static char kept[4096];
  text_buffer out = {0};
  bool any = secret_redact(&out, text, strlen(text), known, 2);
  const char *result = any ? out.data : text;
  size_t size = any ? out.size : strlen(text);
  assert_true(size < sizeof kept);
  memcpy(kept, result, size);
  kept[size] = '\0';
  text_buffer_free(&out);

  return kept;
}

static void hides_known_values_however_they_are_written(void **state) {
  (void)state;
  static const char *const written[] = {
      "p/ss-word",        "p\\/ss-word",   "p\\\\\\/ss-word",    "\\u0070/ss-word",
      "p%2Fss%2dword",    "p%252Fss-word", "p&#47;ss&#x2d;word", "cC9zcy13b3Jk", /* in base64 */
      "eHAvc3Mtd29yZHg=", /* after one byte, before another */
  };
  for (size_t i = 0; i < sizeof written / sizeof *written; i++)
    assert_non_null(strstr(shown(written[i]), "[redacted]"));
  assert_string_equal(shown("<p/ss-word> <0123456789>"), "<[redacted]> <[redacted]>");
  /* Only \u is followed by digits that mean a byte. */
  assert_string_equal(shown("p/ss\\t002dword"), "p/ss\\t002dword");
}

static void shows_parts_of_known_values(void **state) {
  (void)state;
  static const char *const harmless[] = {"p/ss-wor", "/ss-word", "012345678", "", "p"};
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    assert_string_equal(shown(harmless[i]), harmless[i]);
}

static void hides_the_whole_run_around_the_beginning_of_a_token(void **state) {
  (void)state;
  assert_string_equal(shown("a AQCEAAAAKgAAAAMAb/c+d== e"), "a [redacted] e");
  assert_string_equal(shown("a AAAAKgAAAA e"), "a [redacted] e");
  assert_string_equal(shown("a AAAAKgAAA e"), "a AAAAKgAAA e");
  /* The same in base64. */
  assert_string_equal(shown("<QUFBQUtnQUFBQUlBQUE=>"), "<[redacted]>");
}

static void hides_runs_of_256_characters_of_one_alphabet(void **state) {
  (void)state;
  char text[300];
  for (int size = 255; size <= 257; size++) {
    for (int mixed = 0; mixed < 2; mixed++) {
      for (int i = 0; i < size; i++) text[i] = "aB3+/"[i % (mixed ? 3 : 5)];
      if (mixed) text[size / 2] = '_', text[size / 2 + 1] = '-';
      text[size] = '\0';
      assert_string_equal(shown(text), size >= 256 ? "[redacted]" : text);
    }

    text[size / 4] = '/', text[size / 4 + 1] = '_'; /* of no one alphabet */
    assert_string_equal(shown(text), text);
  }
}

/* Wherever a start stands, behind bytes that begin as it does, and cut by one byte. */
static void test_finds_starts_anywhere(void **state) {
  (void)state;
  static const char *const starts[] = {"AAAAKgAAAA", "QUFBQUtnQUFBQ", "FBQUFLZ0FBQU",
                                       "BQUFBS2dBQUFB"};
  static const char *const before[] = {"", "A", "K", "AAAAKgAAAK", "QUF", "QUFBQUtnQUFB", "x Q"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    for (size_t j = 0; j < sizeof before / sizeof *before; j++) {
      char text[64];
      size_t size = (size_t)snprintf(text, sizeof text, "%s %s", before[j], starts[i]);
      char *block = malloc(size);
      assert_non_null(block);
      memcpy(block, text, size);
      assert_true(secret_has_start(block, size));
      assert_true(secret_has_start(block + strlen(before[j]) + 1, strlen(starts[i])));
      assert_false(secret_has_start(block, size - 1));
      assert_false(secret_has_start(block + strlen(before[j]) + 2, strlen(starts[i]) - 1));
      free(block);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_finds_starts_anywhere),
      cmocka_unit_test(hides_known_values_however_they_are_written),
      cmocka_unit_test(shows_parts_of_known_values),
      cmocka_unit_test(hides_the_whole_run_around_the_beginning_of_a_token),
      cmocka_unit_test(hides_runs_of_256_characters_of_one_alphabet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
