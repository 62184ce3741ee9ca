/* Time and memory of a decision: what cannot be escaped, what is counted, what is reported. */
#include "support/sandbox_fixture.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

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
  assert_in_range(sandbox_budget_instructions(&box.budget), LIMIT + 1, LIMIT + LIMIT / 10);
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
  expect_stopped("local function f(...) return f(1, ...) end f()");
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
  assert_int_equal(sandbox_budget_instructions(&box.budget), LIMIT + 38);
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
      if (first == 0) first = sandbox_budget_instructions(&box.budget);
      assert_int_equal(sandbox_budget_instructions(&box.budget), first);
    }
    sandbox_run(&box,
                "local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end f(4000)");
    sandbox_expect(&box, code, "17834");
    assert_int_equal(sandbox_budget_instructions(&box.budget), first);
    sandbox_close(&box);
  }
  assert_in_range(first, 3000, 10000);
}

static void c_work_is_charged(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  assert_int_equal(sandbox_run(&box, "local t = {} for i = 1, 200 do t[i] = i end"), LUA_OK);
  int64_t filled = sandbox_budget_instructions(&box.budget);
  sandbox_run(&box, "local t = {} for i = 1, 200 do t[i] = i end pairs(t)");
  assert_in_range(sandbox_budget_instructions(&box.budget), filled + 200, filled + 400);
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
    assert_true(box.budget.instructions_spent || box.budget.memory_spent);
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
  assert_true(sandbox_budget_bytes(&box.budget) > MEMORY);
  assert_string_equal(sandbox_budget_reason(box.L), reason);
  sandbox_expect(&box, "local s = 'x' for i = 1, 16 do s = s .. s end return tostring(#s)",
                 "65536");
  sandbox_close(&box);
}

static void memory_is_capped(void **state) {
  (void)state;
  static const char here[] = "test.lua:1: memory budget of 4194304 bytes spent";
  expect_full("local s = 'x' while true do s = s .. s end", here);
  expect_full("local s = 'x' while true do pcall(function() while true do s = s .. s end end) end",
              here);
  expect_full("local t for i = 1, 1e9 do t = {t} end", here);
  expect_full("local t = {} for i = 1, 1e9 do t[i] = i end", here);
  expect_full("local t = {} for i = 1, 1e9 do t['k' .. i] = i end", here);
  expect_full("local function f(n) return 1 + f(n + 1) end return f(1)", here);
  expect_full("local t for i = 1, 1e9 do t = {} end", here); /* garbage counts */
}

/* What a policy could make of a limit that is passed: nothing. */
static void over_the_limit_nothing_is_caught(void **state) {
  (void)state;
  static const char *const attempts[] = {
      "local s = 'x' return assert(pcall(function() while true do s = s .. s end end))",
      "local s = 'x' return pcall(pcall, function() while true do s = s .. s end end)",
      "local s = 'x' pcall(function() while true do s = s .. s end end) return 'caught'",
      ("local s = 'x' local ok = pcall(function() while true do s = s .. s end end) if not ok then "
       "return 'caught' end"),
      "local function grow(n) return 1 + grow(n + 1) end pcall(grow, 1) return 'caught'",
      "local t = {} return select('#', pcall(function() while true do t[#t + 1] = {} end end))",
  };
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
    expect_full(attempts[i], "test.lua:1: memory budget of 4194304 bytes spent");
}

/* A sandbox on the arena. */
static void open_on_arena(sandbox *box) {
  *box = (sandbox){.budget = {.instruction_limit = 2000000,
                              .memory_limit = MEMORY,
                              .blocks = lua_allocator_new()}};
  box->L = script_seed_new_state(sandbox_budget_allocate, &box->budget, SCRIPT_SEED_FIXED);
  assert_non_null(box->L);
  lua_allocator_release(box->budget.blocks);
  sandbox_budget_attach(box->L, &box->budget);
  sandbox_open_base(box->L);
  sandbox_add_libraries(box);
}

/* Pages of memory that this process has. */
static size_t pages_mapped(void) {
  size_t pages = 0;
  FILE *statm = fopen("/proc/self/statm", "r");
  assert_non_null(statm);
  assert_int_equal(fscanf(statm, "%zu", &pages), 1);
  fclose(statm);
  return pages;
}

/* Runs code while the system gives no more than the process has. */
static int run_without_memory(sandbox *box, const char *code) {
  struct rlimit before, tight;
  assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
  tight.rlim_cur = pages_mapped() * (size_t)sysconf(_SC_PAGESIZE);
  tight.rlim_max = before.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
  int status = sandbox_run(box, code);
  assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
  return status;
}

