/* The JSON writer: commas, nesting, every kind of value, and texts that are not UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */

#include "core/json/scan.h"
#include "core/json/writer.h"

static void assert_written(text_buffer *out, const char *expected) {
  assert_false(out->failed);
  text_buffer_byte(out, '\0');
  assert_string_equal(out->data, expected);
  text_buffer_free(out);
}

static void writes_members_of_every_kind(void **state) {
  (void)state;
  text_buffer out = {0};
  json_writer writer = json_writer_to(&out);
  json_writer_object(&writer, NULL);
  json_writer_text(&writer, "text", "a\"b\n\xC3\xA4");
  json_writer_text(&writer, "absent", NULL);
  json_writer_integer(&writer, "integer", INT64_MIN);
  json_writer_decimal(&writer, "decimal", 1.25, 3);
  json_writer_boolean(&writer, "yes", true);
  json_writer_boolean(&writer, "no", false);
  json_writer_null(&writer, "null");
  json_writer_json(&writer, "json", "[1]", 3);
  json_writer_end(&writer);
  assert_written(&out, "{\"text\":\"a\\\"b\\n\\u00e4\",\"integer\":-9223372036854775808,"
                       "\"decimal\":1.250,\"yes\":true,\"no\":false,\"null\":null,\"json\":[1]}");
}

static void nests_and_keeps_commas_apart(void **state) {
  (void)state;
  text_buffer out = {0};
  json_writer writer = json_writer_to(&out);
  json_writer_array(&writer, NULL);
  json_writer_object(&writer, NULL);
  json_writer_array(&writer, "empty");
  json_writer_end(&writer);
  json_writer_array(&writer, "two");
  json_writer_integer(&writer, NULL, 1);
  json_writer_text(&writer, NULL, "");
  json_writer_end(&writer);
  json_writer_object(&writer, "object");
  json_writer_end(&writer);
  json_writer_end(&writer);
  json_writer_member(&writer, NULL);
  text_buffer_text(&out, "2");
  json_writer_end(&writer);
  assert_written(&out, "[{\"empty\":[],\"two\":[1,\"\"],\"object\":{}},2]");
}

static void repairs_text_that_is_not_utf8(void **state) {
  (void)state;
  text_buffer out = {0};
  json_writer writer = json_writer_to(&out);
  json_writer_array(&writer, NULL);
  json_writer_bytes(&writer, NULL, "a\xFF\xC3", 3);
  json_writer_bytes(&writer, NULL, "\xE2\x82\xAC\x00", 4);
  json_writer_end(&writer);
  assert_written(&out, "[\"a\\ufffd\\ufffd\",\"\\u20ac\\u0000\"]");
}

static void refuses_exact_text_that_is_not_utf8(void **state) {
  (void)state;
  text_buffer out = {0};
  json_writer writer = json_writer_to(&out);
  assert_true(json_writer_exact(&writer, NULL, "a", 1));
  assert_false(json_writer_exact(&writer, NULL, "\x80", 1));
  text_buffer_free(&out);
}

static void fails_beyond_its_depth(void **state) {
  (void)state;
  text_buffer out = {0};
  json_writer writer = json_writer_to(&out);
  for (int i = 0; i < JSON_WRITER_DEPTH_MAX; i++) json_writer_array(&writer, NULL);
  assert_false(out.failed);
  json_writer_array(&writer, NULL);
  assert_true(out.failed);
  for (int i = 0; i <= JSON_WRITER_DEPTH_MAX; i++) json_writer_end(&writer);
  assert_int_equal(writer.depth, 0);
  text_buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_members_of_every_kind),
      cmocka_unit_test(nests_and_keeps_commas_apart),
      cmocka_unit_test(repairs_text_that_is_not_utf8),
      cmocka_unit_test(refuses_exact_text_that_is_not_utf8),
      cmocka_unit_test(fails_beyond_its_depth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
