/* The basic functions: Lua's behaviour where a policy can rely on it, one order of keys, no
 * addresses. */
#include "support/sandbox_fixture.h"

static sandbox box;

static int open_box(void **state) {
  (void)state;
  sandbox_open(&box, 1000000, 16777216);
  return 0;
}

static int close_box(void **state) {
  (void)state;
  sandbox_close(&box);
  return 0;
}

static void expect(const char *code, const char *text) {
  sandbox_expect(&box, code, text);
}

static void expect_error(const char *code, const char *text) {
  sandbox_expect_error(&box, code, text);
}

#define LIST(T) "local s = '' for k, v in pairs(" T ") do s = s .. tostring(k) .. ';' end return s"

static void pairs_has_one_order(void **state) {
  (void)state;
  expect(LIST("{10, 20, 30}"), "1;2;3;");
  expect(LIST("{}"), "");
  expect(LIST("{b = 1, a = 1, [2.5] = 1, [-1] = 1, [false] = 1, [true] = 1, B = 1, [''] = 1, 9}"),
         "-1;1;2.5;;B;a;b;false;true;");
  expect("local s = '' for k in pairs{['a\\0b'] = 1, a = 1, ['a\\0'] = 1, ['\\xff'] = 1, z = 1} do "
         "s = s .. #k .. (k == '\\xff' and '!' or '') end return s",
         "12311!");
  expect(LIST("{[-1/0] = 1, [1/0] = 1, [1e300] = 1, [3] = 1}"), "3;-inf;1e+300;inf;");
  expect("local a, b = {}, {} for i = 1, 99 do a['k' .. i] = i b['k' .. 100 - i] = 100 - i end\n"
         "local x, y = '', '' for k, v in pairs(a) do x = x .. k .. v end\n"
         "for k, v in pairs(b) do y = y .. k .. v end return tostring(x == y and #x)",
         "477");
}

static void pairs_allows_removal(void **state) {
  (void)state;
  expect("local t, s = {a = 1, b = 2, c = 3, d = 4}, ''\n"
         "for k in pairs(t) do s = s .. k t[k] = nil t.b = nil end return s",
         "acd");
  expect("local t, s = {a = 1}, '' for k in pairs(t) do s = s .. k t[k .. 'x'] = 1 end return s",
         "a");
  expect("local f, t = pairs({}) return tostring(f(t)) .. tostring(f(t))", "nilnil");
}

static void next_has_the_same_order(void **state) {
  (void)state;
  expect("local t, s = {b = 1, a = 2, 7, 8, [0.5] = 3, [true] = 4}, '' local k, v = next(t)\n"
         "while k ~= nil do s = s .. tostring(k) .. '=' .. v .. ';' k, v = next(t, k) end return s",
         "1=7;2=8;0.5=3;a=2;b=1;true=4;");
  expect("return tostring(next({}))", "nil");
  expect("return next({a = 1}, '')", "a");
}

static void keys_without_order_are_refused(void **state) {
  (void)state;
  expect_error("for k in pairs({[{}] = 1}) do end",
               "test.lua:1: cannot traverse a table with a table as a key: it has no fixed place "
               "in the order");
  expect_error("local t = {[{}] = 1}\nnext(t)",
               "test.lua:2: cannot traverse a table with a table as a key: it has no fixed place "
               "in the order");
  expect_error("for k in pairs({[pairs] = 1, a = 1}) do end",
               "test.lua:1: cannot traverse a table with a function as a key: it has no fixed "
               "place in the order");
}

/* Compares with the obvious answer: each key once, ascending. */
static void large_tables_sort(void **state) {
  (void)state;
  expect("local t, x = {}, 1 for i = 1, 4098 do x = x * 2 % 4099 t['k' .. 100000 + x] = x end\n"
         "local last, count = '', 0\n"
         "for k, v in pairs(t) do assert(k > last and k == 'k' .. 100000 + v) last = k "
         "count = count + 1 end return tostring(count)",
         "4098");
}

/* Few keys are sorted in another place than many. */
static void every_size_sorts(void **state) {
  (void)state;
  expect(
      "for n = 0, 70 do local t = {} for i = n, 1, -1 do t[i % 2 == 0 and i or 'k' .. 100 + i] = i "
      "end\n"
      "local last, count = -1, 0 for k, v in pairs(t) do\n"
      "if type(k) == 'number' then assert(type(last) == 'number') end\n"
      "assert(type(last) ~= type(k) or k > last) last = k count = count + 1 end\n"
      "assert(count == n) end return 'sorted'",
      "sorted");
}

static void tostring_shows_no_address(void **state) {
  (void)state;
  expect("return tostring({}) .. tostring(pairs) .. tostring(function() end)",
         "tablefunctionfunction");
  expect("return tostring(nil) .. tostring(true) .. tostring('x')", "niltruex");
  expect("return tostring(3) .. ' ' .. tostring(3.0) .. ' ' .. tostring(0.1) .. ' ' .. "
         "tostring(1e100) .. ' ' .. tostring(2^53)",
         "3 3.0 0.1 1e+100 9.007199254741e+15");
  expect("return tostring(0/0) .. tostring(-(0/0)) .. tostring(1/0) .. tostring(-1/0)",
         "nannaninf-inf");
  expect("local x = 5 tostring(x) return type(x)", "number");
}

