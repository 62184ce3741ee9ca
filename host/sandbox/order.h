/* The one order in which a policy sees the keys of a table: integers ascending, other numbers
 * ascending, strings by bytes, false, true. It does not depend on insertion order or hash seed.
 * Tables and functions have no order and are refused as keys of a traversal.
 * Memory: Lua values. The work is charged to the state's budget. */
#ifndef WEIR_SANDBOX_ORDER_H
#define WEIR_SANDBOX_ORDER_H

#include <lua.h>

/* Pushes a list of the keys of the table at index, in order; metamethods are not asked. */
void sandbox_push_sorted_keys(lua_State *L, int index);

/* The same for the host's own walks: keys without an order come last instead of being refused. */
void sandbox_push_all_keys(lua_State *L, int index);

/* Replaces the key on top by the one that follows it in the table at index, by the first one
 * if it is nil, by nil if it is the last. Looks at every key: O(n). */
void sandbox_next_key(lua_State *L, int index);

#endif
