/* Time and memory of a decision: what cannot be escaped, what is counted, what is reported. */
#include "support/sandbox_fixture.h"

#include <time.h>

enum { LIMIT = 10000, MEMORY = 4194304 };

#if defined(WEIR_GC_STRESS) || defined(__SANITIZE_ADDRESS__)
#define SLOW_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOW_BUILD 1
#endif
#endif
#ifndef SLOW_BUILD
#define SLOW_BUILD 0
#endif

static const char SPENT[] = "test.lua:1: instruction budget of 10000 spent";

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs code that must spend the instructions, then a decision that must not notice. */
static void expect_stopped(const char *code) {
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  assert_int_not_equal(sandbox_run(&box, code), LUA_OK);
  assert_true(sandbox_budget_is_spent(box.L));
  assert_true(box.budget.instructions_spent);
  assert_in_range(box.budget.instructions_used, LIMIT + 1, LIMIT + LIMIT / 10);
  assert_string_equal(sandbox_budget_reason(box.L), SPENT);
  sandbox_expect(&box, "local n = 0 for i = 1, 100 do n = n + i end return tostring(n)", "5050");
  assert_string_equal(sandbox_budget_reason(box.L), "");
  sandbox_close(&box);
}

static void loops_end(void **state) {
  (void)state;
  expect_stopped("while true do end");
  expect_stopped("for i = 1, 1e15 do end");
  expect_stopped("local function f() return f() end return f()");
  expect_stopped("::again:: goto again");
}

static void pcall_wins_no_time(void **state) {
  (void)state;
  expect_stopped("while true do pcall(function() while true do end end) end");
  expect_stopped("local function f() pcall(f) while true do end end f()");
  expect_stopped("while true do pcall(pcall, pcall, error) end");
  expect_stopped("local function f() local ok, e = pcall(f) while true do f() end end f()");
}

/* No instruction follows the pcall that could raise again: pcall itself must. */
static int charge_everything(lua_State *L) {
  sandbox_charge(L, SIZE_MAX);
  return 0;
}

static void a_last_pcall_wins_nothing(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  lua_pushcfunction(box.L, charge_everything);
  lua_setfield(box.L, 1, "charge");
  sandbox_expect_error(&box, "return pcall(charge)", SPENT);
  sandbox_expect_error(&box, "return pcall(pcall, charge)", SPENT);
  sandbox_close(&box);
}

static void the_limit_is_exact(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT + 37, MEMORY);
  assert_int_not_equal(sandbox_run(&box, "while true do end"), LUA_OK);
  assert_int_equal(box.budget.instructions_used, LIMIT + 38);
  sandbox_close(&box);
}

/* Handlers, coroutines and finalizers are threats that cannot be made at all. */
static void escapes_are_absent(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  sandbox_expect(&box,
                 "return tostring(xpcall) .. tostring(coroutine) .. tostring(debug)"
                 ".. tostring(setmetatable) .. tostring(load) .. tostring(collectgarbage)",
                 "nilnilnilnilnilnil");
  sandbox_expect_error(&box, "local x <close> = {}",
                       "test.lua:1: variable 'x' got a non-closable value");
  sandbox_close(&box);
}

/* The count is the same in every state, after any earlier decision, in every run. */
static void count_is_deterministic(void **state) {
  (void)state;
  static const char code[] =
      "local t = {} for i = 1, 500 do t['k' .. i % 37] = {i} end\n"
      "local n = 0 for k, v in pairs(t) do n = n + v[1] end return tostring(n)";
  int64_t first = 0;
  for (int run = 0; run < SANDBOX_ROUNDS(20); run++) {
    sandbox box;
    sandbox_open(&box, 200000, MEMORY);
    for (int decision = 0; decision < 5; decision++) {
      sandbox_expect(&box, code, "17834");
      if (first == 0) first = box.budget.instructions_used;
      assert_int_equal(box.budget.instructions_used, first);
    }
    sandbox_run(&box,
                "local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end f(4000)");
    sandbox_expect(&box, code, "17834");
    assert_int_equal(box.budget.instructions_used, first);
    sandbox_close(&box);
  }
  assert_in_range(first, 3000, 10000);
}

