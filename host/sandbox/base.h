/* The basic functions of a policy: assert, error, ipairs, next, pairs, pcall, select, tonumber,
 * tostring, type. As in Lua, but the same on every machine and in every run (see
 * order.h), bounded by the state's budget, and without addresses. What Lua has besides
 * them is missing on purpose: it reads a clock or a file, compiles code, or reaches behind a
 * frozen table.
 *
 * A table with a metatable (C alone can give it one) may carry the field `__pairs`: the table
 * that holds its contents, or a function as in Lua. `pairs` and `next` obey it.
 * Memory: the Lua state's. */
#ifndef WEIR_SANDBOX_BASE_H
#define WEIR_SANDBOX_BASE_H

#include <lua.h>

/* Pushes one plain table of the functions above; the state needs its budget attached. */
int sandbox_open_base(lua_State *L);

#endif