static void tonumber_reads_as_lua(void **state) {
  (void)state;
  expect("local s = '' for _, v in ipairs{'10', ' 0x10 ', '1e1', '', '1 2', 'x', '0x', '1\\0'} do "
         "s = s .. tostring(tonumber(v)) .. ';' end return s",
         "10;16;10.0;nil;nil;nil;nil;nil;");
  expect("return tostring(tonumber('ff', 16)) .. tostring(tonumber(' -Zz ', 36)) .. "
         "tostring(tonumber('12', 2)) .. tostring(tonumber('', 10)) .. tostring(tonumber('-', 10))",
         "255-1295nilnilnil");
  expect("return tostring(tonumber(nil)) .. tostring(tonumber({})) .. tostring(tonumber(1.5))",
         "nilnil1.5");
  expect_error("tonumber('1', 99)",
               "test.lua:1: bad argument #2 to 'tonumber' (base out of range)");
  expect_error("tonumber()", "test.lua:1: bad argument #1 to 'tonumber' (value expected)");
}

static void select_and_ipairs_read_as_lua(void **state) {
  (void)state;
  expect("return select('#', nil, nil) .. select(2, 'a', 'b') .. select(-1, 'a', 'c')", "2bc");
  expect_error("select(0)", "test.lua:1: bad argument #1 to 'select' (index out of range)");
  expect("local s = '' for i, v in ipairs({'a', 'b', nil, 'd'}) do s = s .. i .. v end return s",
         "1a2b");
  expect("return tostring((select(9, 1))) .. type(type)", "nilfunction");
}

static void errors_carry_their_place(void **state) {
  (void)state;
  expect_error("\nerror('wrong')", "test.lua:2: wrong");
  expect_error("error('wrong', 0)", "wrong");
  expect_error("local function f() error('deep', 2) end\n\nf()", "test.lua:3: deep");
  expect_error("assert(false)", "assertion failed!");
  expect_error("assert(nil, 'my text')", "my text");
  expect("return select('#', assert(1, 2, 3)) .. ''", "3");
  expect("local ok, e = pcall(error, {code = 7}) return tostring(ok) .. e.code", "false7");
  expect("local ok, e = pcall(error) return tostring(ok) .. tostring(e)", "falsenil");
  expect("return tostring(select('#', pcall(function() return 1, 2 end)))", "3");
}

static int metamethod_asked(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "asked");
  return luaL_error(L, "asked");
}

/* An error value that would rather be asked for its text is not. */
static void error_values_are_never_asked(void **state) {
  (void)state;
  lua_State *L = box.L;
  lua_newtable(L);
  lua_newtable(L);
  lua_pushcfunction(L, metamethod_asked);
  lua_setfield(L, -2, "__tostring");
  lua_setmetatable(L, -2);
  lua_setfield(L, 1, "poison");
  assert_int_equal(sandbox_run(&box, "error(poison)"), LUA_ERRRUN);
  assert_int_equal(lua_type(L, -1), LUA_TTABLE);
  expect("local ok, e = pcall(error, poison) return tostring(e)", "table");
  assert_int_equal(lua_getfield(L, LUA_REGISTRYINDEX, "asked"), LUA_TNIL);
}

static int emit_pair(lua_State *L) {
  static const char *const names[] = {"x", "y", NULL};
  int i = lua_isnil(L, 2) ? 0 : strcmp(lua_tostring(L, 2), "x") == 0 ? 1 : 2;
  lua_pushstring(L, names[i]);
  lua_pushinteger(L, i);

  return 2;
}

static int emit_pairs(lua_State *L) {
  lua_pushcfunction(L, emit_pair);
  lua_pushvalue(L, 1);
  return 2;
}

/* A host's lazy table names its own iterator. */
static void host_tables_are_honoured(void **state) {
  (void)state;
  lua_State *L = box.L;
  lua_newtable(L);
  lua_newtable(L);
  lua_pushcfunction(L, emit_pairs);
  lua_setfield(L, -2, "__pairs");
  lua_setmetatable(L, -2);
  lua_setfield(L, 1, "lazy");
  expect(LIST("lazy"), "x;y;");
  expect("return next(lazy) .. next(lazy, 'x') .. tostring((next(lazy, 'y')))", "xynil");
}

int main(void) {
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_box, close_box)
  const struct CMUnitTest tests[] = {
      CASE(pairs_has_one_order),
      CASE(pairs_allows_removal),
      CASE(next_has_the_same_order),
      CASE(keys_without_order_are_refused),
      CASE(large_tables_sort),
      CASE(every_size_sorts),
      CASE(tostring_shows_no_address),
      CASE(tonumber_reads_as_lua),
      CASE(select_and_ipairs_read_as_lua),
      CASE(errors_carry_their_place),
      CASE(error_values_are_never_asked),
      CASE(host_tables_are_honoured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
