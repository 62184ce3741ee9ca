/* The trusted Lua state. See state.h. */
#include "script/state.h"

#include <lauxlib.h>
#include <lualib.h>

#include "registry.h"
#include "script/embedded_lua.h"
#include "script/lua_allocator.h"

/* lua_newstate's allocator. */
static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
  return lua_allocator_resize(context, block, old_size, new_size);
}

void script_state_stress_gc(lua_State *L) {
#ifdef WEIR_GC_STRESS
  /* A pause of 0 and the largest step multiplier: a whole cycle at each allocation debt. */
  lua_gc(L, LUA_GCINC, 1, 1000, 1);
#else
  (void)L;
#endif
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

static void install_bindings(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const luaL_Reg *binding = registry_bindings; binding->name; binding++) {
    lua_pushcfunction(L, binding->func);
    lua_setfield(L, -2, binding->name);
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
  luaL_openlibs(L);
  install_bindings(L);
  install_searcher(L);
  return 0;
}

lua_State *script_state_new(void) {
  lua_allocator *allocator = lua_allocator_for_state();
  lua_State *L = lua_newstate(allocate, allocator);
  lua_allocator_release(allocator);
  if (!L) return NULL;
  *(void **)lua_getextraspace(L) = NULL; /* lambda/runtime.c keeps its poller there */
  script_state_stress_gc(L);
  lua_pushcfunction(L, open_everything);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
    lua_close(L);
    return NULL;
  }
  return L;
}
