/* See freeze.h. */
#include "sandbox/freeze.h"

#include <lauxlib.h>

#include "sandbox/order.h"

/* Nested deeper, a place is no longer spelt out: its length would square the work. */
enum { NAME_SIZE_MAX = 120 };

static int refuse_write(lua_State *L) {
  luaL_getmetafield(L, 1, "name");
  const char *name = lua_tostring(L, -1);
  if (lua_type(L, 2) == LUA_TSTRING || lua_type(L, 2) == LUA_TNUMBER) {
    lua_pushvalue(L, 2); /* a copy: converting a number in place changes it */
    return luaL_error(L, "%s is read-only: '%s' cannot be set", name, lua_tostring(L, -1));
  }

  return luaL_error(L, "%s is read-only: a %s key cannot be set", name, luaL_typename(L, 2));
}

/* Counted once: of a table with holes Lua may find another length after other reads of it. */
static int contents_length(lua_State *L) {
  luaL_getmetafield(L, 1, "length");
  return 1;
}

/* Appends value and the place it is at to the list of work, if it is a table still to freeze. */
static void add_work(lua_State *L, int work, int value, int name, int key) {
  if (lua_type(L, value) != LUA_TTABLE) return;
  if (lua_getmetatable(L, value)) {
    lua_pop(L, 1);
    return;
  }

  lua_Integer size = (lua_Integer)lua_rawlen(L, work);
  lua_pushvalue(L, value);
  lua_rawseti(L, work, size + 1);
  if (lua_rawlen(L, name) > NAME_SIZE_MAX)
    lua_pushvalue(L, name);
  else if (lua_type(L, key) == LUA_TSTRING && lua_rawlen(L, key) <= NAME_SIZE_MAX)
    lua_pushfstring(L, "%s.%s", lua_tostring(L, name), lua_tostring(L, key));
  else if (lua_isinteger(L, key))
    lua_pushfstring(L, "%s[%I]", lua_tostring(L, name), (LUAI_UACINT)lua_tointeger(L, key));
  else
    lua_pushfstring(L, "%s[...]", lua_tostring(L, name));
  lua_rawseti(L, work, size + 2);
}

/* Notes the tables in the table as work. In the order of keys: a table that has two places must get
 * the same name everywhere. */
static void add_contents(lua_State *L, int table, int work, int name) {
  sandbox_push_all_keys(L, table);
  int keys = lua_gettop(L), key = keys + 1, value = keys + 2;
  lua_Integer count = (lua_Integer)lua_rawlen(L, keys);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, keys, i);
    lua_pushvalue(L, key);
    lua_rawget(L, table); /* key, value */
    add_work(L, work, value, name, key);
    add_work(L, work, key, name, key);
    lua_settop(L, keys);
  }

  lua_pop(L, 1);
}

/* The table and its name are on the top of the stack; pops both. */
static void freeze_one(lua_State *L, int work) {
  static const luaL_Reg methods[] = {
      {"__newindex", refuse_write}, {"__len", contents_length}, {NULL, NULL}};
  int name = lua_gettop(L), table = name - 1;
  add_contents(L, table, work, name);
  lua_createtable(L, 0, 6); /* one more for an __index */
  luaL_setfuncs(L, methods, 0);
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, name);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, table));
  lua_setfield(L, -2, "length");
  lua_setmetatable(L, table);
  lua_guard(L, table);
  lua_settop(L, table - 1);
}

void sandbox_freeze_set_index(lua_State *L, int index) {
  lua_getmetatable(L, index);
  lua_insert(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void sandbox_freeze_table(lua_State *L, int index, const char *name) {
  int table = lua_absindex(L, index);
  luaL_checkstack(L, 16, "freezing a table");
  if (lua_getmetatable(L, table)) {
    lua_pop(L, 1);
    return;
  }

  lua_newtable(L); /* work: table, name, table, name, … */
  int work = lua_gettop(L);
  lua_pushvalue(L, table);
  lua_rawseti(L, work, 1);
  lua_pushstring(L, name);
  lua_rawseti(L, work, 2);
  for (lua_Integer size; (size = (lua_Integer)lua_rawlen(L, work)) > 0;) {
    lua_rawgeti(L, work, size - 1);
    lua_rawgeti(L, work, size);
    for (lua_Integer i = size - 1; i <= size; i++) {
      lua_pushnil(L);
      lua_rawseti(L, work, i);
    }

    if (lua_getmetatable(L, -2))
      lua_pop(L, 3); /* reached twice, frozen the first time */
    else
      freeze_one(L, work);
  }

  lua_pop(L, 1);
}
