/* The index of a whole text: it accepts and refuses what the scanner does, wherever a token lies to
 * the borders of words, batches and windows; its masks, and the ways through them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/index.h"
#include "core/text/text_buffer.h"

static bool accepts(const char *text, size_t size) {
  json_scan scan;
  json_scan_begin(&scan, text, size);
  return json_scan_validate(&scan);
}

/* What the index says of a copy that ends where its block of memory does. */
static bool indexes(json_index *index, const char *text, size_t size) {
  char *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  if (size) memcpy(copy, text, size);
  bool indexed = json_index_text(index, copy, size);
  free(copy);

  return indexed;
}

/* Of an object or array. */
static size_t first_byte(const char *text) {
  size_t at = 0;
  while (text[at] != '{' && text[at] != '[') at++;
  return at;
}

static bool marked(const uint64_t *mask, size_t at) {
  return mask[at / 64] >> at % 64 & 1;
}

/* The three masks of an accepted text, found byte by byte. */
static void check_masks(const json_index *index, const char *text, size_t size) {
  bool inside = false;
  for (size_t i = first_byte(text); i < size; i++) {
    char byte = inside ? '\0' : text[i];
    assert_int_equal(marked(index->colons, i), byte == ':');
    assert_int_equal(marked(index->opens, i), byte == '{' || byte == '[');
    assert_int_equal(marked(index->closes, i), byte == '}' || byte == ']');
    if (inside && text[i] == '\\')
      i++;
    else if (text[i] == '"')
      inside = !inside;
  }
}

static void compare(json_index *index, const char *text, size_t size) {
  bool accepted = accepts(text, size);
  if (indexes(index, text, size) != accepted)
    fail_msg("%s by the scanner alone: %.*s", accepted ? "accepted" : "refused", (int)size, text);
  if (accepted) check_masks(index, text, size);
}

static const char *const FRAGMENTS[] = {
    /* Valid elements, between two others. */
    "0",
    "-0",
    "12",
    "-1.5",
    "0.25",
    "1e5",
    "-1.5E-07",
    "10.0e+3",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    "\"a,b:[c]{d}\"",
    "\"\\\"\"",
    "\"\\\\\"",
    "\"\\\\\\\"\"",
    "\"\\u00e9\\n\"",
    "\"\\ud83d\\ude00\"",
    "\"Gr\xc3\xbc\xc3\x9f\xe2\x82\xac\"",
    "[]",
    "{}",
    "[ ]",
    "{ }",
    "[1]",
    "[[],[[]]]",
    "{\"a\":1}",
    "{\"a\":\"b\",\"c\":[1,{}]}",
    "{\"a\" : { \"b\" : [ ] } }",
    "\t1\n",
    "{\"\":{\"\":\"\"}}",
    /* What is not. */
    "",
    " ",
    ",",
    ":",
    "1 2",
    "1\"a\"",
    "\"a\"1",
    "\"a\"\"b\"",
    "\"a\":1",
    "[1",
    "1]",
    "{",
    "}",
    "]",
    "[}",
    "{]",
    "{1}",
    "{\"a\"}",
    "{\"a\",\"b\"}",
    "{\"a\":}",
    "{:1}",
    "{\"a\":1,}",
    "{,\"a\":1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1,\"b\"}",
    "{\"a\":1,2}",
    "{\"a\":1,[]}",
    "{\"a\":\"b\":1}",
    "{\"a\":{},1}",
    "{\"a\":[],1,\"b\":2}",
    "[{},\"a\":1]",
    "[[]:1]",
    "[1,]",
    "[,1]",
    "[1:2]",
    "[\"a\":2]",
    "[]1",
    "1[]",
    "\"a\"[]",
    "[][]",
    "{}{}",
    "01",
    "-01",
    "-",
    "--1",
    "1-",
    "+1",
    ".5",
    "5.",
    "1..2",
    "1.2.3",
    "-.5",
    "1.e5",
    "1e",
    "1e+",
    "1e5.2",
    "1e5e5",
    "0x1",
    "1a",
    "tru",
    "truee",
    "nul",
    "1true",
    "true1",
    "True",
    "a",
    "'a'",
    "\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"\x01\"",
    "\"\t\"",
    "\x01",
    "\x80",
    "\"\xc3\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf5\x80\x80\x80\"",
    "\xc3\xa9",
    "\"a",
    "\xef\xbb\xbf",
};

