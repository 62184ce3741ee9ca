/* Running weir's own Lua inside a sandbox: the vocabulary, the kinds, the checks. See impl.h. */
#include <lauxlib.h>

#include "policy/impl.h"
#include "script/embedded_lua.h"

/* The libraries are a trusted module's globals, too. */
void policy_trusted_run(lua_State *L, const char *name, int arguments, int results) {
  const embedded_lua_module *module = embedded_lua_find(name);
  if (!module) luaL_error(L, "no module '%s' inside weir", name);
  unsigned serial = lua_setserial(L, 0); /* compiled or precompiled: the build's affair */
  embedded_lua_load(L, module);
  lua_setserial(L, serial);
  lua_rawgeti(L, LUA_REGISTRYINDEX, policy_sandbox_at(L)->environment);
  lua_setupvalue(L, -2, 1);
  lua_insert(L, -1 - arguments);
  lua_call(L, arguments, results);
}
