/* Which upvalues of a live Lua closure its code can assign, directly or in a function nested in
 * it. Lua has no call for that: it is read from the precompiled form that lua_dump gives.
 * Memory: the caller's buffer. */
#ifndef WEIR_POLICY_CLOSURE_WRITES_H
#define WEIR_POLICY_CLOSURE_WRITES_H

#include <lua.h>
#include <stdbool.h>

#include "core/text/text_buffer.h"

enum { UPVALUES_MAX = 255 };

typedef struct {
  int line[UPVALUES_MAX]; /* by upvalue, from 0: the first line that assigns it; 0: none does */
} closure_writes;

/* The Lua function at index; scratch is for its precompiled form, the same for many. False when the
 * dump cannot be read (memory, or not the Lua this was written for): then nothing is known. May
 * raise a spent budget, never anything else. */
bool closure_writes_find(lua_State *L, int index, text_buffer *scratch, closure_writes *writes);

#endif
