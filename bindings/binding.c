/* Errors, results and types of userdata. See binding.h. Memory: the Lua state's. */
#include "binding.h"

#include <stdarg.h>
#include <string.h>

int binding_fail(lua_State *L, const char *code, const char *format, ...) {
  va_list arguments;
  lua_pushnil(L);
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_pushstring(L, code);

  return 3;
}

void binding_expect(lua_State *L, bool ok, const char *signature) {
  if (!ok) luaL_error(L, "expected %s", signature);
}

void binding_expect_memory(lua_State *L, bool ok) {
  if (!ok) luaL_error(L, "not enough memory");
}

void binding_set_text(lua_State *L, const char *name, const char *text) {
  if (text) binding_set_bytes(L, name, text, strlen(text));
}

void binding_set_bytes(lua_State *L, const char *name, const char *bytes, size_t size) {
  lua_pushlstring(L, bytes ? bytes : "", size);
  lua_setfield(L, -2, name);
}

void binding_set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void binding_set_number(lua_State *L, const char *name, lua_Number value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

void binding_set_boolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

void binding_type_register(lua_State *L, const char *type, const luaL_Reg *metamethods,
                           const luaL_Reg *methods) {
  luaL_newmetatable(L, type);
  lua_pushvalue(L, -1);
  luaL_setfuncs(L, metamethods, 1);

  if (methods) {
    lua_newtable(L); // metatable methods
    lua_pushvalue(L, -2);
    luaL_setfuncs(L, methods, 1);
    lua_setfield(L, -2, "__index");
  }

  lua_pop(L, 1);
}

void *binding_owner_push(lua_State *L, const char *type, size_t size, int user_values) {
  void *owner = lua_newuserdatauv(L, size, user_values);
  memset(owner, 0, size);
  luaL_setmetatable(L, type);
  return owner;
}
