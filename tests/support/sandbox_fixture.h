/* A bare sandbox for the C tests: a state with its budget and an environment to run chunks in.
 * Memory: a fixture owns its state; sandbox_close releases it. */
#ifndef WEIR_TESTS_SANDBOX_FIXTURE_H
#define WEIR_TESTS_SANDBOX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* wants those before it */
#include <lauxlib.h>

#include "sandbox/base.h"
#include "sandbox/budget.h"
#include "sandbox/environment.h"
#include "sandbox/libraries.h"
#include "script/gc_stress.h"
#include "script/seed.h"

/* Rounds of a repeated check: with a collection at every allocation each is a hundred times dearer.
 */
#ifdef WEIR_GC_STRESS
#define SANDBOX_ROUNDS(N) ((N) / 10)
#else
#define SANDBOX_ROUNDS(N) (N)
#endif

typedef struct {
  sandbox_budget budget;
  lua_State *L; /* index 1: the environment */
} sandbox;

static inline void sandbox_open(sandbox *box, int64_t instructions, size_t memory) {
  memset(box, 0, sizeof *box);
  box->budget.instruction_limit = instructions;
  box->budget.memory_limit = memory;
  box->L = script_seed_new_state(sandbox_budget_allocate, &box->budget, SCRIPT_SEED_FIXED);
  assert_non_null(box->L);
  sandbox_budget_attach(box->L, &box->budget);
  gc_stress(box->L);
  sandbox_budget_start(box->L);
  sandbox_open_base(box->L);
  sandbox_budget_stop(box->L);
}

/* Adds the libraries to the globals. */
static inline void sandbox_add_libraries(sandbox *box) {
  static const luaL_Reg openers[] = {{"string", sandbox_open_string},
                                     {"table", sandbox_open_table},
                                     {"math", sandbox_open_math},
                                     {"utf8", sandbox_open_utf8}};
  for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
    openers[i].func(box->L);
    lua_setfield(box->L, 1, openers[i].name);
  }
}

/* From here on chunks see the globals so far as a policy does: read-only, with help. */
static inline void sandbox_seal(sandbox *box) {
  sandbox_close_environment(box->L, 1);
}

static inline void sandbox_close(sandbox *box) {
  lua_close(box->L);
  assert_int_equal(box->budget.memory_used, 0);
}

/* Runs code as the chunk test.lua with a fresh budget; leaves its result or error on the stack
 * and returns the status. */
static inline int sandbox_run(sandbox *box, const char *code) {
  lua_State *L = box->L;
  lua_settop(L, 1);
  sandbox_budget_start(L);
  int status = luaL_loadbufferx(L, code, strlen(code), "@test.lua", "t");
  if (status != LUA_OK) {
    sandbox_budget_stop(L);
    return status;
  }
  lua_pushvalue(L, 1);
  lua_setupvalue(L, -2, 1);
  status = lua_pcall(L, 0, 1, 0);
  sandbox_budget_stop(L);
  return status;
}

/* The chunk returns this text. */
static inline void sandbox_expect(sandbox *box, const char *code, const char *expected) {
  int status = sandbox_run(box, code);
  const char *text = lua_tostring(box->L, -1);
  if (status != LUA_OK) fprintf(stderr, "%s\n  raised: %s\n", code, text ? text : "(no text)");
  assert_int_equal(status, LUA_OK);
  assert_non_null(text);
  assert_string_equal(text, expected);
}

/* The chunk raises exactly this text. */
static inline void sandbox_expect_error(sandbox *box, const char *code, const char *expected) {
  int status = sandbox_run(box, code);
  if (status == LUA_OK) fprintf(stderr, "%s\n  raised nothing\n", code);
  assert_int_not_equal(status, LUA_OK);
  assert_non_null(lua_tostring(box->L, -1));
  assert_string_equal(lua_tostring(box->L, -1), expected);
}

#endif