static void c_work_is_charged(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  assert_int_equal(sandbox_run(&box, "local t = {} for i = 1, 200 do t[i] = i end"), LUA_OK);
  int64_t filled = box.budget.instructions_used;
  sandbox_run(&box, "local t = {} for i = 1, 200 do t[i] = i end pairs(t)");
  assert_in_range(box.budget.instructions_used, filled + 200, filled + 400);
  sandbox_close(&box);
}

static void an_enormous_charge_does_not_wrap(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  lua_pushcfunction(box.L, charge_everything);
  lua_setfield(box.L, 1, "charge");
  sandbox_expect_error(&box, "pcall(charge) pcall(charge) return 1", SPENT);
  sandbox_close(&box);
}

/* One VM instruction may copy a megabyte or rehash a table: those are charged by their size. */
static void dear_instructions_end_soon(void **state) {
  (void)state;
  static const char *const scripts[] = {
      "local s = 'x' for i = 1, 19 do s = s .. s end for i = 1, 1e9 do local t = s .. 'y' end",
      "local t = {} for i = 1, 1024 do t['k' .. i] = i end\n"
      "for i = 1, 1e9 do t['k' .. i] = nil t['k' .. i + 1024] = i end",
      "local t = {} for i = 1, 16384 do t[i] = i end\n"
      "t.a = 1 for i = 1, 1e9 do t.a = nil t.b = 1 t.b = nil t.a = 1 end",
      "local t = {} for i = 1, 9000 do t[i .. ''] = i end for k in pairs(t) do t[k] = nil end\n"
      "while next(t) == nil do end",
  };
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
    sandbox box;
    sandbox_open(&box, SANDBOX_ROUNDS(200000), MEMORY);
    double start = seconds();
    assert_int_not_equal(sandbox_run(&box, scripts[i]), LUA_OK);
    double took = seconds() - start;
    assert_true(box.budget.instructions_spent);
    if (!SLOW_BUILD) assert_true(took < 0.5);
    sandbox_close(&box);
  }
}

/* Runs code that must spend the memory, then a decision that must not notice. */
static void expect_full(const char *code, const char *reason) {
  sandbox box;
  sandbox_open(&box, 2000000, MEMORY);
  assert_int_not_equal(sandbox_run(&box, code), LUA_OK);
  assert_true(sandbox_budget_is_spent(box.L));
  assert_true(box.budget.memory_spent);
  assert_true(box.budget.memory_peak <= MEMORY);
  assert_string_equal(sandbox_budget_reason(box.L), reason);
  sandbox_expect(&box, "local s = 'x' for i = 1, 16 do s = s .. s end return tostring(#s)",
                 "65536");
  sandbox_close(&box);
}

static void memory_is_capped(void **state) {
  (void)state;
  static const char here[] = "test.lua:1: memory budget of 4194304 bytes spent";
  static const char somewhere[] = "memory budget of 4194304 bytes spent";
  expect_full("local s = 'x' while true do s = s .. s end", here);
  expect_full("local s = 'x' while true do pcall(function() while true do s = s .. s end end) end",
              here);
  expect_full("local t for i = 1, 1e9 do t = {t} end", here);
  /* The stack and a table's array grow where the place cannot be read. */
  expect_full("local function f(n) return 1 + f(n + 1) end return f(1)", somewhere);
  expect_full("local t = {} for i = 1, 1e9 do t[i] = i end", somewhere);
}

/* Garbage is not held against a decision, its own or an earlier one's. */
static void garbage_is_not_counted(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, 2000000, 262144);
  for (int decision = 0; decision < SANDBOX_ROUNDS(20); decision++)
    sandbox_expect(&box,
                   "local n = 0 for i = 1, 60 do local s = 'x' for j = 1, 14 do s = s .. s end "
                   "n = n + #s end return tostring(n)",
                   "983040");
  sandbox_close(&box);
}

