/* Buffers owned by a Lua state. See binding.h. Memory: the userdata frees what it holds. */
#include "binding.h"

#define BUFFER "weir.buffer"

enum { KEEP_AT_MOST = 1 << 20 };

static void wipe_and_free(text_buffer *buffer) {
  if (buffer->data) explicit_bzero(buffer->data, buffer->capacity);
  text_buffer_free(buffer);
}

static int lua_buffer_gc(lua_State *L) {
  wipe_and_free(binding_argument_self(L, BUFFER, "a buffer"));
  return 0;
}

/* Leaves the metatable known only when it is whole: making it may raise half-way. */
static void push_metatable(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(buffer, gc), BINDING_END};
  if (luaL_getmetatable(L, BUFFER) == LUA_TTABLE) return;

  lua_pop(L, 1);
  lua_newtable(L);
  luaL_setfuncs(L, metamethods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, BUFFER);
}

text_buffer *binding_buffer_push(lua_State *L) {
  text_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  *buffer = (text_buffer){0};
  push_metatable(L);
  lua_setmetatable(L, -2);

  return buffer;
}

void binding_buffer_begin(text_buffer *buffer) {
  if (buffer->failed || buffer->capacity > KEEP_AT_MOST) wipe_and_free(buffer);
  buffer->size = 0;
}

void binding_buffer_finish(lua_State *L, text_buffer *buffer) {
  binding_expect_memory(L, !buffer->failed);
  lua_pushlstring(L, buffer->data ? buffer->data : "", buffer->size);
  text_buffer_free(buffer);
}
