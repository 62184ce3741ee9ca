/* See environment.h. */
#include "sandbox/environment.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/text/edit_distance.h"
#include "sandbox/freeze.h"

static const char TRUSTED[] = "weir.sandbox.trusted"; /* in the registry */

/* What Lua programmers look for, and what to do in a policy. */
static const struct {
  const char *name, *advice;
} advices[] = {
    {"os", "policies have no clock; the time is in the facts"},
    {"io", "policies have no files; everything a decision needs is in the facts"},
    {"print", "policies print nothing; say it in the decision's because"},
    {"warn", "policies print nothing; say it in the decision's because"},
    {"load", "policies compile no code; write a function"},
    {"loadstring", "policies compile no code; write a function"},
    {"loadfile", "policies read no files; require takes modules of the policy directory"},
    {"dofile", "policies read no files; require takes modules of the policy directory"},
    {"package", "require takes modules of the policy directory and nothing else"},
    {"module", "a module is a file that returns a table"},
    {"coroutine", "a decision is one call; use a function or a loop"},
    {"setmetatable", "tables have no metatables here; write a function that takes the table"},
    {"getmetatable", "tables have no metatables here"},
    {"rawget", "tables have no metatables here; index the table"},
    {"rawset", "tables have no metatables here; assign to the table"},
    {"rawequal", "tables have no metatables here; use =="},
    {"rawlen", "tables have no metatables here; use #"},
    {"xpcall", "use pcall"},
    {"collectgarbage", "memory is the host's; the budget counts what is alive"},
    {"debug", "a policy sees its facts and parameters and nothing behind them"},
    {"_G", "policies have no globals; use local"},
    {"unpack", "use table.unpack"},
    {"setfenv", "policies have no globals; use local"},
    {"getfenv", "policies have no globals; use local"},
    {"math.random", "policies have no randomness; the same facts give the same decision"},
    {"math.randomseed", "policies have no randomness; the same facts give the same decision"},
    {"math.pow", "use ^"},
    {"string.dump", "policies compile no code"},
    {"table.getn", "use #"},
};

static const char *find_advice(const char *name) {
  for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
    if (strcmp(advices[i].name, name) == 0) return advices[i].advice;
  return NULL;
}

/* The nearest string among the raw keys of the table, the first in byte order among equals; NULL
 * if none is likely. It stays valid while it is a key. */
static const char *find_nearest(lua_State *L, int table, const char *name) {
  const char *nearest = NULL;
  size_t size = strlen(name), least = edit_distance_likely(size) + 1;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) continue;
    const char *candidate = lua_tostring(L, -1);
    size_t distance = edit_distance(name, size, candidate, strlen(candidate));
    if (distance >= size) continue; /* nothing in common */
    if (distance > least || (distance == least && (!nearest || strcmp(candidate, nearest) >= 0)))
      continue;
    nearest = candidate;
    least = distance;
  }

  return nearest;
}

/* The name as the policy wrote it; the key is at 2. */
static const char *key_text(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) return lua_tostring(L, 2);
  return lua_pushfstring(L, "[%s]", luaL_typename(L, 2));
}

/* The library in the allowed table at `table` that has such a member: format → string. */
static const char *find_library(lua_State *L, int table, const char *member) {
  const char *found = NULL;
  lua_pushnil(L);
  while (lua_next(L, table)) { /* name, value */
    if (lua_type(L, -1) == LUA_TTABLE && lua_type(L, -2) == LUA_TSTRING) {
      const char *library = lua_tostring(L, -2);
      lua_pushstring(L, member);
      if (lua_rawget(L, -2) != LUA_TNIL && (!found || strcmp(library, found) < 0)) found = library;
      lua_pop(L, 1);
    }

    lua_pop(L, 1);
  }

  return found;
}

/* __index of the environment, for the names it does not have. */
static int missing_global(lua_State *L) {
  const char *name = key_text(L);
  const char *advice = find_advice(name);
  if (advice) return luaL_error(L, "'%s' is not available in a policy: %s", name, advice);
  const char *library = find_library(L, 1, name);
  if (library)
    return luaL_error(L, "undefined name '%s'; did you mean '%s.%s'?", name, library, name);
  const char *nearest = find_nearest(L, 1, name);
  if (nearest) return luaL_error(L, "undefined name '%s'; did you mean '%s'?", name, nearest);

  return luaL_error(L, "undefined name '%s'", name);
}

/* __index of a library; upvalue: its name. */
static int missing_member(lua_State *L) {
  const char *library = lua_tostring(L, lua_upvalueindex(1));
  const char *member = key_text(L);
  const char *name = lua_pushfstring(L, "%s.%s", library, member);
  const char *advice = find_advice(name);
  if (advice) return luaL_error(L, "%s is not available in a policy: %s", name, advice);
  const char *near = find_nearest(L, 1, member);
  if (near) return luaL_error(L, "undefined name '%s'; did you mean '%s.%s'?", name, library, near);

  return luaL_error(L, "undefined name '%s'", name);
}

static int refuse_global(lua_State *L) {
  return luaL_error(L, "assignment to global '%s': policies have no globals; use local",
                    key_text(L));
}

/* The library and its name are at value and name. */
static void freeze_library(lua_State *L, int name, int value) {
  sandbox_freeze_table(L, value, lua_tostring(L, name));
  lua_pushvalue(L, name);
  lua_pushcclosure(L, missing_member, 1);
  sandbox_freeze_set_index(L, value);
}

static void trust(lua_State *L, int trusted, int value) {
  int type = lua_type(L, value);
  if (type != LUA_TTABLE && type != LUA_TFUNCTION) return;
  lua_pushvalue(L, value);
  lua_pushboolean(L, true);
  lua_rawset(L, trusted);
}

static void trust_members(lua_State *L, int trusted, int table) {
  lua_pushnil(L);
  while (lua_next(L, table)) {
    trust(L, trusted, lua_gettop(L));
    lua_pop(L, 1);
  }
}

/* Freezes every library and fills the set of trusted values. */
static void close_libraries(lua_State *L, int environment, int trusted) {
  lua_pushnil(L);
  while (lua_next(L, environment)) {
    int value = lua_gettop(L);
    trust(L, trusted, value);
    if (lua_type(L, value) == LUA_TTABLE && lua_type(L, value - 1) == LUA_TSTRING) {
      if (!lua_getmetatable(L, value)) freeze_library(L, value - 1, value);
      lua_settop(L, value);
      trust_members(L, trusted, value);
    }

    lua_pop(L, 1);
  }
}

void sandbox_close_environment(lua_State *L, int environment) {
  static const luaL_Reg methods[] = {
      {"__index", missing_global}, {"__newindex", refuse_global}, {NULL, NULL}};
  environment = lua_absindex(L, environment);
  lua_newtable(L);
  int trusted = lua_gettop(L);
  close_libraries(L, environment, trusted);
  trust(L, trusted, environment);
  lua_setfield(L, LUA_REGISTRYINDEX, TRUSTED);

  lua_createtable(L, 0, 3);
  luaL_setfuncs(L, methods, 0);
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, environment);
  lua_guard(L, environment);
}

void sandbox_add_word(lua_State *L, int environment, const char *word) {
  int value = lua_gettop(L);
  lua_pushstring(L, word);
  lua_pushvalue(L, value);
  lua_rawset(L, environment);
  lua_getfield(L, LUA_REGISTRYINDEX, TRUSTED);
  trust(L, lua_gettop(L), value);
  lua_settop(L, value - 1);
}

void sandbox_push_trusted(lua_State *L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, TRUSTED) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
}
