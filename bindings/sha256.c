/* weir.sha256: hex(text) → 64 lower-case digits.
 * Memory: none is kept. Callers: lua/weir/handlers (names of executions), lua/weir/cli/watch.lua.
 */
#include "core/sha256.h"
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

int luaopen_weir_sha256(lua_State *L) {
  static const luaL_Reg functions[] = {{"hex", hex}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
