/* A policy keeps nothing between decisions: what may be written, what is refused, and where. */
#include "policy/purity.h"

#include "policy/closure_writes.h"
#include "support/sandbox_fixture.h"

static sandbox box;

static int open_box(void **state) {
  (void)state;
  sandbox_open(&box, 20000000, 16777216);
  /* A word of the host's own vocabulary may keep what it likes. */
  sandbox_run(&box, "local made = {} word = function(x) made[#made + 1] = x made = made end");
  sandbox_seal(&box);
  lua_settop(box.L, 1);

  return 0;
}

static int close_box(void **state) {
  (void)state;
  sandbox_close(&box);
  return 0;
}

/* Loads code, which returns the decide function, and leaves that at index 2. */
static void load_policy(const char *code) {
  int status = sandbox_run(&box, code);
  if (status != LUA_OK) fprintf(stderr, "%s\n", lua_tostring(box.L, -1));
  assert_int_equal(status, LUA_OK);
  assert_int_equal(lua_type(box.L, 2), LUA_TFUNCTION);
}

static bool enforce(lua_State *L, int index, text_buffer *why) {
  text_buffer scratch = {0};
  index = lua_absindex(L, index);
  lua_newtable(L);
  bool pure = policy_purity_enforce(L, index, -1, &scratch, why);
  lua_pop(L, 1);
  text_buffer_free(&scratch);

  return pure;
}

static void expect_pure(const char *code) {
  text_buffer why = {0};
  load_policy(code);
  bool pure = enforce(box.L, 2, &why);
  if (!pure) fprintf(stderr, "%s\n  %.*s\n", code, (int)why.size, why.data);
  assert_true(pure);
  assert_int_equal(why.size, 0);
  assert_int_equal(lua_gettop(box.L), 2);
}

static void expect_impure(const char *code, const char *text) {
  text_buffer why = {0};
  load_policy(code);
  assert_false(enforce(box.L, -1, &why));
  text_buffer_byte(&why, '\0');
  assert_string_equal(why.data, text);
  text_buffer_free(&why);
}

#define KEPT                                                                                       \
  " is changed by a function and would live on between decisions; keep it local to decide"

static void pure_policies_pass(void **state) {
  (void)state;
  expect_pure("return function(facts) return 1 end");
  expect_pure("local limit, sizes = 10, {1, 2, {3}}\n"
              "local function small(n) return n < limit end\n"
              "return function(facts) local n = 0 for i, v in ipairs(sizes) do n = n + 1 end\n"
              "return small(n) end");
  /* A variable of decide may be changed by the functions it makes, however deep. */
  expect_pure("return function() local count = 0\n"
              "local function add() count = count + 1 return function() count = count + 1 end end\n"
              "add()() return count end");
  expect_pure("local limit = 3 return function() local sum = limit\n"
              "local function add() sum = sum + limit end add() return sum end");
  /* What only the loading of the file assigns is settled before decide runs. */
  expect_pure("local n = 0 local function add() n = n + 1 end add() add()\n"
              "return function() return n end");
  expect_pure("local function even(n) return n == 0 end\n"
              "local odd odd = even return function() return odd(0) end");
  expect_pure("local type, select = type, select return function() return type(select) end");
  expect_pure("local word = word return function() word(1) return word end");
  expect_pure("local t = {} t.t = t t[t] = t t[1] = function() return t end\n"
              "return function() return t[1] end");
  /* Assigned in the file, after the function was made, but by no function that can run. */
  expect_pure("local late local function decide() return late end late = 5 return decide");
}

static void assigned_variables_are_refused(void **state) {
  (void)state;
  expect_impure("local count = 0\n\nreturn function() count = count + 1 return count end",
                "test.lua:3: 'count'" KEPT);
  expect_impure("local count = 0\nlocal function bump()\ncount = count + 1 end\n"
                "return function() bump() end",
                "test.lua:3: 'count'" KEPT);
  /* Through functions that do not exist yet. */
  expect_impure("local last\nreturn function()\nlocal function f()\nreturn function()\nlast = 1\n"
                "end end f()() end",
                "test.lua:5: 'last'" KEPT);
  /* Through tables, as values and as keys. */
  expect_impure("local n local lib = {deep = {{f = function() n = 1 end}}}\n"
                "return function() lib.deep[1].f() end",
                "test.lua:1: 'n'" KEPT);
  expect_impure("local n local set = {[function() n = 1 end] = true}\n"
                "return function() return set end",
                "test.lua:1: 'n'" KEPT);
  expect_impure("local f f = function() end\nreturn function() function f() end end",
                "test.lua:2: 'f'" KEPT);
  expect_impure("local a, b\nreturn function()\nb = 1\na = 2 end", "test.lua:3: 'b'" KEPT);
  expect_impure("return function() _ENV = {} end", "test.lua:1: '_ENV'" KEPT);
  expect_impure("local x return function() for i = 1, 2 do x = i end end", "test.lua:1: 'x'" KEPT);
}

