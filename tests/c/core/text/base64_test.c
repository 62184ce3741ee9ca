/* Base64 against RFC 4648's vectors, both ways over every small size, and what is refused. */
#include "core/text/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void answers_the_published_vectors(void **state) {
  (void)state;
  static const char *const vectors[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    text_buffer out = {0};
    base64_encode(&out, vectors[i][0], strlen(vectors[i][0]));
    text_buffer_byte(&out, 0);
    assert_string_equal(out.data, vectors[i][1]);
    text_buffer_free(&out);
  }
}

static void every_size_comes_back(void **state) {
  (void)state;
  srand(20261122);
  for (size_t size = 0; size < 200; size++) {
    uint8_t bytes[200];
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)rand();
    text_buffer text = {0};
    base64_encode(&text, bytes, size);
    char *back = malloc(text.size / 4 * 3 + 1); /* exactly what it asks for, and one */
    size_t back_size;
    assert_true(base64_decode(text.data ? text.data : "", text.size, back, &back_size));
    assert_int_equal(back_size, size);
    assert_memory_equal(back, bytes, size);
    free(back);
    text_buffer_free(&text);
  }
}

static void refuses_everything_else(void **state) {
  (void)state;
  static const char *const wrong[] = {"Z",     "Zg",   "Zg=",  "Zg==Zg==", "=",
                                      "====",  "Z===", "Zh==", "Zm9=",     "Zm 9",
                                      "Zm9\n", "Zm-_", "Zg=g", "\xffm9v"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char out[16];
    size_t size;
    assert_false(base64_decode(wrong[i], strlen(wrong[i]), out, &size));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_the_published_vectors),
      cmocka_unit_test(every_size_comes_back),
      cmocka_unit_test(refuses_everything_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
