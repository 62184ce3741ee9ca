/* What one decision may cost: VM instructions (and the steps that C functions charge) and bytes.
 * A spent budget stays spent until sandbox_budget_start: neither pcall nor an error handler can
 * win time or memory back.
 *
 * Memory: the budget belongs to the sandbox that owns the Lua state; a pointer to it lives in the
 * state's extra space. A library function whose work is not bounded by a constant
 * charges that work here. */
#ifndef WEIR_SANDBOX_BUDGET_H
#define WEIR_SANDBOX_BUDGET_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/lua_allocator.h"

/* The owner sets the limits and, if it likes, blocks; it leaves the rest zero. */
typedef struct {
  int64_t instruction_limit; /* per decision */
  int64_t instructions_used; /* counted in whole hook periods plus charges */
  size_t memory_limit;       /* bytes alive in the state, garbage not yet collected included */
  lua_allocator *blocks;     /* where they come from; NULL: malloc */
  size_t memory_used;
  size_t memory_peak;
  bool instructions_spent;
  bool memory_spent;
  bool starved; /* memory_spent, though within the limit: the machine had none left */
  /* The rest is budget.c's own. */
  lua_State *state;          /* NULL until attached */
  int period;                /* instructions between two calls of the hook */
  int poor_rescues;          /* collections forced by the memory limit that gained little */
  size_t allocated;          /* bytes since the last of them, or since the decision began */
  const void *refused_block; /* the last request refused and not yet granted, */
  size_t refused_size;       /* and its size; 0: none */
  char reason[160];          /* "FILE:LINE: … spent"; empty: nothing spent */
} sandbox_budget;

static inline sandbox_budget *sandbox_budget_of(lua_State *L) {
  return *(sandbox_budget **)lua_getextraspace(L);
}

/* lua_newstate's allocator; context is the sandbox_budget. Returns NULL over the limit. */
void *sandbox_budget_allocate(void *context, void *block, size_t old_size, size_t new_size);

/* Ties the budget to the state (after lua_newstate, before any other state is made from it). */
void sandbox_budget_attach(lua_State *L, sandbox_budget *budget);

/* A fresh budget: clears the spent marks and counts, and (re)arms the instruction hook. */
void sandbox_budget_start(lua_State *L);

/* Adds work done by C to the instruction count; raises once the limit is passed. Charge about
 * one step per byte or element touched (divide by 16 for memcpy-like work), before doing it. */
void sandbox_charge(lua_State *L, size_t steps);

/* Makes room for `bytes` before C asks for them, collecting garbage if it must; false when that
 * much does not fit even so. For what is built in a luaL_Buffer: its allocations fail where Lua's
 * own would have collected garbage and tried again. Costs no steps, because how much garbage there
 * is depends on earlier decisions; raises when garbage is collected over and over for little. */
bool sandbox_make_room(lua_State *L, size_t bytes);

/* After a failed protected call inside the sandbox: true when the error must not be caught. */
bool sandbox_budget_is_spent(lua_State *L);

/* What was spent, and where if known: "policies/routing.lua:3: instruction budget of 200000
 * spent". Empty when nothing is. Valid until the next sandbox_budget_start; uses no Lua memory,
 * so the host reports this rather than the error value of a spent budget. */
const char *sandbox_budget_reason(lua_State *L);

/* C had no memory for what is not Lua's: the budget is spent as when Lua has none. Raises. */
int sandbox_budget_raise_shortage(lua_State *L);

/* Raises sandbox_budget_reason. */
int sandbox_budget_raise(lua_State *L);

#endif
