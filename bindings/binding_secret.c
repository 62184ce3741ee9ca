/* The C side of secrets, shared by every binding that opens or makes one. See binding.h.
 * Memory: the bytes live in the userdata, which wipes them when it is collected. */
#include <string.h>

#include "binding.h"

typedef struct {
  size_t size;
  char bytes[];
} secret_value;

static int lua_secret_tostring(lua_State *L) {
  lua_pushliteral(L, "[redacted]");
  return 1;
}

/* Lua calls this when either side is a secret; luaL_tolstring turns that side into "[redacted]". */
static int lua_secret_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* The time taken depends on the lengths alone, never on where two secrets differ. */
static int lua_secret_eq(lua_State *L) {
  size_t left_size = 0, right_size = 0;
  const char *left = binding_secret(L, 1, &left_size), *right = binding_secret(L, 2, &right_size);
  bool same_size = left && right && left_size == right_size;
  unsigned char difference = 0;
  for (size_t i = 0; same_size && i < left_size; i++)
    difference |= (unsigned char)(left[i] ^ right[i]);
  lua_pushboolean(L, same_size && difference == 0);

  return 1;
}

static int lua_secret_gc(lua_State *L) {
  secret_value *value = luaL_testudata(L, 1, BINDING_SECRET);
  if (value) explicit_bzero(value->bytes, value->size);
  return 0;
}

/* Leaves the metatable known only when it is whole: making it may raise half-way. */
static void push_metatable(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      BINDING_METAMETHOD(secret, tostring), BINDING_METAMETHOD(secret, concat),
      BINDING_METAMETHOD(secret, eq), BINDING_METAMETHOD(secret, gc), BINDING_END};
  if (luaL_getmetatable(L, BINDING_SECRET) == LUA_TTABLE) return;

  lua_pop(L, 1);
  lua_newtable(L);
  luaL_setfuncs(L, metamethods, 0);
  binding_set_text(L, "__name", BINDING_SECRET);
  binding_set_text(L, "__metatable", "secret");
  binding_set_text(L, "__json", "[redacted]"); // what weir.json writes
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, BINDING_SECRET);
}

const char *binding_secret(lua_State *L, int index, size_t *size) {
  if (lua_type(L, index) != LUA_TUSERDATA) return NULL;
  const secret_value *value = luaL_testudata(L, index, BINDING_SECRET);
  if (!value) return NULL;
  if (size) *size = value->size;

  return value->bytes;
}

const char *binding_secret_text(lua_State *L, int index, size_t *size, bool *secret) {
  if (lua_type(L, index) == LUA_TSTRING) return lua_tolstring(L, index, size);
  const char *bytes = binding_secret(L, index, size);
  if (bytes) *secret = true;
  return bytes;
}

/* The bytes come last: whatever raises before that has nothing to wipe. */
void binding_secret_push(lua_State *L, const char *bytes, size_t size) {
  secret_value *value = lua_newuserdatauv(L, sizeof *value + size, 0);
  value->size = size;
  push_metatable(L);
  lua_setmetatable(L, -2);
  memcpy(value->bytes, bytes, size);
}

void binding_secret_push_text(lua_State *L, const char *bytes, size_t size, bool secret) {
  if (secret)
    binding_secret_push(L, bytes, size);
  else
    lua_pushlstring(L, bytes, size);
}