/* Each fragment at each place of the text, within reach of a border at 64 times `word`. */
static void compare_around(json_index *index, size_t word) {
  text_buffer text = {0};
  for (size_t i = 0; i < sizeof FRAGMENTS / sizeof *FRAGMENTS; i++) {
    size_t border = word * 64, from = border > 40 ? border - 40 : 2;
    for (size_t at = from; at <= border + 4; at++) {
      text.size = 0;
      text_buffer_byte(&text, '[');
      while (text.size + 2 < at) text_buffer_text(&text, "1,");
      while (text.size < at) text_buffer_byte(&text, ' ');
      text_buffer_text(&text, FRAGMENTS[i]);
      text_buffer_text(&text, ",{\"last\":2}]");
      compare(index, text.data, text.size);
    }
  }

  text_buffer_free(&text);
}

static void test_borders(void **state) {
  json_index *index = *state;
  static const size_t words[] = {0, 1, 7, 8, 16, 64};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) compare_around(index, words[i]);
}

/* Each fragment as the whole text, and followed by what must not follow. */
static void test_whole_texts(void **state) {
  json_index *index = *state;
  static const char *const tails[] = {"",  " \n",  ",",  "]",          "}",
                                      "1", "\"\"", "{}", ",{\"a\":[]", ":1"};
  for (size_t i = 0; i < sizeof FRAGMENTS / sizeof *FRAGMENTS; i++)
    for (size_t k = 0; k < sizeof tails / sizeof *tails; k++) {
      text_buffer text = {0};
      text_buffer_text(&text, FRAGMENTS[i]);
      text_buffer_text(&text, tails[k]);
      bool container = text.size && strchr("[{", text.data[strspn(text.data, " \t\n")]);
      if (container)
        compare(index, text.data, text.size);
      else
        assert_false(indexes(index, text.data, text.size));
      text_buffer_free(&text);
    }
  assert_false(indexes(index, "{}],{\"a\":[]", 11));
  assert_false(indexes(index, "{}],\"a\":[]},{\"b\":[[]", 20));
}

/* An array of `depth` arrays; the innermost closes `missing` times too seldom. */
static bool indexes_depth(json_index *index, size_t depth, size_t missing) {
  char text[2400];
  assert_true(2 * depth <= sizeof text);
  memset(text, '[', depth);
  memset(text + depth, ']', depth);

  return indexes(index, text, 2 * depth - missing);
}

static void test_depth(void **state) {
  json_index *index = *state;
  assert_true(indexes_depth(index, 60, 0));
  for (size_t depth = 1; depth < 1100; depth++) {
    assert_false(indexes_depth(index, depth, 1));
    assert_true(depth <= 62 || !indexes_depth(index, depth, 0));
  }
}

static void test_many_brackets(void **state) {
  json_index *index = *state;
  text_buffer text = {0};
  for (int i = 0; i < 3000; i++) text_buffer_text(&text, i ? ",[{}]" : "[[{}]");
  assert_false(indexes(index, text.data, text.size));
  text_buffer_byte(&text, ']');
  assert_true(indexes(index, text.data, text.size));
  check_masks(index, text.data, text.size);
  text.data[7 * 5 + 3] = ']';
  assert_false(indexes(index, text.data, text.size));
  text_buffer_free(&text);
}

/* A token that leaves no structural character in a batch is not indexed, and nothing breaks. */
static void test_long_tokens(void **state) {
  json_index *index = *state;
  for (size_t size = 380; size < 1200; size++) {
    text_buffer text = {0};
    text_buffer_text(&text, "[\"");
    for (size_t i = 0; i < size; i++) text_buffer_byte(&text, 'x');
    text_buffer_text(&text, "\", 1]");
    bool indexed = indexes(index, text.data, text.size);
    assert_true(size > 440 || indexed);
    assert_true(size < 512 || !indexed);
    text_buffer_free(&text);
  }
}

static void seek(const json_index *index, json_scan *scan, const char *name, json_span *key) {
  size_t size = strlen(name);
  json_names names = {.ends = json_names_end(size > 1 ? name[size - 2] : '"', name[size - 1]),
                      .sizes = (uint64_t)1 << size};
  assert_true(json_index_seek(index, scan, names));
  bool found = json_scan_member(scan, key);
  assert_null(scan->error);
  if (!found) key->size = 0;
}

