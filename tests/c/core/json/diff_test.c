/* Where two values first differ: numbers by value, texts after unescaping, objects in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/json/diff.h"

static json_span span_of(const char *text) {
  json_scan scan;
  json_span span;
  json_scan_begin(&scan, text, strlen(text));
  assert_true(json_scan_value(&scan, &span));
  return span;
}

/* Of two values, either way round; where is NULL when they are the same. */
static void check(const char *a, const char *b, const char *where) {
  for (int turned = 0; turned < 2; turned++) {
    text_buffer path = {0};
    text_buffer_text(&path, "it");
    bool differ = turned ? json_first_difference(span_of(b), span_of(a), &path)
                         : json_first_difference(span_of(a), span_of(b), &path);
    text_buffer_byte(&path, '\0');
    if (differ != (where != NULL)) fail_msg("%s and %s: %s", a, b, path.data);
    assert_string_equal(path.data + 2, where ? where : "");
    text_buffer_free(&path);
  }
}

static void scalars_differ_by_value(void **state) {
  (void)state;
  check("1", "1.0", NULL);
  check("100", "1e2", NULL);
  check("0.5", "5e-1", NULL);
  check("1", "2", "");
  check("9007199254740993", "9007199254740992", "");
  check("\"a\\u0062\"", "\"ab\"", NULL);
  check("\"a\"", "\"b\"", "");
  check("\"a\\n\"", "\"an\"", "");
  check("true", "false", "");
  check("null", "null", NULL);
  check("\"1\"", "1", "");
}

static void lists_differ_at_the_first_entry_that_does(void **state) {
  (void)state;
  check("[]", "[ ]", NULL);
  check("[1,2]", "[1, 2]", NULL);
  check("[1,\"a\",[null]]", "[ 1.0, \"\\u0061\", [ null ] ]", NULL);
  check("[1,2,3]", "[1,9,9]", "[2]");
  check("[[1],[2]]", "[[1],[3]]", "[2][1]");
  check("[1,2]", "[2,1]", "[1]");
}

static void a_longer_list_differs_behind_the_shorter_one(void **state) {
  (void)state;
  check("[1,2]", "[1]", "[2]");
  check("[]", "[null]", "[1]");
}

static void objects_differ_in_any_order_of_their_members(void **state) {
  (void)state;
  check("{\"a\":1,\"b\":[2]}", "{\"b\": [2], \"a\": 1}", NULL);
  check("{\"\\u0061\":1}", "{\"a\":1.0}", NULL);
  check("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}", ".b");
  check("{\"a\":{\"b\":[1,2]}}", "{\"a\":{\"b\":[1,3]}}", ".a.b[2]");
  check("{\"a\":[]}", "{\"a\":{}}", ".a");
}

static void a_member_of_one_alone_differs(void **state) {
  (void)state;
  check("{\"a\":1}", "{\"a\":1,\"b\":null}", ".b");
  check("{}", "{\"a\":1}", ".a");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scalars_differ_by_value),
      cmocka_unit_test(lists_differ_at_the_first_entry_that_does),
      cmocka_unit_test(a_longer_list_differs_behind_the_shorter_one),
      cmocka_unit_test(objects_differ_in_any_order_of_their_members),
      cmocka_unit_test(a_member_of_one_alone_differs),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
