/* Creates and closes the trusted Lua state: every standard library, the program's own C modules and
 * the embedded Lua modules. Operators' policies never run here; they run in a policy_sandbox.
 * Memory: the caller owns the state and closes it with lua_close. */
#ifndef WEIR_SCRIPT_STATE_H
#define WEIR_SCRIPT_STATE_H

#include <lauxlib.h>
#include <lua.h>

/* Makes a state in which `require` finds the given C modules: pairs of name and opener that end
 * with a NULL name, such as registry_bindings. NULL when memory is short. */
lua_State *script_state_new(const luaL_Reg *modules);

#endif
