/* See text.h. */
#include "sandbox/text.h"

#include <stdbool.h>

#include "sandbox/budget.h"

void sandbox_new_library(lua_State *L, const char *name, const luaL_Reg *functions) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); /* where luaL_argerror looks */
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0); /* a table of its own: freezing the library empties that one */
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
}

static bool is_nan(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TNUMBER || lua_isinteger(L, index)) return false;
  lua_Number number = lua_tonumber(L, index);
  return number != number;
}

const char *sandbox_check_text(lua_State *L, int argument, size_t *size) {
  if (is_nan(L, argument)) { /* 0/0 is -nan on x86-64 and nan on arm64 */
    lua_pushliteral(L, "nan");
    lua_replace(L, argument);
  }

  return luaL_checklstring(L, argument, size);
}

const char *sandbox_push_text(lua_State *L, int index, size_t *size) {
  index = lua_absindex(L, index);
  switch (lua_type(L, index)) {
  case LUA_TSTRING: lua_pushvalue(L, index); break;
  case LUA_TNUMBER:
    if (is_nan(L, index))
      lua_pushliteral(L, "nan");
    else
      lua_pushvalue(L, index);
    break;
  case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false"); break;
  default: lua_pushstring(L, luaL_typename(L, index));
  }

  return lua_tolstring(L, -1, size);
}

size_t sandbox_slice_start(lua_Integer position, size_t size) {
  if (position > 0) return (size_t)position;
  if (position == 0 || position < -(lua_Integer)size) return 1;
  return size + (size_t)position + 1;
}

size_t sandbox_slice_end(lua_Integer position, size_t size) {
  if (position > (lua_Integer)size) return size;
  if (position >= 0) return (size_t)position;
  if (position < -(lua_Integer)size) return 0;
  return size + (size_t)position + 1;
}

char *sandbox_buffer_begin(lua_State *L, luaL_Buffer *buffer, size_t size) {
  if (size > LUAL_BUFFERSIZE) sandbox_charge_bytes(L, size);
  sandbox_charge(L, size / 16 + 1);
  return luaL_buffinitsize(L, buffer, size);
}

/* Charges for `size` more bytes and raises unless the buffer may grow by them. */
static void require_room(luaL_Buffer *buffer, size_t size) {
  sandbox_charge(buffer->L, size / 16 + 1);
  if (size <= buffer->size - buffer->n) return;
  size_t needed = buffer->n + size, grown = buffer->size / 2 * 3; /* as luaL_Buffer grows */
  sandbox_charge_bytes(buffer->L, needed > grown ? needed : grown);
}

void sandbox_buffer_add(luaL_Buffer *buffer, const char *bytes, size_t size) {
  if (size == 0) return;
  require_room(buffer, size);
  luaL_addlstring(buffer, bytes, size);
}

void sandbox_buffer_add_value(luaL_Buffer *buffer) {
  size_t size;
  if (is_nan(buffer->L, -1)) {
    lua_pop(buffer->L, 1);
    sandbox_buffer_add(buffer, "nan", 3);
    return;
  }

  lua_tolstring(buffer->L, -1, &size);
  require_room(buffer, size);
  luaL_addvalue(buffer);
}
