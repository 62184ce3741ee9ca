/* A stock Lua state and a sandbox state side by side: the same Lua body runs in both with the same
 * arguments, and the results (or error texts) are compared as text. Stock Lua is the oracle.
 *
 * Memory: pair_open and pair_close; outcomes point into the states until the next run. */
#ifndef WEIR_TEST_SANDBOX_PAIR_H
#define WEIR_TEST_SANDBOX_PAIR_H

#include <inttypes.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/base.h"
#include "sandbox/budget.h"
#include "sandbox/freeze.h"
#include "sandbox/libraries.h"
#include "script/gc_stress.h"
#include "script/seed.h"

typedef struct {
  lua_State *stock, *sandbox;
  sandbox_budget budget;
} sandbox_pair;

typedef struct {
  enum { ARGUMENT_NIL, ARGUMENT_INTEGER, ARGUMENT_NUMBER, ARGUMENT_TEXT } kind;
  lua_Integer integer;
  lua_Number number;
  char text[200];
  size_t size;
} pair_argument;

enum { PAIR_ARGUMENTS = 12 };

typedef struct {
  const char *body; /* the body of function(...) */
  pair_argument arguments[PAIR_ARGUMENTS];
  int count;
} pair_case;

/* ---- Text of values ---- */

static inline void pair_add_bytes(luaL_Buffer *out, const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    char escape[8];
    if (text[i] >= ' ' && text[i] <= '~')
      luaL_addchar(out, text[i]);
    else
      luaL_addlstring(out, escape, (size_t)sprintf(escape, "\\x%02x", (unsigned char)text[i]));
  }
}

/* collect(...): one text for all arguments, types included; tables by their elements. */
static inline int pair_collect(lua_State *L) {
  luaL_Buffer out;
  int top = lua_gettop(L);
  luaL_buffinit(L, &out);
  for (int i = 1; i <= top; i++) {
    char number[64];
    size_t size;
    if (i > 1) luaL_addstring(&out, ", ");
    if (lua_type(L, i) == LUA_TSTRING) {
      const char *text = lua_tolstring(L, i, &size);
      luaL_addchar(&out, '"');
      pair_add_bytes(&out, text, size);
      luaL_addchar(&out, '"');
    } else if (lua_isinteger(L, i)) {
      sprintf(number, "%" PRId64, (int64_t)lua_tointeger(L, i));
      luaL_addstring(&out, number);
    } else if (lua_type(L, i) == LUA_TNUMBER) {
      lua_Number value = lua_tonumber(L, i);
      sprintf(number, "float %.17g", isnan(value) ? (lua_Number)NAN : value);
      luaL_addstring(&out, isnan(value) ? "float nan" : number);
    } else if (lua_type(L, i) == LUA_TBOOLEAN) {
      luaL_addstring(&out, lua_toboolean(L, i) ? "true" : "false");
    } else {
      luaL_addstring(&out, luaL_typename(L, i));
    }
  }
  luaL_pushresult(&out);
  return 1;
}

/* proxy(t): a frozen view of t, as the sandbox shows facts. */
static inline int pair_proxy_write(lua_State *L) {
  return luaL_error(L, "this table is frozen");
}

static inline int pair_proxy_length(lua_State *L) {
  lua_pushinteger(L, luaL_len(L, lua_upvalueindex(1)));
  return 1;
}

static inline int pair_proxy(lua_State *L) {
  lua_settop(L, 1);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, pair_proxy_write);
  lua_setfield(L, -2, "__newindex");
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, pair_proxy_length, 1);
  lua_setfield(L, -2, "__len");
  lua_setmetatable(L, -2);
  return 1;
}

/* ---- States ---- */

static inline int pair_open_sandbox(lua_State *L) {
  sandbox_open_base(L);
  for (lua_pushnil(L); lua_next(L, 1);) lua_setglobal(L, lua_tostring(L, -2));
  static const luaL_Reg libraries[] = {{"string", sandbox_open_string},
                                       {"table", sandbox_open_table},
                                       {"math", sandbox_open_math},
                                       {"utf8", sandbox_open_utf8},
                                       {NULL, NULL}};
  for (const luaL_Reg *library = libraries; library->name; library++) {
    library->func(L);
    sandbox_freeze_table(L, -1, library->name);
    lua_setglobal(L, library->name);
  }
  return 0;
}