static void test_seek(void **state) {
  json_index *index = *state;
  const char *text =
      "{ \"x\" : {\"wanted\":1,\"y\":[{}]}, \"z\":\"wanted\",\"wanted\" : 7, \"w\":[ ] ,"
      "\"a\":true}";
  json_scan scan;
  json_span key, value;
  json_scan_begin(&scan, text, strlen(text));
  assert_true(json_index_text(index, text, strlen(text)));
  assert_true(json_scan_enter(&scan, JSON_OBJECT));
  seek(index, &scan, "wanted", &key);
  assert_true(json_string_equals(key, "wanted", 6));
  assert_true(json_scan_value(&scan, &value));
  assert_true(json_string_equals(value, "7", 1));
  seek(index, &scan, "a", &key);
  assert_true(json_string_equals(key, "a", 1));
  assert_true(json_scan_value(&scan, &value));
  seek(index, &scan, "wanted", &key);
  assert_int_equal(key.size, 0);
  assert_true(json_scan_finish(&scan));
}

/* Every container of a text of random brackets is passed up to where it is closed. */
static void test_pass_everywhere(void **state) {
  json_index *index = *state;
  for (unsigned seed = 1; seed <= 400; seed++) {
    text_buffer text = {0};
    size_t opened[40], closed_at[3000] = {0}, depth = 0;
    uint64_t random = seed * 0x9e3779b97f4a7c15u;
    do {
      random = random * 6364136223846793005u + 1442695040888963407u;
      bool opens = depth < 2 || (text.size < 2000 && depth < 38 && random >> 63);
      if (opens && text.size && text.data[text.size - 1] != '[') text_buffer_byte(&text, ',');
      if (opens)
        opened[depth++] = text.size;
      else
        closed_at[opened[--depth]] = text.size;
      text_buffer_byte(&text, opens ? '[' : ']');
    } while (text.size < 2000 || depth > 1);
    closed_at[0] = text.size;
    text_buffer_byte(&text, ']');

    assert_true(indexes(index, text.data, text.size));
    for (size_t i = 0; i < text.size; i++) {
      if (text.data[i] != '[') continue;
      json_scan scan;
      json_scan_begin(&scan, text.data, text.size);
      scan.at = text.data + i;
      json_index_pass(index, &scan);
      assert_int_equal(scan.at - text.data, closed_at[i] + 1);
    }
    text_buffer_free(&text);
  }
}

static void test_pass(void **state) {
  json_index *index = *state;
  const char *text = "[[[], {\"]\":\"}\"}, [[1], 2]] , 3]";
  json_scan scan;
  json_span value = {0};
  json_scan_begin(&scan, text, strlen(text));
  assert_true(json_index_text(index, text, strlen(text)));
  assert_true(json_scan_enter(&scan, JSON_ARRAY) && json_scan_element(&scan));
  json_index_pass(index, &scan);
  assert_true(json_scan_element(&scan) && json_scan_value(&scan, &value));
  assert_true(json_string_equals(value, "3", 1));
}

/* A name with an escape may be any name. */
static void test_escaped_names(void **state) {
  json_index *index = *state;
  static const char *const texts[] = {"{\"a\":\"\\\\\",\"wante\\u0064\":1}", "{\"\\\"wanted\":1}"};
  json_names names = {.ends = json_names_end('e', 'd'), .sizes = 1 << 6};
  for (size_t i = 0; i < 2; i++) {
    json_scan scan;
    json_scan_begin(&scan, texts[i], strlen(texts[i]));
    assert_true(json_index_text(index, texts[i], strlen(texts[i])));
    assert_true(json_scan_enter(&scan, JSON_OBJECT));
    const char *at = scan.at;
    assert_false(json_index_seek(index, &scan, names));
    assert_ptr_equal(scan.at, at);
  }
}

static int begin(void **state) {
  static json_index index;
  *state = &index;
  return 0;
}

static int end(void **state) {
  json_index_free(*state);
  return 0;
}

static void test_not_indexed_here(void **state) {
  json_index *index = *state;
  assert_false(json_index_text(index, "[1]", 3));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_borders),       cmocka_unit_test(test_whole_texts),
      cmocka_unit_test(test_depth),         cmocka_unit_test(test_many_brackets),
      cmocka_unit_test(test_long_tokens),   cmocka_unit_test(test_seek),
      cmocka_unit_test(test_pass),          cmocka_unit_test(test_pass_everywhere),
      cmocka_unit_test(test_escaped_names),
  };
  const struct CMUnitTest without[] = {cmocka_unit_test(test_not_indexed_here)};
  json_index probe = {0};
  bool available = json_index_text(&probe, "[1]", 3);
  json_index_free(&probe);

  return available ? cmocka_run_group_tests(tests, begin, end)
                   : cmocka_run_group_tests(without, begin, end);
}
