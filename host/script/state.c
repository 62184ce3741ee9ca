/* The trusted Lua state. See state.h. */
#include "script/state.h"

#include <lualib.h>

#include "script/embedded_lua.h"
#include "script/gc_stress.h"
#include "script/lua_allocator.h"
#include "script/seed.h"

/* lua_newstate's allocator. */
static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
  return lua_allocator_resize(context, block, old_size, new_size);
}

/* package.searchers entry: the modules inside the program. */
static int search_embedded(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const embedded_lua_module *module = embedded_lua_find(name);
  if (!module) {
    lua_pushfstring(L, "no module '%s' inside weir", name);
    return 1;
  }

  embedded_lua_load(L, module);
  lua_pushstring(L, module->chunk + 1);

  return 2;
}

static void install_modules(lua_State *L, const luaL_Reg *modules) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const luaL_Reg *module = modules; module->name; module++) {
    lua_pushcfunction(L, module->func);
    lua_setfield(L, -2, module->name);
  }

  lua_pop(L, 1);
}

/* Ours comes right after package.preload, before anything on disk can take its name. */
static void install_searcher(lua_State *L) {
  lua_getglobal(L, "table");
  lua_getfield(L, -1, "insert");
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  lua_remove(L, -2);
  lua_pushinteger(L, 2);
  lua_pushcfunction(L, search_embedded);
  lua_call(L, 3, 0);
  lua_pop(L, 1);
}

static int open_everything(lua_State *L) {
  const luaL_Reg *modules = lua_touserdata(L, 1);
  luaL_openlibs(L);
  install_modules(L, modules);
  install_searcher(L);

  return 0;
}

lua_State *script_state_new(const luaL_Reg *modules) {
  lua_allocator *allocator = lua_allocator_for_state();
  lua_State *L = script_seed_new_state(allocate, allocator, SCRIPT_SEED_RANDOM);
  lua_allocator_release(allocator);
  if (!L) return NULL;
  *(void **)lua_getextraspace(L) = NULL; /* lambda/runtime.c keeps its poller there */
  gc_stress(L);
  lua_pushcfunction(L, open_everything);
  lua_pushlightuserdata(L, (void *)modules);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    lua_close(L);
    return NULL;
  }

  return L;
}