static inline void pair_add_helpers(lua_State *L) {
  lua_register(L, "collect", pair_collect);
  lua_register(L, "proxy", pair_proxy);
}

/* A state as policy/sandbox.c makes it, as far as these libraries can tell. */
static inline lua_State *pair_new_sandbox(sandbox_budget *budget) {
  lua_State *L = script_seed_new_state(sandbox_budget_allocate, budget, SCRIPT_SEED_FIXED);
  if (!L) abort();
  sandbox_budget_attach(L, budget);
  gc_stress(L);
  sandbox_budget_start(L);
  lua_pushcfunction(L, pair_open_sandbox);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) abort();
  sandbox_budget_stop(L);
  pair_add_helpers(L);
  return L;
}

static inline void pair_open(sandbox_pair *pair) {
  *pair = (sandbox_pair){
      .budget = {.instruction_limit = 20 * 1000 * 1000, .memory_limit = 8 * 1024 * 1024}};
  pair->sandbox = pair_new_sandbox(&pair->budget);
  pair->stock = luaL_newstate();
  if (!pair->stock) abort();
  luaL_openlibs(pair->stock);
  pair_add_helpers(pair->stock);
}

static inline void pair_close(sandbox_pair *pair) {
  lua_close(pair->stock);
  lua_close(pair->sandbox);
}

/* ---- Running ---- */

static inline void pair_push_argument(lua_State *L, const pair_argument *argument) {
  switch (argument->kind) {
  case ARGUMENT_INTEGER: lua_pushinteger(L, argument->integer); break;
  case ARGUMENT_NUMBER: lua_pushnumber(L, argument->number); break;
  case ARGUMENT_TEXT: lua_pushlstring(L, argument->text, argument->size); break;
  default: lua_pushnil(L);
  }
}

/* The compiled body, kept under its own text. */
static inline void pair_push_body(lua_State *L, const char *body) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, body) == LUA_TFUNCTION) return;
  lua_pop(L, 1);
  if (luaL_loadbufferx(L, body, strlen(body), "=case", "t") != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, body);
}

static inline const char *pair_run(lua_State *L, const pair_case *test, bool bounded) {
  lua_settop(L, 0);
  pair_push_body(L, test->body);
  for (int i = 0; i < test->count; i++) pair_push_argument(L, &test->arguments[i]);
  if (bounded) sandbox_budget_start(L);
  const char *prefix = lua_pcall(L, test->count, 1, 0) == LUA_OK ? "" : "error: ";
  if (bounded) sandbox_budget_stop(L);
  lua_pushfstring(L, "%s%s", prefix, luaL_tolstring(L, -1, NULL));
  return lua_tostring(L, -1);
}

static inline const char *pair_run_sandbox(sandbox_pair *pair, const pair_case *test) {
  return pair_run(pair->sandbox, test, true);
}

/* Whether both states agree; a pattern that is refused for its cost is not compared. */
static inline bool pair_agrees(sandbox_pair *pair, const pair_case *test) {
  const char *actual = pair_run_sandbox(pair, test);
  if (strstr(actual, "pattern too expensive")) return true;
  return strcmp(actual, pair_run(pair->stock, test, false)) == 0;
}

/* Runs a body without arguments in the sandbox; the outcome, or "error: …". */
static inline const char *pair_outcome(sandbox_pair *pair, const char *body) {
  pair_case test = {.body = body};
  return pair_run_sandbox(pair, &test);
}

/* ---- Shrinking and reporting ---- */

static inline bool pair_shrink_argument(sandbox_pair *pair, pair_case *test, int index) {
  pair_argument *argument = &test->arguments[index], before = *argument;
  if (argument->kind == ARGUMENT_INTEGER && argument->integer != 0) {
    argument->integer /= 2;
    if (!pair_agrees(pair, test)) return true;
  } else if (argument->kind == ARGUMENT_TEXT) {
    for (size_t i = 0; i < before.size; i++) {
      memmove(argument->text + i, argument->text + i + 1, before.size - i - 1);
      argument->size = before.size - 1;
      if (!pair_agrees(pair, test)) return true;
      *argument = before;
    }
  }
  *argument = before;
  return false;
}

