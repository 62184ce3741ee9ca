/* Buffers owned by a Lua state. See binding.h. */
#include "binding.h"

enum { KEEP_AT_MOST = 1 << 20 };

static void wipe_and_free(text_buffer *buffer) {
  if (buffer->data) explicit_bzero(buffer->data, buffer->capacity);
  text_buffer_free(buffer);
}

static int collect(lua_State *L) {
  wipe_and_free(lua_touserdata(L, 1));
  return 0;
}

text_buffer *binding_buffer_push(lua_State *L) {
  text_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  *buffer = (text_buffer){0};
  if (luaL_newmetatable(L, "weir.buffer")) {
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return buffer;
}

void binding_buffer_begin(text_buffer *buffer) {
  if (buffer->failed || buffer->capacity > KEEP_AT_MOST) wipe_and_free(buffer);
  buffer->size = 0;
}
