/* See base.h. */
#include "sandbox/base.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "sandbox/budget.h"
#include "sandbox/order.h"

static int base_assert(lua_State *L) {
  luaL_checkany(L, 1);
  if (lua_toboolean(L, 1)) return lua_gettop(L);
  lua_remove(L, 1);
  lua_pushliteral(L, "assertion failed!");
  lua_settop(L, 1); /* the caller's message, or else ours */

  return lua_error(L);
}

/* A place further up than this is not told. */
enum { DEEPEST_LEVEL = 200 };

static int base_error(lua_State *L) {
  lua_Integer level = luaL_optinteger(L, 2, 1);
  lua_settop(L, 1);
  if (lua_type(L, 1) == LUA_TSTRING && level > 0 && level <= DEEPEST_LEVEL) {
    sandbox_charge(L, (size_t)level / 4); /* Lua counts its way there */
    luaL_where(L, (int)level);
    lua_insert(L, 1);
    lua_concat(L, 2);
  }

  return lua_error(L);
}

static int ipairs_step(lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 2);
  i = luaL_intop(+, i, 1);
  lua_pushinteger(L, i);
  return lua_geti(L, 1, i) == LUA_TNIL ? 1 : 2;
}

static int base_ipairs(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushcfunction(L, ipairs_step);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);

  return 3;
}

/* Pushes the function that traverses the value at 1, if it has one of its own; else it must be a
 * table. */
static bool push_traversal(lua_State *L) {
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) return true;
  luaL_checktype(L, 1, LUA_TTABLE);
  return false;
}

/* next for a table that only offers an iterator: walks it as far as the key at 2. */
static int next_by_iterator(lua_State *L) {
  bool found = lua_isnil(L, 2);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 3); /* iterator, state, control */
  for (;;) {
    sandbox_charge(L, 1);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 2); /* iterator, state, control, key, value */
    if (found || lua_isnil(L, -2)) break;
    found = lua_rawequal(L, -2, 2);
    lua_pop(L, 1);
    lua_replace(L, -2);
  }

  return lua_isnil(L, -2) ? (lua_pop(L, 1), 1) : 2;
}

static int base_next(lua_State *L) {
  lua_settop(L, 2);
  if (push_traversal(L)) return next_by_iterator(L);
  sandbox_next_key(L, 1); /* table, following key */
  if (lua_isnil(L, 2)) return 1;
  lua_pushvalue(L, 2);
  lua_rawget(L, 1);

  return 2;
}

/* Upvalues: table, ordered list of keys, position in it. Skips what was removed meanwhile. */
static int pairs_step(lua_State *L) {
  lua_Integer position = lua_tointeger(L, lua_upvalueindex(3));
  int results = 0;
  do {
    lua_settop(L, 0);
    if (lua_rawgeti(L, lua_upvalueindex(2), ++position) == LUA_TNIL) {
      position--;
      results = 1;
      break;
    }

    lua_pushvalue(L, -1);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) results = 2;
  } while (results == 0);
  lua_pushinteger(L, position);
  lua_replace(L, lua_upvalueindex(3));

  return results;
}

static int base_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  if (push_traversal(L)) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }

  lua_pushvalue(L, 1);
  sandbox_push_sorted_keys(L, 1);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, pairs_step, 3);
  lua_pushvalue(L, 1);
  lua_pushnil(L);

  return 3;
}

/* What it takes to make an error, to look for the names in its text, and to get here. */
enum { CATCHING_STEPS = 64 };

static int base_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  sandbox_charge(L, (size_t)lua_gettop(L) / 4); /* they all move */
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  if (lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0) == LUA_OK) return lua_gettop(L);
  if (sandbox_budget_is_spent(L)) return sandbox_budget_raise(L);
  sandbox_charge(L, CATCHING_STEPS);
  lua_pushboolean(L, 0);
  lua_replace(L, 1); /* false, error value */

  return 2;
}