/* Long functions and lines far apart use the second form of line numbers. */
static void lines_are_right_in_long_functions(void **state) {
  (void)state;
  text_buffer code = {0};
  text_buffer_text(&code, "local kept\nreturn function(f)\n");
  for (int i = 0; i < 300; i++) text_buffer_text(&code, "f[1] = f[2] + f[3] * f[4]\n");
  for (int i = 0; i < 400; i++) text_buffer_byte(&code, '\n');
  text_buffer_text(&code, "f[1] = 2\nkept = 1 end");
  text_buffer_byte(&code, '\0');
  expect_impure(code.data, "test.lua:704: 'kept'" KEPT);
  text_buffer_free(&code);
}

static void iterators_are_refused(void **state) {
  (void)state;
  expect_impure("local step = pairs({a = 1})\nreturn function() return step() end",
                "test.lua:2: 'step' holds an iterator, which would go on in the next decision; "
                "call pairs or gmatch inside decide");
  expect_impure("local t = {step = pairs({a = 1})}\nreturn function() return t.step() end",
                "test.lua:2: 'step' holds an iterator, which would go on in the next decision; "
                "call pairs or gmatch inside decide");
  expect_pure("local step = ipairs({1}) return function() return step({1}, 0) end");
}

static void reached_tables_are_frozen(void **state) {
  (void)state;
  static const char *const writes[] = {
      "local seen = {} return function() seen.x = 1 end",
      "local lib = {seen = {}} local function f() lib.seen.x = 1 end return function() f() end",
      "local seen = {} local function f() return seen end return function() f().x = 1 end",
      "local a = {} local b = {a = a} return function() local x = b.a x.x = 1 end",
  };
  static const char *const errors[] = {
      "test.lua:1: seen is read-only: 'x' cannot be set",
      "test.lua:1: lib.seen is read-only: 'x' cannot be set",
      "test.lua:1: seen is read-only: 'x' cannot be set",
      "test.lua:1: b.a is read-only: 'x' cannot be set",
  };
  for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
    expect_pure(writes[i]);
    sandbox_budget_start(box.L);
    assert_int_equal(lua_pcall(box.L, 0, 0, 0), LUA_ERRRUN);
    assert_string_equal(lua_tostring(box.L, -1), errors[i]);
  }
}

/* A helper that two policies share is checked for each of them. */
static void every_policy_is_checked(void **state) {
  (void)state;
  static const char code[] = "local n local function f() n = 1 end\n"
                             "local function a() f() end local function b() f() end return a, b";
  text_buffer why = {0};
  lua_State *L = box.L;
  assert_int_equal(luaL_loadbufferx(L, code, strlen(code), "@test.lua", "t"), LUA_OK);
  lua_pushvalue(L, 1);
  lua_setupvalue(L, -2, 1);
  lua_call(L, 0, 2);
  assert_false(enforce(L, 2, &why));
  assert_false(enforce(L, 3, &why));
  text_buffer_free(&why);
}

static void deep_structures_are_walked(void **state) {
  (void)state;
  expect_pure("local list for i = 1, 5000 do list = {list} end return function() return list end");
  expect_pure("local f = function() end for i = 1, 2000 do local g = f f = function() g() end end\n"
              "return f");
  expect_impure("local n local f = function() n = 1 end\n"
                "for i = 1, 2000 do local g = f f = function() g() end end\nreturn f",
                "test.lua:1: 'n'" KEPT);
}

static void constants_of_every_kind_are_read(void **state) {
  (void)state;
  expect_impure("local a, b, c\nlocal long = 'a string of more than forty bytes, which is long'\n"
                "return function(...)\nlocal t = {nil, true, false, 1, 2.5, 1e300, 123456789012, "
                "'short', 'another string that has more than forty bytes in it', ...}\n"
                "a = t[1] == nil or t[2] == true or t[3] == 'x' end",
                "test.lua:5: 'a'" KEPT);
}

static void a_c_function_has_no_dump(void **state) {
  (void)state;
  closure_writes writes;
  text_buffer scratch = {0};
  lua_pushcfunction(box.L, sandbox_open_base);
  assert_false(closure_writes_find(box.L, -1, &scratch, &writes));
  text_buffer_free(&scratch);
}

int main(void) {
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_box, close_box)
  const struct CMUnitTest tests[] = {
      CASE(pure_policies_pass),
      CASE(assigned_variables_are_refused),
      CASE(lines_are_right_in_long_functions),
      CASE(iterators_are_refused),
      CASE(reached_tables_are_frozen),
      CASE(every_policy_is_checked),
      CASE(deep_structures_are_walked),
      CASE(constants_of_every_kind_are_read),
      CASE(a_c_function_has_no_dump),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
