/* weir.datagram: send(address, text) → true | nil, message, "SendFailed". One UDP datagram to
 * "host:port"; see host/core/datagram.h. Memory: none. */
#include "core/system/datagram.h"

#include <string.h>

#include "binding.h"
#include "registry.h"

static int send_datagram(lua_State *L) {
  size_t size;
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING && lua_type(L, 2) == LUA_TSTRING,
                 "weir.datagram.send(address, text)");
  const char *text = lua_tolstring(L, 2, &size);
  int problem = datagram_send(lua_tostring(L, 1), text, size);
  if (problem)
    return binding_fail(L, "SendFailed", "cannot send to %s: %s", lua_tostring(L, 1),
                        strerror(problem));
  lua_pushboolean(L, true);
  return 1;
}

int luaopen_weir_datagram(lua_State *L) {
  static const luaL_Reg functions[] = {{"send", send_datagram}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