/* The system has no more memory: a mark of its own, which a policy cannot catch, and no budget. */
static void the_systems_shortage_is_told_apart(void **state) {
  (void)state;
#ifdef WEIR_PLAIN_BLOCKS
  skip(); /* the sanitizer's malloc ends the program */
#endif
  static const char *const attempts[] = {
      "pcall(string.rep, 'x', 1000000) return 'caught'",
      "local s = 'x' pcall(function() for i = 1, 20 do s = s .. s end end) return 'caught'",
      "local t = {} pcall(function() for i = 1, 50000 do t[i] = i end end) return 'caught'",
      "local t = {} pcall(function() for i = 1, 50000 do t[i] = {} end end) return 'caught'",
      "local function f(n) return 1 + f(n + 1) end pcall(f, 1) return 'caught'",
  };
  sandbox box;
  open_on_arena(&box);
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
    assert_int_not_equal(run_without_memory(&box, attempts[i]), LUA_OK);
    assert_true(box.budget.starved);
    assert_true(sandbox_budget_is_spent(box.L));
    assert_false(box.budget.memory_spent || box.budget.instructions_spent);
    assert_string_equal(sandbox_budget_reason(box.L), "");
    sandbox_expect(&box, "return 'next'", "next");
    assert_false(box.budget.starved);
  }
  sandbox_close(&box);
}

/* Garbage of earlier decisions makes room before the system's refusal is final. */
static void garbage_makes_room_when_the_system_refuses(void **state) {
  (void)state;
#ifdef WEIR_PLAIN_BLOCKS
  skip();
#endif
  sandbox box;
  open_on_arena(&box);
  sandbox_expect(&box, "local t for i = 1, 20000 do t = {t} end return 'full'", "full");
  assert_int_equal(
      run_without_memory(&box, "local t for i = 1, 15000 do t = {t} end return 'fits'"), LUA_OK);
  assert_false(box.budget.starved);
  sandbox_close(&box);
}

/* What a state holds, whatever was decided before: at most twice what the set and one decision's
 * memory come to. */
static void a_state_holds_at_most_twice_its_cap(void **state) {
  (void)state;
  sandbox box;
  open_on_arena(&box);
  size_t set = box.budget.memory_used, most = 0;
  for (int size = 1; size < 1000000; size += 1 + size / 4)
    for (int round = 0; round < 3; round++) {
      char code[200];
      snprintf(code, sizeof code,
               "local x, keep = ('x'):rep(%d), {} for i = 1, 1e9 do keep[i] = x .. i end", size);
      sandbox_run(&box, code);
      assert_true(box.budget.memory_spent || box.budget.instructions_spent);
      size_t held = lua_allocator_held(box.budget.blocks);
      if (held > most) most = held;
    }
  print_message("held at most %zu KiB; the cap is %zu KiB\n", most / 1024, (set + MEMORY) / 1024);
  assert_true(most <= 2 * (set + MEMORY));
  sandbox_close(&box);
}

static int charge_bytes(lua_State *L) {
  sandbox_charge_bytes(L, (size_t)luaL_checkinteger(L, 1));
  return 0;
}

static int charge_paused(lua_State *L) {
  sandbox_pause pause = sandbox_budget_pause(L);
  lua_newuserdatauv(L, 2 * MEMORY, 0);
  sandbox_charge(L, 2 * LIMIT);
  sandbox_budget_resume(L, pause);
  return 0;
}

static void c_memory_is_charged(void **state) {
  (void)state;
  sandbox box;
  sandbox_open(&box, LIMIT, MEMORY);
  lua_pushcfunction(box.L, charge_bytes);
  lua_setfield(box.L, 1, "bytes");
  lua_pushcfunction(box.L, charge_paused);
  lua_setfield(box.L, 1, "paused");
  sandbox_expect(&box, "bytes(4000000) return 'fits'", "fits");
  assert_in_range(sandbox_budget_bytes(&box.budget), 4000000, 4010000);
  sandbox_expect_error(&box, "pcall(bytes, 5000000) return 'caught'",
                       "test.lua:1: memory budget of 4194304 bytes spent");
  sandbox_expect_error(&box, "pcall(bytes, -1) return 'caught'",
                       "test.lua:1: memory budget of 4194304 bytes spent");
  sandbox_expect(&box, "return 'nothing'", "nothing");
  size_t bytes = sandbox_budget_bytes(&box.budget);
  sandbox_expect(&box, "paused() return 'nothing'", "nothing");
  assert_in_range(sandbox_budget_bytes(&box.budget), bytes, bytes + 500); /* the chunk is longer */
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
  /* After a byte order mark or a `#!` line it is not Lua at all. */
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
      cmocka_unit_test(over_the_limit_nothing_is_caught),
      cmocka_unit_test(the_systems_shortage_is_told_apart),
      cmocka_unit_test(garbage_makes_room_when_the_system_refuses),
      cmocka_unit_test(a_state_holds_at_most_twice_its_cap),
      cmocka_unit_test(c_memory_is_charged),
      cmocka_unit_test(text_chunks_only),
      cmocka_unit_test(starting_is_cheap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
