/* What a policy set tells of itself: methods of weir.policy_set beside those that decide.
 * Memory: Lua values, copies of everything. */
#ifndef WEIR_POLICY_SET_INSPECT_H
#define WEIR_POLICY_SET_INSPECT_H

#include <lua.h>

/* Adds them to the registered type. */
void policy_set_inspect_register(lua_State *L);

#endif
