/* Read-only tables. Freezing works in place, for every holder of the table: Lua looks at each write
 * (lua_guard), and the metatable refuses it. Reading stays a plain lookup.
 * Memory: the Lua state's. */
#ifndef WEIR_SANDBOX_FREEZE_H
#define WEIR_SANDBOX_FREEZE_H

#include <lua.h>
#include <stdbool.h>

/* Freezes the table at index and every table in it; a write raises "NAME is read-only: 'key'
 * cannot be set", for a table inside with its own place: "NAME.inner is read-only". Tables that
 * have a metatable are left as they are: they are frozen, or the host's. May raise for memory. */
void sandbox_freeze_table(lua_State *L, int index, const char *name);

/* Pops a function, which is called for names that the frozen table at index does not have. */
void sandbox_freeze_set_index(lua_State *L, int index);

#endif
