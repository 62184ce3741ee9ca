/* weir.bytes: what AWS wants done to bytes.
 *   crc32(text or secret) → integer, as in DynamoDB's x-amz-crc32
 *   base64(text) → text, as JSON protocols carry blobs
 * Memory: results are Lua strings; the buffer is freed by the collector if Lua raises. */
#include <zlib.h>

#include "binding.h"
#include "core/text/base64.h"
#include "registry.h"

static int bytes_crc32(lua_State *L) {
  size_t size;
  bool secret;
  const char *text = binding_secret_text(L, 1, &size, &secret);
  binding_expect(L, text != NULL, "bytes.crc32(text)");
  lua_pushinteger(L, (lua_Integer)crc32_z(0, (const unsigned char *)text, size));
  return 1;
}

static int bytes_base64(lua_State *L) {
  size_t size;
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "bytes.base64(text)");
  const char *text = lua_tolstring(L, 1, &size);
  text_buffer *out = binding_buffer_push(L);
  base64_encode(out, text, size);
  if (out->failed) return luaL_error(L, "not enough memory");
  lua_pushlstring(L, out->data ? out->data : "", out->size);
  return 1;
}

int luaopen_weir_bytes(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"crc32", bytes_crc32}, {"base64", bytes_base64}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
