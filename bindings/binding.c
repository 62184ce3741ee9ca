/* See binding.h. */
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

static bool is_allowed(const char *key, const char *const *allowed) {
  for (; *allowed; allowed++)
    if (strcmp(*allowed, key) == 0) return true;
  return false;
}

static void raise_unknown_key(lua_State *L, const char *key, const char *const *allowed,
                              const char *signature) {
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (const char *const *name = allowed; *name; name++) {
    if (name != allowed) luaL_addstring(&list, ", ");
    luaL_addstring(&list, *name);
  }
  luaL_pushresult(&list);
  luaL_error(L, "unknown key '%s' (allowed: %s); expected %s", key, lua_tostring(L, -1), signature);
}

void binding_check_keys(lua_State *L, int index, const char *const *allowed,
                        const char *signature) {
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "unknown key of type %s; expected %s", luaL_typename(L, -2), signature);
    const char *key = lua_tostring(L, -2);
    if (!is_allowed(key, allowed)) raise_unknown_key(L, key, allowed, signature);
  }
}
