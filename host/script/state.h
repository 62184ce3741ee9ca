/* Creates and closes the trusted Lua state: every standard library, every `weir.*` binding and
 * the embedded modules. Operators' policies never run here; they run in a policy_sandbox.
 * Memory: the caller owns the state and closes it with lua_close. */
#ifndef WEIR_SCRIPT_STATE_H
#define WEIR_SCRIPT_STATE_H

#include <lua.h>

/* NULL when memory is short. */
lua_State *script_state_new(void);

/* Makes the collector run a full cycle every few instructions when built with WEIR_GC_STRESS:
 * values that C forgot to anchor die at once. Does nothing otherwise. */
void script_state_stress_gc(lua_State *L);

#endif
