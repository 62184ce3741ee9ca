/* See call.h. */
#include "script/call.h"

#include <lauxlib.h>

static int add_traceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (!message) message = lua_pushfstring(L, "(an error value of type %s)", luaL_typename(L, 1));
  luaL_traceback(L, L, message, 1);
  return 1;
}

int script_call(lua_State *L, int arguments, int results) {
  int base = lua_gettop(L) - arguments; /* the function */
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, base);
  int status = lua_pcall(L, arguments, results, base);
  lua_remove(L, base);

  return status;
}
