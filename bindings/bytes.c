/* weir.bytes: what AWS wants done to bytes.
 *
 *   crc32(text or secret) → integer, as in DynamoDB's x-amz-crc32
 *   base64(text) → text, as JSON protocols carry blobs
 *
 * Neither fails. Over zlib and host/core/text/base64.c.
 * Memory: results are Lua strings; the buffer is freed by the collector if Lua raises. */
#include <zlib.h>

#include "binding.h"
#include "core/text/base64.h"
#include "registry.h"

static const char CRC32_SIGNATURE[] = "weir.bytes.crc32(text or secret)";

static int lua_bytes_crc32(lua_State *L) {
  size_t size;
  bool secret = false;
  lua_settop(L, 1);
  const char *text = binding_argument_secret(L, 1, &size, &secret, CRC32_SIGNATURE);

  lua_pushinteger(L, (lua_Integer)crc32_z(0, (const unsigned char *)text, size));
  return 1;
}

static const char BASE64_SIGNATURE[] = "weir.bytes.base64(text)";

static int lua_bytes_base64(lua_State *L) {
  size_t size;
  lua_settop(L, 1);
  const char *text = binding_argument_text(L, 1, &size, BASE64_SIGNATURE);

  text_buffer *out = binding_buffer_push(L);
  base64_encode(out, text, size);
  binding_buffer_finish(L, out);
  return 1;
}

int luaopen_weir_bytes(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(bytes, crc32),
                                       BINDING_FUNCTION(bytes, base64), BINDING_END};
  luaL_newlib(L, functions);
  return 1;
}
