/* weir.build: what this program is made of.
 *
 *   describe() → { version = "0.1.0", id = "sha256:…" (of the sources and Lua), lua = { version =
 * "5.4.7", package = "5.4.7-1", patches = {"01-seed", …} }, libraries = { {name =, version =}, … },
 *                  compiler = "gcc 12.2.0", architecture = "x86_64" }
 *
 * Memory: Lua's. */
#include <string.h>

#include "binding.h"
#include "core/policy_files/policy_files.h"
#include "core/system/libraries.h"
#include "registry.h"

enum { LIBRARIES_MOST = 8 };

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#if defined __x86_64__
#define ARCHITECTURE "x86_64"
#elif defined __aarch64__
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "unknown"
#endif

/* WEIR_LUA_PATCHES names them, each followed by a blank. */
static void push_patches(lua_State *L) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (const char *at = WEIR_LUA_PATCHES, *end; (end = strchr(at, ' ')); at = end + 1) {
    lua_pushlstring(L, at, (size_t)(end - at));
    lua_rawseti(L, -2, ++count);
  }
}

static void push_lua(lua_State *L) {
  lua_newtable(L);
  binding_set_text(L, "version", LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE);
  binding_set_text(L, "package", WEIR_LUA_PACKAGE);
  push_patches(L);
  lua_setfield(L, -2, "patches");
}

static void push_libraries(lua_State *L) {
  libraries_entry entries[LIBRARIES_MOST];
  size_t count = libraries_list(entries, LIBRARIES_MOST);
  lua_newtable(L);
  for (size_t i = 0; i < count && i < LIBRARIES_MOST; i++) {
    lua_newtable(L);
    binding_set_text(L, "name", entries[i].name);
    binding_set_text(L, "version", entries[i].version);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static int lua_build_describe(lua_State *L) {
  binding_argument_most(L, 0, "weir.build.describe()");

  lua_newtable(L);
  binding_set_text(L, "version", WEIR_VERSION);
  binding_set_text(L, "id", policy_files_build());
  push_lua(L);
  lua_setfield(L, -2, "lua");
  push_libraries(L);
  lua_setfield(L, -2, "libraries");
  binding_set_text(L, "compiler", COMPILER);
  binding_set_text(L, "architecture", ARCHITECTURE);

  return 1;
}

int luaopen_weir_build(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(build, describe), BINDING_END};
  luaL_newlib(L, functions);
  return 1;
}
