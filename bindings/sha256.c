/* weir.sha256: hexadecimal digests, 64 lower-case digits.
 *   hex(text) → digest
 *   file(path[, offset[, length]]) → digest of a file, or of a part of it | nil, message,
 * "FileFailed" Memory: none is kept. */
#include "core/system/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "registry.h"

static int hex(lua_State *L) {
  char digits[SHA256_HEX];
  size_t size;
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "sha256.hex(text)");
  const char *text = lua_tolstring(L, 1, &size);
  sha256_text(text, size, digits);
  lua_pushstring(L, digits);
  return 1;
}

/* Hashes length bytes, or all that follow when length is negative. False: fewer are there (errno
 * is 0), or errno says why not. */
static bool hash_stream(FILE *stream, int64_t length, char digits[SHA256_HEX]) {
  sha256_context context;
  uint8_t digest[SHA256_SIZE];
  char chunk[65536];
  size_t got = 1;
  sha256_start(&context);
  errno = 0;
  while (got > 0 && length != 0) {
    size_t wanted = length < 0 || length > (int64_t)sizeof chunk ? sizeof chunk : (size_t)length;
    got = fread(chunk, 1, wanted, stream);
    sha256_update(&context, chunk, got);
    if (length > 0) length -= (int64_t)got;
  }
  sha256_finish(&context, digest);
  sha256_hex(digest, digits);
  return length <= 0 && !ferror(stream);
}

static int file(lua_State *L) {
  static const char *const signature = "sha256.file(path[, offset[, length]])";
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, signature);
  const char *path = lua_tostring(L, 1);
  int64_t offset = luaL_optinteger(L, 2, 0), length = luaL_optinteger(L, 3, -1);
  binding_expect(L, offset >= 0, signature);
  char digits[SHA256_HEX];
  FILE *stream = fopen(path, "rbe");
  if (!stream) return binding_fail(L, "FileFailed", "cannot read %s: %s", path, strerror(errno));
  bool whole = fseeko(stream, offset, SEEK_SET) == 0 && hash_stream(stream, length, digits);
  int reason = errno;
  fclose(stream);
  if (!whole)
    return binding_fail(L, "FileFailed", "cannot read %s: %s", path,
                        reason ? strerror(reason) : "it is shorter than that");
  lua_pushstring(L, digits);
  return 1;
}

int luaopen_weir_sha256(lua_State *L) {
  static const luaL_Reg functions[] = {{"hex", hex}, {"file", file}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
