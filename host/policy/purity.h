/* A policy keeps nothing between decisions. Enforced when it is activated: what its decide
 * function can reach is frozen, and refused if code that can run could change it.
 * Memory: the Lua state's, and the caller's buffers. */
#ifndef WEIR_POLICY_PURITY_H
#define WEIR_POLICY_PURITY_H

#include <lua.h>
#include <stdbool.h>

#include "core/text/text_buffer.h"

/* Walks every function and table that the function at index reaches, through variables and
 * contents, but for what the environment offers. Freezes the tables in place. False, with
 * "FILE:LINE: 'NAME' …" appended to why, if a variable that outlives a decision can be assigned,
 * or holds an iterator. To be called after sandbox_close_environment, inside a protected call:
 * raises when memory or the budget is spent. What scratch holds afterwards means nothing.
 * The Lua functions are added to the table at index `closures`, once each: as elements of a list,
 * and as keys. */
bool policy_purity_enforce(lua_State *L, int function_index, int closures, text_buffer *scratch,
                           text_buffer *why);

#endif
