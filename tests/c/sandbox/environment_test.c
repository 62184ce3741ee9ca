/* A policy's globals: what is there, what the missing ones say, and that nothing of one decision
 * reaches the next. */
#include "core/text/edit_distance.h"

#include <stdlib.h>

#include "support/sandbox_fixture.h"

static sandbox box;

static int open_box(void **state) {
  (void)state;
  sandbox_open(&box, 1000000, 16777216);
  lua_State *L = box.L;
  assert_int_equal(sandbox_run(&box, "math = {floor = select, max = type, huge = 1 / 0}\n"
                                     "string = {format = type, rep = type} realtime = type"),
                   LUA_OK);
  sandbox_seal(&box);
  lua_settop(L, 1);

  return 0;
}

static int close_box(void **state) {
  (void)state;
  sandbox_close(&box);
  return 0;
}

static void allowed_names_are_there(void **state) {
  (void)state;
  sandbox_expect(&box, "return type(pairs) .. type(math.floor) .. realtime(1)",
                 "functionfunctionnumber");
  sandbox_expect(&box, "local _ENV = {x = 1} return x .. ''", "1");
}

static void missing_names_say_what_to_do(void **state) {
  (void)state;
  static const struct {
    const char *code, *error;
  } cases[] = {
      {"\nlocal now = os.time()", "test.lua:2: 'os' is not available in a policy: policies have no "
                                  "clock; the time is in the facts"},
      {"print(1)", "test.lua:1: 'print' is not available in a policy: policies print nothing; say "
                   "it in the decision's because"},
      {"math.random()", "test.lua:1: math.random is not available in a policy: policies have no "
                        "randomness; the same facts give the same decision"},
      {"_G.x = 1", "test.lua:1: '_G' is not available in a policy: policies have no globals; use "
                   "local"},
      {"return paris({})", "test.lua:1: undefined name 'paris'; did you mean 'pairs'?"},
      {"return realtme", "test.lua:1: undefined name 'realtme'; did you mean 'realtime'?"},
      {"return format('x')", "test.lua:1: undefined name 'format'; did you mean 'string.format'?"},
      {"return math.flor(1)", "test.lua:1: undefined name 'math.flor'; did you mean 'math.floor'?"},
      {"return string.xyzzy", "test.lua:1: undefined name 'string.xyzzy'"},
      {"return foo_bar_baz", "test.lua:1: undefined name 'foo_bar_baz'"},
      {"return math[1]", "test.lua:1: undefined name 'math.[number]'"},
      {"return _ENV[{}]", "test.lua:1: undefined name '[table]'"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    sandbox_expect_error(&box, cases[i].code, cases[i].error);
}

/* Each name Lua has and a policy has not is refused with advice of its own. */
static void every_absent_name_of_lua_has_advice(void **state) {
  (void)state;
  static const char *const names[] = {
      "os",      "io",     "print",        "load",         "loadstring",     "dofile", "loadfile",
      "package", "debug",  "setmetatable", "getmetatable", "rawget",         "rawset", "rawequal",
      "rawlen",  "xpcall", "coroutine",    "_G",           "collectgarbage", "warn"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char code[64], start[96];
    snprintf(code, sizeof code, "return %s", names[i]);
    snprintf(start, sizeof start, "test.lua:1: '%s' is not available in a policy: ", names[i]);
    assert_int_not_equal(sandbox_run(&box, code), LUA_OK);
    assert_memory_equal(lua_tostring(box.L, -1), start, strlen(start));
  }
}

/* Threat 15: what one script writes, the next must not see. */
static void nothing_is_shared_between_decisions(void **state) {
  (void)state;
  sandbox_expect_error(&box, "count = 1",
                       "test.lua:1: assignment to global 'count': policies have "
                       "no globals; use local");
  sandbox_expect_error(&box, "pairs = nil",
                       "test.lua:1: assignment to global 'pairs': policies "
                       "have no globals; use local");
  sandbox_expect_error(&box, "string.rep = 1",
                       "test.lua:1: string is read-only: 'rep' cannot be set");
  sandbox_expect_error(&box, "_ENV.x = 1",
                       "test.lua:1: assignment to global 'x': policies have no "
                       "globals; use local");
  sandbox_expect_error(&box, "for k, v in pairs(_ENV) do _ENV[k] = nil end",
                       "test.lua:1: assignment to global 'assert': policies have no globals; use "
                       "local");
  sandbox_expect(&box, "return type(pairs) .. type(string.rep)", "functionfunction");
}

/* A decision that uses a little of everything whose result could differ. */
static const char EVERYTHING[] =
    "local t = {} for i = 1, 200 do t['key' .. i * 7919 % 211] = i t[i / 4] = i t[-i] = i end\n"
    "local s = {} for k, v in pairs(t) do s[#s + 1] = tostring(k) end\n"
    "local text = table.concat(s, ',') .. tostring(t) .. tostring(pairs) .. tostring(0 / 0)\n"
    "for k in pairs(_ENV) do text = text .. k end for k in pairs(string) do text = text .. k end\n"
    "local words = {} for w in text:gmatch('%a+') do words[#words + 1] = w end\n"
    "table.sort(words, function(a, b) return #a < #b end)\n"
    "local ok, e = pcall(function() return mth end)\n"
    "return text .. table.concat(words) .. e .. #('x'):rep(100000) .. #(text .. text)";

static void open_everything(sandbox *one) {
  sandbox_open(one, 1000000, 4194304);
  sandbox_add_libraries(one);
  sandbox_seal(one);
}

/* Threat 17: states differ in their hash seeds, and so in the order that lua_next sees. */
static void a_hundred_states_agree(void **state) {
  (void)state;
  /* All are open at once: a state's seed comes from its address. */
  static sandbox boxes[100];
  for (int i = 0; i < SANDBOX_ROUNDS(100); i++) {
    open_everything(&boxes[i]);
    int status = sandbox_run(&boxes[i], EVERYTHING);
    if (status != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(boxes[i].L, -1));
    assert_int_equal(status, LUA_OK);
    assert_string_equal(lua_tostring(boxes[i].L, -1), lua_tostring(boxes[0].L, -1));
    assert_int_equal(sandbox_budget_instructions(&boxes[i].budget),
                     sandbox_budget_instructions(&boxes[0].budget));
  }

  for (int i = 0; i < SANDBOX_ROUNDS(100); i++) sandbox_close(&boxes[i]);
}

/* What earlier decisions left behind, garbage above all, shows neither in result nor in count. */
static void decisions_in_one_state_agree(void **state) {
  (void)state;
  sandbox one;
  open_everything(&one);
  assert_int_equal(sandbox_run(&one, EVERYTHING), LUA_OK);
  char *first = strdup(lua_tostring(one.L, -1));
  int64_t count = sandbox_budget_instructions(&one.budget);
  for (int i = 0; i < SANDBOX_ROUNDS(30); i++) {
    sandbox_run(&one, i % 2 ? "local t = {} for i = 1, 20000 do t[i] = {} end"
                            : "return ('y'):rep(1000000) .. ('z'):rep(500000)");
    assert_int_equal(sandbox_run(&one, EVERYTHING), LUA_OK);
    assert_string_equal(lua_tostring(one.L, -1), first);
    assert_int_equal(sandbox_budget_instructions(&one.budget), count);
  }

  free(first);
  sandbox_close(&one);
}

static void distances_are_the_textbook_ones(void **state) {
  (void)state;
  assert_int_equal(edit_distance("kitten", 6, "sitting", 7), 3);
  assert_int_equal(edit_distance("paris", 5, "pairs", 5), 1);
  assert_int_equal(edit_distance("", 0, "abc", 3), 3);
  assert_int_equal(edit_distance("abc", 3, "", 0), 3);
  assert_int_equal(edit_distance("same", 4, "same", 4), 0);
  assert_int_equal(edit_distance("flaw", 4, "lawn", 4), 2);
  char big[65];
  memset(big, 'x', sizeof big);
  assert_true(edit_distance(big, 65, "x", 1) == SIZE_MAX);
  assert_int_equal(edit_distance(big, 64, "x", 1), 63);
}

int main(void) {
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_box, close_box)
  const struct CMUnitTest tests[] = {
      CASE(allowed_names_are_there),
      CASE(missing_names_say_what_to_do),
      CASE(every_absent_name_of_lua_has_advice),
      CASE(nothing_is_shared_between_decisions),
      cmocka_unit_test(a_hundred_states_agree),
      cmocka_unit_test(decisions_in_one_state_agree),
      cmocka_unit_test(distances_are_the_textbook_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
