/* weir.terminal: is this descriptor a terminal, and how wide is it.
 * Memory: none. */
#include "core/system/terminal.h"
#include "binding.h"
#include "registry.h"

static int check_descriptor(lua_State *L, const char *signature) {
  int is_integer;
  lua_Integer descriptor = lua_tointegerx(L, 1, &is_integer);
  binding_expect(L, is_integer && descriptor >= 0 && descriptor <= 2, signature);
  return (int)descriptor;
}

static int terminal_is_terminal_(lua_State *L) {
  lua_pushboolean(L, terminal_is_terminal(check_descriptor(L, "is_terminal(0 | 1 | 2)")));
  return 1;
}

static int terminal_columns_(lua_State *L) {
  int columns = terminal_columns(check_descriptor(L, "columns(0 | 1 | 2)"));
  if (columns > 0)
    lua_pushinteger(L, columns);
  else
    lua_pushnil(L);
  return 1;
}

int luaopen_weir_terminal(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"is_terminal", terminal_is_terminal_},
      {"columns", terminal_columns_},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
