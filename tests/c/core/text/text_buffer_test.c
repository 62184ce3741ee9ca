/* A buffer grows by doubling, takes no memory while there is room, and once memory was short takes
 * nothing more until it is cleared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/text/text_buffer.h"

static void holds(const text_buffer *buffer, const char *text) {
  assert_int_equal(buffer->size, strlen(text));
  assert_memory_equal(buffer->data, text, buffer->size);
}

static void takes_no_memory_for_nothing(void **state) {
  (void)state;
  text_buffer buffer = {0};
  assert_true(text_buffer_reserve(&buffer, 0));
  text_buffer_text(&buffer, "");
  assert_null(buffer.data);
  assert_int_equal(buffer.capacity, 0);
}

static void takes_no_memory_while_there_is_room(void **state) {
  (void)state;
  text_buffer buffer = {0};
  assert_true(text_buffer_reserve(&buffer, 256));
  assert_int_equal(buffer.capacity, 256);
  const char *data = buffer.data;
  for (int i = 0; i < 255; i++) text_buffer_byte(&buffer, 'x');
  assert_true(text_buffer_reserve(&buffer, 1));
  assert_int_equal(buffer.capacity, 256);
  assert_ptr_equal(buffer.data, data);
  text_buffer_free(&buffer);
}

static void doubles_as_often_as_it_must(void **state) {
  (void)state;
  static const size_t cases[][2] = {{1, 256}, {256, 256}, {257, 512}, {512, 512}, {5000, 8192}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    text_buffer buffer = {0};
    assert_true(text_buffer_reserve(&buffer, cases[i][0]));
    assert_int_equal(buffer.capacity, cases[i][1]);
    assert_int_equal(buffer.size, 0);
    text_buffer_free(&buffer);
  }
}

static void keeps_what_it_held_when_it_grows(void **state) {
  (void)state;
  text_buffer buffer = {0};
  text_buffer_text(&buffer, "before");
  assert_true(text_buffer_reserve(&buffer, 100000));
  holds(&buffer, "before");
  text_buffer_append(&buffer, " and after", 10);
  holds(&buffer, "before and after");
  text_buffer_free(&buffer);
  assert_null(buffer.data);
  assert_int_equal(buffer.size + buffer.capacity, 0);
}

static void formats_behind_what_it_holds(void **state) {
  (void)state;
  text_buffer buffer = {0};
  text_buffer_format(&buffer, "%d", 12);
  text_buffer_format(&buffer, "%s", "");
  text_buffer_format(&buffer, " %s", "parts");
  holds(&buffer, "12 parts");
  text_buffer_clear(&buffer);
  text_buffer_format(&buffer, "%0255d", 7); /* with its NUL as long as the room */
  assert_int_equal(buffer.size, 255);
  assert_int_equal(buffer.capacity, 256);
  assert_int_equal(buffer.data[254], '7');
  text_buffer_free(&buffer);
}

static void takes_nothing_more_once_memory_was_short(void **state) {
  (void)state;
  text_buffer buffer = {0};
  text_buffer_text(&buffer, "kept");
  unsigned long shortages = text_buffer_shortages();
  assert_false(text_buffer_reserve(&buffer, SIZE_MAX));
  assert_true(buffer.failed);
  assert_int_equal(text_buffer_shortages(), shortages + 1);

  assert_false(text_buffer_reserve(&buffer, 0));
  assert_false(text_buffer_reserve(&buffer, 1));
  text_buffer_format(&buffer, "%d", 1);
  holds(&buffer, "kept");
  assert_int_equal(text_buffer_shortages(), shortages + 1);

  text_buffer_clear(&buffer);
  text_buffer_text(&buffer, "again");
  holds(&buffer, "again");
  assert_false(buffer.failed);
  text_buffer_free(&buffer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_no_memory_for_nothing),
      cmocka_unit_test(takes_no_memory_while_there_is_room),
      cmocka_unit_test(doubles_as_often_as_it_must),
      cmocka_unit_test(keeps_what_it_held_when_it_grows),
      cmocka_unit_test(formats_behind_what_it_holds),
      cmocka_unit_test(takes_nothing_more_once_memory_was_short),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
