/* What one decision may cost: steps and bytes. A step is a VM instruction, or about as much work
 * that an instruction or a C function does beyond its first. Bytes are those of all strings,
 * tables, functions and stack that the decision makes; the collector gives none of them back.
 *
 * Both counts follow from the code and its input alone. It does not matter what was decided before,
 * when the collector ran, or whether a string was there already (deploy/lua/patches/05-meter.patch
 * counts inside Lua). A spent budget stays spent until sandbox_budget_start: neither pcall nor an
 * error handler can win time or memory back.
 *
 * Memory: the budget belongs to the sandbox that owns the Lua state; the state's extra space points
 * to it. */
#ifndef WEIR_SANDBOX_BUDGET_H
#define WEIR_SANDBOX_BUDGET_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/lua_allocator.h"

/* The owner sets the limits and, if it likes, blocks; it leaves the rest zero. */
typedef struct {
  int64_t instruction_limit; /* steps */
  size_t memory_limit;       /* bytes made */
  lua_allocator *blocks;     /* where blocks come from; NULL: malloc */
  size_t memory_used;        /* bytes of the state's blocks, garbage included */
  bool instructions_spent;
  bool memory_spent;
  bool starved; /* the system had no more: not the policy's doing */
  /* The rest is budget.c's own. */
  lua_State *state; /* NULL until attached */
  lua_Meter meter;
  uint64_t start;            /* lua_steps then */
  int64_t instructions_used; /* as it was when the budget stopped */
  bool running;
  bool priced;               /* between sandbox_budget_open_price and its end */
  size_t bytes_before;       /* meter.bytes then */
  int period;                /* instructions that are counted at once */
  size_t collect_above;      /* memory_used that lets the next start collect garbage */
  const void *refused_block; /* the last request that the system refused, */
  size_t refused_size;       /* and its size; 0: none */
  char reason[160];          /* "FILE:LINE: … spent"; empty: nothing spent */
} sandbox_budget;

static inline sandbox_budget *sandbox_budget_of(lua_State *L) {
  return *(sandbox_budget **)lua_getextraspace(L);
}

/* lua_newstate's allocator; context is the sandbox_budget. NULL when the system has no memory. */
void *sandbox_budget_allocate(void *context, void *block, size_t old_size, size_t new_size);

/* Ties the budget to the state (after lua_newstate, before any other state is made from it). From
 * then on garbage is collected only in sandbox_budget_start and when the system has no memory. */
void sandbox_budget_attach(lua_State *L, sandbox_budget *budget);

/* A fresh budget: clears the spent marks and counts, and begins to count. Collects garbage
 * first when half of memory_limit has piled up. A call inside a decision only begins a new
 * count. Never raises. */
void sandbox_budget_start(lua_State *L);

/* Begins the count again where none of the state's own code has run since the start: what the host
 * did costs the decision nothing. */
void sandbox_budget_restart(lua_State *L);

/* Ends the counting, so that the host may use the state without limits; the counts and the spent
 * marks stay. */
void sandbox_budget_stop(lua_State *L);

/* Ends the counting, collects all garbage and sets the limits of later starts. */
void sandbox_budget_change(lua_State *L, int64_t instruction_limit, size_t memory_limit);

/* Since the start: steps, in whole periods plus charges, and bytes. */
int64_t sandbox_budget_instructions(const sandbox_budget *budget);
size_t sandbox_budget_bytes(const sandbox_budget *budget);

/* What the host does between these two costs the decision nothing: work of which nobody can say
 * whether an earlier decision has done it. Charge a fixed price for it instead. */
typedef struct {
  uint64_t steps;
  size_t bytes;
} sandbox_pause;
sandbox_pause sandbox_budget_pause(lua_State *L);
void sandbox_budget_resume(lua_State *L, sandbox_pause pause);

/* Charges a fixed number of bytes, and nothing for what is made until sandbox_budget_close_price:
 * what the host makes of the facts takes many times the memory of their text, and how much is not
 * the policy's doing. Steps count on. Nothing in between may raise but for a spent budget and a
 * shortage of memory. */
void sandbox_budget_open_price(lua_State *L, size_t bytes);
void sandbox_budget_close_price(lua_State *L);

/* lua_checkstack, which ends the decision as a spent budget when that fails. */
void sandbox_budget_need_stack(lua_State *L, int slots);

/* Adds work done by C to the steps; raises once the limit is passed. Charge about one step per byte
 * or element touched (divide by 16 for memcpy-like work), before doing it. */
void sandbox_charge(lua_State *L, size_t steps);

/* The same for memory that Lua does not count itself: what a luaL_Buffer grows to. */
void sandbox_charge_bytes(lua_State *L, size_t bytes);

/* After a failed protected call inside the sandbox: true when the error must not be caught, because
 * a limit is spent or the system has no memory. */
bool sandbox_budget_is_spent(lua_State *L);

/* What was spent, and where if known: "policies/routing.lua:3: instruction budget of 200000
 * spent". Empty when nothing is. Valid until the next sandbox_budget_start; uses no Lua memory,
 * so the host reports this rather than the error value of a spent budget. */
const char *sandbox_budget_reason(lua_State *L);

/* C had no memory for what is not Lua's: the decision ends as when Lua has none. Raises. */
int sandbox_budget_raise_shortage(lua_State *L);

/* Raises sandbox_budget_reason. */
int sandbox_budget_raise(lua_State *L);

#endif
