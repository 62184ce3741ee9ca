/* Read-only tables. Freezing works in place, for every holder of the table: its contents move to
 * a table that only its metatable knows, so that a write finds an absent key and is refused.
 * Reading stays a plain lookup (`__index` is a table); `#`, ipairs, pairs and next see the
 * contents. C reads a frozen table with lua_getfield, lua_geti and luaL_len, not with lua_raw*.
 * Memory: the Lua state's. */
#ifndef WEIR_SANDBOX_FREEZE_H
#define WEIR_SANDBOX_FREEZE_H

#include <lua.h>
#include <stdbool.h>

/* Freezes the table at index and every table in it; a write raises "NAME is read-only: 'key'
 * cannot be set", for a table inside with its own place: "NAME.inner is read-only". Tables that
 * have a metatable are left as they are: they are frozen, or the host's. May raise for memory. */
void sandbox_freeze_table(lua_State *L, int index, const char *name);

/* Pushes the table that holds the contents of the table at index: the one its metatable names, or
 * itself. */
void sandbox_push_contents(lua_State *L, int index);

#endif