static int base_select(lua_State *L) {
  int top = lua_gettop(L);
  sandbox_charge(L, (size_t)top / 16); /* the call copied them all */
  if (lua_type(L, 1) == LUA_TSTRING && strcmp(lua_tostring(L, 1), "#") == 0) {
    lua_pushinteger(L, top - 1);
    return 1;
  }

  lua_Integer first = luaL_checkinteger(L, 1);
  if (first < 0)
    first = top + first;
  else if (first > top)
    first = top;
  luaL_argcheck(L, first >= 1, 1, "index out of range");

  return top - (int)first;
}

/* The value of a digit in bases up to 36, or 99. */
static int digit_value(char character) {
  unsigned char c = (unsigned char)character;
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;

  return 99;
}

/* Reads all of text as an integer in that base; wraps around like Lua's. */
static bool read_integer(const char *text, const char *end, int base, lua_Integer *value) {
  static const char spaces[] = " \f\n\r\t\v";
  while (text < end && *text && strchr(spaces, *text)) text++;
  while (end > text && end[-1] && strchr(spaces, end[-1])) end--;
  bool negative = text < end && *text == '-';
  if (text < end && (*text == '-' || *text == '+')) text++;
  if (text == end) return false;
  lua_Unsigned magnitude = 0;
  for (; text < end; text++) {
    int digit = digit_value(*text);
    if (digit >= base) return false;
    magnitude = magnitude * (lua_Unsigned)base + (lua_Unsigned)digit;
  }

  *value = (lua_Integer)(negative ? 0u - magnitude : magnitude);
  return true;
}

static int tonumber_in_base(lua_State *L) {
  lua_Integer base = luaL_checkinteger(L, 2), value;
  luaL_checktype(L, 1, LUA_TSTRING); /* no numbers: 10 in base 2 would be read as text */
  luaL_argcheck(L, 2 <= base && base <= 36, 2, "base out of range");
  size_t size;
  const char *text = lua_tolstring(L, 1, &size);
  sandbox_charge(L, size / 4);
  if (read_integer(text, text + size, (int)base, &value))
    lua_pushinteger(L, value);
  else
    luaL_pushfail(L);
  return 1;
}

static int base_tonumber(lua_State *L) {
  if (!lua_isnoneornil(L, 2)) return tonumber_in_base(L);
  luaL_checkany(L, 1);
  if (lua_type(L, 1) == LUA_TNUMBER) {
    lua_settop(L, 1);
    return 1;
  }

  size_t size;
  const char *text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &size) : NULL;
  if (text) {
    sandbox_charge(L, size / 4);
    if (lua_stringtonumber(L, text) == size + 1) return 1;
  }

  luaL_pushfail(L);

  return 1;
}

static int base_tostring(lua_State *L) {
  luaL_checkany(L, 1);
  switch (lua_type(L, 1)) {
  case LUA_TNUMBER:
    if (lua_tonumber(L, 1) != lua_tonumber(L, 1))
      lua_pushliteral(L, "nan");
    else {
      lua_pushvalue(L, 1);
      lua_tolstring(L, -1, NULL);
    }

    break;
  case LUA_TSTRING: lua_pushvalue(L, 1); break;
  case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false"); break;
  default: lua_pushstring(L, luaL_typename(L, 1)); /* nil too; never an address */
  }

  return 1;
}

/* Upvalues: the names of all types, in their order. */
static int base_type(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1 + lua_type(L, 1)));
  return 1;
}

static void add_type(lua_State *L) {
  for (int type = 0; type < LUA_NUMTYPES; type++) lua_pushstring(L, lua_typename(L, type));
  lua_pushcclosure(L, base_type, LUA_NUMTYPES);
  lua_setfield(L, -2, "type");
}

int sandbox_open_base(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"assert", base_assert},     {"error", base_error},
      {"ipairs", base_ipairs},     {"next", base_next},
      {"pairs", base_pairs},       {"pcall", base_pcall},
      {"select", base_select},     {"tonumber", base_tonumber},
      {"tostring", base_tostring}, {NULL, NULL},
  };
  luaL_newlib(L, functions);
  add_type(L);

  return 1;
}
