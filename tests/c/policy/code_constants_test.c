/* What a policy's code mentions: which constants are taken of values and instructions, each once,
 * and no more than a search has use for. */
#include "policy/code_constants.h"

#include <math.h>

#include "support/sandbox_fixture.h"

static sandbox box;
static code_constants list;
static size_t seen; /* of the list */

static int open_box(void **state) {
  (void)state;
  sandbox_open(&box, 20000000, 16777216);
  seen = 0;

  return 0;
}

static int close_box(void **state) {
  (void)state;
  code_constants_free(&list);
  sandbox_close(&box);

  return 0;
}

static void add_number(double number) {
  lua_pushnumber(box.L, number);
  code_constants_add_value(box.L, &list, -1);
  lua_pop(box.L, 1);
}

static void add_text(const char *text, size_t size) {
  lua_pushlstring(box.L, text, size);
  code_constants_add_value(box.L, &list, -1);
  lua_pop(box.L, 1);
}

static void add_nothing(void) {
  lua_pushboolean(box.L, true);
  lua_pushnil(box.L);
  lua_newtable(box.L);
  for (int i = -3; i < 0; i++) code_constants_add_value(box.L, &list, i);
  lua_pop(box.L, 3);
}

/* What the list has since it was read last: numbers as they are, "texts", and .names of fields. */
static const char *added(void) {
  static char text[1000];
  size_t size = 0;
  text[0] = '\0';
  for (; seen < list.count; seen++) {
    const code_constant *c = &list.items[seen];
    const char *before = size ? " " : "";
    size_t room = sizeof text - size;
    if (c->is_key)
      size += (size_t)snprintf(text + size, room, "%s.%.*s", before, (int)c->size, c->text);
    else if (c->is_text)
      size += (size_t)snprintf(text + size, room, "%s\"%.*s\"", before, (int)c->size, c->text);
    else
      size += (size_t)snprintf(text + size, room, "%s%.17g", before, c->number);
    assert_true(size < sizeof text);
  }

  return text;
}

static void values_are_taken_once(void **state) {
  (void)state;
  add_number(10);
  add_number(-0.5);
  add_number(10);
  add_text("batch", 5);
  add_text("bat", 3);
  add_text("batch", 5);
  add_text("10", 2);
  add_text("", 0);
  add_nothing();
  assert_string_equal(added(), "10 -0.5 \"batch\" \"bat\" \"10\" \"\"");
}

static void what_no_fact_can_be_is_left_out(void **state) {
  (void)state;
  char long_text[257];
  memset(long_text, 'x', sizeof long_text);
  add_number(NAN);
  add_text("a\0b", 3);
  add_text(long_text, 257);
  assert_int_equal(list.count, 0);

  add_text(long_text, 256);
  assert_int_equal(list.count, 1);
  assert_int_equal(list.items[0].size, 256);
  assert_memory_equal(list.items[0].text, long_text, 256);
}

/* A table of ten thousand names would drown what else the code mentions, and each new one is
 * compared with all before it. */
static void the_first_thousand_are_kept(void **state) {
  (void)state;
  for (int i = 0; i < CODE_CONSTANTS_MAX + 5; i++) add_number(i);
  add_text("late", 4);
  assert_int_equal(list.count, CODE_CONSTANTS_MAX);
  for (int i = 0; i < CODE_CONSTANTS_MAX; i++) assert_true(list.items[i].number == i);
}

/* What the instructions of the function that the code returns mention. */
static const char *of_code(const char *code) {
  assert_int_equal(sandbox_run(&box, code), LUA_OK);
  const lua_Code *function = lua_tocode(box.L, -1);
  assert_non_null(function);
  lua_CodeInfo info;
  lua_codeinfo(function, &info);
  for (int pc = 0; pc < info.size; pc++)
    code_constants_add_instruction(box.L, &list, function, info.instructions[pc]);

  return added();
}

static void comparisons_mention_their_constants(void **state) {
  (void)state;
  assert_string_equal(of_code("return function(x) return x == 'none' end"), "\"none\"");
  assert_string_equal(of_code("return function(x) return x == 1000 end"), "1000");
  assert_string_equal(of_code("return function(x) return x == 7 end"), "7");
  assert_string_equal(of_code("return function(x) return x < -5 end"), "-5");
  assert_string_equal(of_code("return function(x) return x <= 6 end"), "6");
  assert_string_equal(of_code("return function(x) return x > 8 end"), "8");
  assert_string_equal(of_code("return function(x) return x >= 127 end"), "127");
}

static void loads_and_sums_mention_their_constants(void **state) {
  (void)state;
  assert_string_equal(of_code("return function() return 3 end"), "3");
  assert_string_equal(of_code("return function() return -65535 end"), "-65535");
  assert_string_equal(of_code("return function() return 4.0 end"), "4");
  assert_string_equal(of_code("return function() return 4.25, 'x' end"), "4.25 \"x\"");
  assert_string_equal(of_code("return function(x) return x + 9 end"), "9");
  assert_string_equal(of_code("return function(x) return x * 11 end"), "11");
  assert_string_equal(of_code("return function(x) return x & 12 end"), "12");
  assert_string_equal(of_code("return function(x) return x end"), "");
}

/* A text and a field of one name are two things: the one is drawn as a value, the other as a key.
 */
static void fields_are_keys(void **state) {
  (void)state;
  assert_string_equal(of_code("return function(x) return x.volume == 'volume' end"),
                      ".volume \"volume\"");
  assert_string_equal(of_code("return function(x) return x.volume == 'prefix' end"), "\"prefix\"");
}

#define IN_A_BOX(TEST) cmocka_unit_test_setup_teardown(TEST, open_box, close_box)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_BOX(values_are_taken_once),
      IN_A_BOX(what_no_fact_can_be_is_left_out),
      IN_A_BOX(the_first_thousand_are_kept),
      IN_A_BOX(comparisons_mention_their_constants),
      IN_A_BOX(loads_and_sums_mention_their_constants),
      IN_A_BOX(fields_are_keys),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
