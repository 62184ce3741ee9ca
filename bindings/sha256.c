/* weir.sha256: hexadecimal digests, 64 lower-case digits.
 *
 *   hex(text) → digest
 *   file(path[, offset[, length]]) → digest of a file, or of that many bytes from the offset on
 *       | nil, message, "FileFailed"
 *
 * Over host/core/system/sha256.c. Memory: none is kept. */
#include "core/system/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "registry.h"

static const char HEX_SIGNATURE[] = "weir.sha256.hex(text)";

static int lua_sha256_hex(lua_State *L) {
  char digits[SHA256_HEX];
  size_t size;
  lua_settop(L, 1);
  const char *text = binding_argument_text(L, 1, &size, HEX_SIGNATURE);

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

/* Hashes a part of a file; false, and errno or 0 for a file that is too short. */
static bool hash_file(const char *path, int64_t offset, int64_t length, char digits[SHA256_HEX]) {
  FILE *stream = fopen(path, "rbe");
  if (!stream) return false;
  bool whole = fseeko(stream, offset, SEEK_SET) == 0 && hash_stream(stream, length, digits);
  int reason = errno;
  fclose(stream);
  errno = reason;

  return whole;
}

static const char FILE_SIGNATURE[] = "weir.sha256.file(path[, offset[, length]])";

/* An offset or a length in bytes, or `otherwise`. */
static int64_t read_bytes(lua_State *L, int index, int64_t otherwise) {
  if (lua_isnoneornil(L, index)) return otherwise;
  return binding_argument_integer(L, index, 0, LUA_MAXINTEGER, FILE_SIGNATURE);
}

static int lua_sha256_file(lua_State *L) {
  char digits[SHA256_HEX];
  lua_settop(L, 3);
  const char *path = binding_argument_name(L, 1, FILE_SIGNATURE);
  int64_t offset = read_bytes(L, 2, 0), length = read_bytes(L, 3, -1);

  if (!hash_file(path, offset, length, digits))
    return binding_fail(L, "FileFailed", "cannot read %s: %s", path,
                        errno ? strerror(errno) : "it is shorter than that");

  lua_pushstring(L, digits);
  return 1;
}

int luaopen_weir_sha256(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(sha256, hex),
                                       BINDING_FUNCTION(sha256, file), BINDING_END};
  luaL_newlib(L, functions);
  return 1;
}
