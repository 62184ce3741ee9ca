/* weir.terminal: what the standard descriptors (0, 1, 2) are connected to, and whether all of the
 * output arrived.
 *
 *   is_terminal(descriptor) → boolean
 *   columns(descriptor) → how wide the terminal is, or nil: unknown, or not a terminal
 *   finish_output() → true | nil, message, "WriteFailed": writes what standard output still holds,
 * and tells of any write before that failed
 *
 * Over host/core/system/terminal.c. Memory: none is kept. */
#include "core/system/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "registry.h"

static int check_descriptor(lua_State *L, const char *signature) {
  lua_settop(L, 1);
  return (int)binding_argument_integer(L, 1, 0, 2, signature);
}

static const char IS_TERMINAL_SIGNATURE[] = "weir.terminal.is_terminal(0, 1 or 2)";

static int lua_terminal_is_terminal(lua_State *L) {
  int descriptor = check_descriptor(L, IS_TERMINAL_SIGNATURE);
  lua_pushboolean(L, terminal_is_terminal(descriptor));
  return 1;
}

static const char COLUMNS_SIGNATURE[] = "weir.terminal.columns(0, 1 or 2)";

static int lua_terminal_columns(lua_State *L) {
  int columns = terminal_columns(check_descriptor(L, COLUMNS_SIGNATURE));
  if (columns > 0)
    lua_pushinteger(L, columns);
  else
    lua_pushnil(L);
  return 1;
}

static int lua_terminal_finish_output(lua_State *L) {
  lua_settop(L, 0);
  errno = 0;
  bool ok = fflush(stdout) == 0;
  const char *why = errno ? strerror(errno) : "a part of it is lost";

  if (!ok || ferror(stdout)) return binding_fail(L, "WriteFailed", "%s", why);
  lua_pushboolean(L, true);
  return 1;
}

int luaopen_weir_terminal(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(terminal, is_terminal),
                                       BINDING_FUNCTION(terminal, columns),
                                       BINDING_FUNCTION(terminal, finish_output), BINDING_END};
  luaL_newlib(L, functions);
  return 1;
}
