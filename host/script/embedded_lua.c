/* Finds a trusted Lua module by its name. The table is small, so a scan is enough. */
#include "script/embedded_lua.h"

#include <lauxlib.h>
#include <string.h>

const embedded_lua_module *embedded_lua_find(const char *name) {
  for (const embedded_lua_module *m = embedded_lua_modules; m->name; m++)
    if (strcmp(m->name, name) == 0) return m;
  return NULL;
}

void embedded_lua_load(lua_State *L, const embedded_lua_module *module) {
  if (luaL_loadbufferx(L, module->code, module->size, module->chunk, "bt") != LUA_OK) lua_error(L);
}