/* Near its limit every allocation would collect everything: that ends as a spent budget. */
static void living_at_the_limit_is_bounded(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, 1000000000, 1048576);
  double start = seconds();
  int status = sandbox_run(&box, "local keep, s = {}, 'x' for i = 1, 15 do s = s .. s end\n"
                                 "for i = 1, 28 do keep[i] = s .. i end\n"
                                 "for i = 1, 1e9 do local t = {{}, {}, {}, s .. i} end");
  assert_int_not_equal(status, LUA_OK);
  double took = seconds() - start;
  if (!SLOW_BUILD) assert_true(took < 0.5);
  assert_true(sandbox_budget_is_spent(box.L));
  sandbox_close(&box);
}

/* A luaL_Buffer asks the allocator once and raises an ordinary error: it must stick all the same.
 */
static int build_large(lua_State *L) {
  luaL_Buffer text;
  luaL_buffinitsize(L, &text, 2 * MEMORY);
  luaL_pushresultsize(&text, 0);
  return 1;
}

static int make_room(lua_State *L) {
  lua_pushstring(L, sandbox_make_room(L, (size_t)luaL_checkinteger(L, 1)) ? "fits" : "too large");
  return 1;
}

static void buffers_are_capped(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, 2000000, MEMORY);
  lua_pushcfunction(box.L, build_large);
  lua_setfield(box.L, 1, "build");
  lua_pushcfunction(box.L, make_room);
  lua_setfield(box.L, 1, "room");
  assert_int_not_equal(sandbox_run(&box, "pcall(build) return 'caught'"), LUA_OK);
  assert_true(box.budget.memory_spent);
  sandbox_expect(&box, "return room(5000000)", "too large");
  sandbox_expect(&box, "return room(1000000)", "fits");
  sandbox_expect(&box, "local s = 'x' for i = 1, 20 do s = s .. s end s = nil return room(4000000)",
                 "fits");
  sandbox_expect(&box, "local s = 'x' for i = 1, 20 do s = s .. s end return room(4000000), s",
                 "too large");
  sandbox_expect_error(&box,
                       "local s = 'x' for i = 1, 20 do s = s .. s end\n"
                       "for i = 1, 100 do pcall(room, 4000000) end return s",
                       "test.lua:2: memory budget of 4194304 bytes spent");
  sandbox_close(&box);
}

static void text_chunks_only(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  static const char *const chunks[] = {"\x1bLua", "\x1b", "\x1bLuaT"};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(sandbox_run(&box, chunks[i]), LUA_ERRSYNTAX);
    assert_non_null(strstr(lua_tostring(box.L, -1), "attempt to load a binary chunk"));
  }
  /* After a byte order mark or a `#!` line it is no Lua at all. */
  assert_int_equal(sandbox_run(&box, "\xef\xbb\xbf\x1bLua"), LUA_ERRSYNTAX);
  assert_int_equal(sandbox_run(&box, "#!/bin/lua\n\x1bLua"), LUA_ERRSYNTAX);
  sandbox_close(&box);
}

/* The cost of arming the budget, paid by every decision. */
static void starting_is_cheap(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  double start = seconds();
  for (int i = 0; i < 1000000; i++) sandbox_budget_start(box.L);
  double nanoseconds = (seconds() - start) * 1e3;
  print_message("sandbox_budget_start: %.1f ns\n", nanoseconds);
  if (!SLOW_BUILD) assert_true(nanoseconds < 100);
  sandbox_close(&box);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loops_end),
      cmocka_unit_test(pcall_wins_no_time),
      cmocka_unit_test(a_last_pcall_wins_nothing),
      cmocka_unit_test(the_limit_is_exact),
      cmocka_unit_test(escapes_are_absent),
      cmocka_unit_test(count_is_deterministic),
      cmocka_unit_test(c_work_is_charged),
      cmocka_unit_test(an_enormous_charge_does_not_wrap),
      cmocka_unit_test(dear_instructions_end_soon),
      cmocka_unit_test(memory_is_capped),
      cmocka_unit_test(garbage_is_not_counted),
      cmocka_unit_test(living_at_the_limit_is_bounded),
      cmocka_unit_test(buffers_are_capped),
      cmocka_unit_test(text_chunks_only),
      cmocka_unit_test(starting_is_cheap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
