/* Frozen tables: every holder sees the same contents and cannot change them. */
#include "sandbox/freeze.h"

#include "support/sandbox_fixture.h"

static sandbox box;

/* t is frozen as `limits`; plain holds the same inner table as t.inner. */
static int open_box(void **state) {
  (void)state;
  sandbox_open(&box, 1000000, 16777216);
  sandbox_add_libraries(&box);
  lua_State *L = box.L;
  assert_int_equal(sandbox_run(&box, "local inner = {x = 1, list = {7, 8, 9}}\n"
                                     "t = {10, 20, 30, a = 'A', inner = inner, [2.5] = {}}\n"
                                     "t.self = t plain = {inner = inner}"),
                   LUA_OK);
  lua_getfield(L, 1, "t");
  sandbox_freeze_table(L, -1, "limits");
  lua_settop(L, 1);

  return 0;
}

static int close_box(void **state) {
  (void)state;
  sandbox_close(&box);
  return 0;
}

static void reading_is_as_before(void **state) {
  (void)state;
  sandbox_expect(&box, "return t[1] + t[3] + #t + t.inner.x .. t.a .. tostring(t.missing)",
                 "44Anil");
  sandbox_expect(&box, "local s = '' for i, v in ipairs(t) do s = s .. i .. v end return s",
                 "110220330");
  sandbox_expect(&box,
                 "local s = '' for k, v in pairs(t) do s = s .. tostring(k) .. ';' end "
                 "return s .. #t.inner.list",
                 "1;2;3;2.5;a;inner;self;3");
  sandbox_expect(&box, "return tostring(next(t)) .. next(t, 3) .. tostring((next(t, 'self')))",
                 "12.5nil");
  sandbox_expect(&box, "return tostring(t.self == t) .. tostring(plain.inner == t.inner)",
                 "truetrue");
}

static void libraries_read_frozen_tables(void **state) {
  (void)state;
  sandbox_expect(&box, "return table.concat(t, ',') .. select('#', table.unpack(t))", "10,20,303");
  sandbox_expect(&box,
                 "local copy = table.move(t, 1, 3, 1, {}) table.sort(copy, function(a, b) "
                 "return a > b end) return table.concat(copy, ',')",
                 "30,20,10");
}

static void libraries_do_not_write_frozen_tables(void **state) {
  (void)state;
  static const char *const codes[] = {
      "table.insert(t, 1)", "table.insert(t, 1, 5)", "table.remove(t)",
      "table.sort(t, function(a, b) return a > b end)", "table.move({9}, 1, 1, 1, t)"};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    assert_int_equal(sandbox_run(&box, codes[i]), LUA_ERRRUN);
    assert_non_null(strstr(lua_tostring(box.L, -1), "limits is read-only: '"));
    sandbox_expect(&box, "return #t .. t[1] .. t[2] .. t[3]", "3102030");
  }
}

static void writing_is_refused(void **state) {
  (void)state;
  sandbox_expect_error(&box, "\nt.a = 1", "test.lua:2: limits is read-only: 'a' cannot be set");
  sandbox_expect_error(&box, "t.new = 1", "test.lua:1: limits is read-only: 'new' cannot be set");
  sandbox_expect_error(&box, "t[1] = nil", "test.lua:1: limits is read-only: '1' cannot be set");
  sandbox_expect_error(&box, "t[true] = 1",
                       "test.lua:1: limits is read-only: a boolean key cannot be set");
  sandbox_expect_error(&box, "t.inner.x = 2",
                       "test.lua:1: limits.inner is read-only: 'x' cannot be set");
  sandbox_expect_error(&box, "t.inner.list[4] = 2",
                       "test.lua:1: limits.inner.list is read-only: '4' cannot be set");
  sandbox_expect_error(&box, "plain.inner.x = 2",
                       "test.lua:1: limits.inner is read-only: 'x' cannot be set");
  sandbox_expect_error(&box, "t[2.5].x = 2",
                       "test.lua:1: limits[...] is read-only: 'x' cannot be set");
  sandbox_expect(&box, "plain.other = 1 return 'plain is not frozen'", "plain is not frozen");
}

static void deep_and_wide_tables_freeze(void **state) {
  (void)state;
  lua_State *L = box.L;
  assert_int_equal(sandbox_run(&box, "deep = {} local d = deep\n"
                                     "for i = 1, 3000 do d.d = {} d = d.d end"),
                   LUA_OK);
  lua_settop(L, 1);
  lua_getfield(L, 1, "deep");
  sandbox_freeze_table(L, -1, "deep");
  assert_int_equal(lua_gettop(L), 2);
  sandbox_expect(&box,
                 "local d, n = deep, 0 while d.d do d, n = d.d, n + 1 end\n"
                 "local ok, e = pcall(function() d.x = 1 end)\n"
                 "return n .. tostring(ok)",
                 "3000false");
}

static void freezing_twice_changes_nothing(void **state) {
  (void)state;
  lua_State *L = box.L;
  lua_getfield(L, 1, "t");
  sandbox_freeze_table(L, -1, "again");
  sandbox_expect_error(&box, "t.a = 1", "test.lua:1: limits is read-only: 'a' cannot be set");
}

/* A guarded table may be changed, and Lua tells of it, however that is done. */
static void changes_of_guarded_tables_are_told(void **state) {
  (void)state;
  static const char *const changes[] = {
      "given.a = 2",
      "given.a = nil",
      "given.new = 1",
      "given[2] = 9",
      "given[4] = 9",
      "local k = 'a' given[k] = 3",
      "local i = 1 given[i] = 3",
      "local g = given local function f() g.a = 3 end f()",
      "table.insert(given, 1)",
      "table.remove(given)",
      "table.sort(given, function(a, b) return a > b end)",
      "table.move({5}, 1, 1, 1, given)",
  };
  lua_State *L = box.L;
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    assert_int_equal(sandbox_run(&box, "given = {7, 8, 9, a = 'A', inner = {}}"), LUA_OK);
    lua_getfield(L, 1, "given");
    lua_guard(L, -1);
    assert_int_equal(sandbox_run(&box, "given.inner.x = given.a .. #given .. given[3]"), LUA_OK);
    assert_false(lua_trespassed(L));
    assert_int_equal(sandbox_run(&box, changes[i]), LUA_OK);
    if (!lua_trespassed(L)) fail_msg("nothing is told of: %s", changes[i]);
    lua_forgive(L);
  }

  sandbox_expect(&box, "given.a = 'B' return given.a .. given[1]", "B5");
  lua_settop(L, 1);
  lua_getfield(L, 1, "given");
  lua_forgive(L);
  lua_newtable(L);
  lua_setmetatable(L, -2);
  assert_true(lua_trespassed(L));
  lua_forgive(L);
  lua_pushinteger(L, 1);
  lua_rawseti(L, -2, 1);
  assert_false(lua_trespassed(L)); /* the host's own */
}

int main(void) {
#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, open_box, close_box)
  const struct CMUnitTest tests[] = {
      CASE(reading_is_as_before),
      CASE(libraries_read_frozen_tables),
      CASE(libraries_do_not_write_frozen_tables),
      CASE(writing_is_refused),
      CASE(deep_and_wide_tables_freeze),
      CASE(freezing_twice_changes_nothing),
      CASE(changes_of_guarded_tables_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
