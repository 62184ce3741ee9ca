/* weir.datagram: one UDP datagram at a time.
 *
 *   send(address, text) → true | nil, message, "SendFailed"
 *       address is "host:port"
 *
 * Over host/core/system/datagram.c. Memory: none is kept. */
#include "core/system/datagram.h"

#include <string.h>

#include "binding.h"
#include "registry.h"

static const char SEND_SIGNATURE[] = "weir.datagram.send(address, text)";

static int lua_datagram_send(lua_State *L) {
  size_t size;
  lua_settop(L, 2);
  const char *address = binding_argument_name(L, 1, SEND_SIGNATURE);
  const char *text = binding_argument_text(L, 2, &size, SEND_SIGNATURE);

  int problem = datagram_send(address, text, size);
  if (problem)
    return binding_fail(L, "SendFailed", "cannot send to %s: %s", address, strerror(problem));

  lua_pushboolean(L, true);
  return 1;
}

int luaopen_weir_datagram(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(datagram, send), BINDING_END};
  luaL_newlib(L, functions);
  return 1;
}