static inline void pair_shrink(sandbox_pair *pair, pair_case *test) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (int i = 0; i < test->count; i++) smaller |= pair_shrink_argument(pair, test, i);
  }
}

static inline void pair_print(sandbox_pair *pair, const pair_case *test) {
  lua_State *L = pair->stock;
  lua_settop(L, 0);
  for (int i = 0; i < test->count; i++) pair_push_argument(L, &test->arguments[i]);
  pair_collect(L);
  fprintf(stderr, "body:      %s\narguments: %s\n", test->body, lua_tostring(L, -1));
  fprintf(stderr, "sandbox:   %s\n", pair_run_sandbox(pair, test));
  fprintf(stderr, "stock:     %s\n", pair_run(pair->stock, test, false));
}

/* ---- Generating ---- */

typedef struct {
  uint64_t state;
} pair_random;

static inline uint64_t pair_next(pair_random *random) {
  random->state ^= random->state << 13;
  random->state ^= random->state >> 7;
  random->state ^= random->state << 17;
  return random->state;
}

static inline size_t pair_below(pair_random *random, size_t limit) {
  return (size_t)(pair_next(random) >> 11) % limit;
}

/* WEIR_TEST_SEED repeats or varies a run. */
static inline uint64_t pair_seed(void) {
  const char *text = getenv("WEIR_TEST_SEED");
  uint64_t seed = text ? strtoull(text, NULL, 10) : 20261123;
  return seed ? seed : 1;
}

static inline void pair_add_text(pair_case *test, const char *text, size_t size) {
  pair_argument *argument = &test->arguments[test->count++];
  *argument = (pair_argument){.kind = ARGUMENT_TEXT, .size = size};
  memcpy(argument->text, text, size);
}

static inline void pair_add_integer(pair_case *test, lua_Integer integer) {
  test->arguments[test->count++] = (pair_argument){.kind = ARGUMENT_INTEGER, .integer = integer};
}

static inline void pair_add_number(pair_case *test, lua_Number number) {
  test->arguments[test->count++] = (pair_argument){.kind = ARGUMENT_NUMBER, .number = number};
}

static inline void pair_add_nil(pair_case *test) {
  test->arguments[test->count++] = (pair_argument){.kind = ARGUMENT_NIL};
}

/* Around the edges of a text or list of this size, and the edges of integers. */
static inline lua_Integer pair_position(pair_random *random, lua_Integer size) {
  const lua_Integer edges[] = {0,
                               1,
                               -1,
                               2,
                               -2,
                               size,
                               -size,
                               size + 1,
                               -size - 1,
                               size - 1,
                               size + 2,
                               LUA_MAXINTEGER,
                               LUA_MININTEGER,
                               LUA_MAXINTEGER - 1,
                               LUA_MININTEGER + 1,
                               size / 2};
  return edges[pair_below(random, sizeof edges / sizeof *edges)];
}

/* Runs `generate` that many times; on a difference prints the smallest case found and returns
 * false. */
static inline bool pair_compare(sandbox_pair *pair, int runs,
                                void (*generate)(pair_random *random, pair_case *test)) {
  uint64_t seed = pair_seed();
  pair_random random = {seed};
#ifdef WEIR_GC_STRESS
  runs /= 50; /* a collection at every allocation */
#endif
  for (int i = 0; i < runs; i++) {
    pair_case test = {0};
    generate(&random, &test);
    if (pair_agrees(pair, &test)) continue;
    fprintf(stderr, "seed %" PRIu64 ", case %d differs:\n", seed, i);
    pair_print(pair, &test);
    pair_shrink(pair, &test);
    fprintf(stderr, "smallest:\n");
    pair_print(pair, &test);
    return false;
  }
  return true;
}

/* The same for bodies written by hand; prints each difference. */
static inline bool pair_compare_bodies(sandbox_pair *pair, const char *const *bodies) {
  bool same = true;
  for (; *bodies; bodies++) {
    pair_case test = {.body = *bodies};
    if (pair_agrees(pair, &test)) continue;
    pair_print(pair, &test);
    same = false;
  }
  return same;
}

/* ---- cmocka's group fixtures ---- */

static inline int pair_setup(void **state) {
  static sandbox_pair pair;
  pair_open(&pair);
  *state = &pair;
  return 0;
}

static inline int pair_teardown(void **state) {
  pair_close(*state);
  return 0;
}

#endif
