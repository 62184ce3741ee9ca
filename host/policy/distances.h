/* How many calls a value of a policy's code is away from a decision: its *distance*. batch {…} has
 * distance 0, batch itself 1, a function that returns batch {…} 1, one that returns batch 2.
 * Memory: the Lua state's. Every function raises when memory or the budget is spent. */
#ifndef WEIR_POLICY_DISTANCES_H
#define WEIR_POLICY_DISTANCES_H

#include "policy/code_writers.h"
#include "policy/impl.h"

enum { DISTANCE_NEVER = -1, DISTANCE_DECISION = 0, DISTANCE_MAKER = 1, DISTANCE_MAX = 3 };

typedef struct {
  lua_State *L;
  int distances;        /* stack index: function → its distance */
  int pcall, assertion; /* stack indices: the policies' own */
  int writers;          /* stack index: for code_writers_find */
  int closure;          /* stack index: the live closure that is read */
  int steps;            /* taken back from the value that is looked at; 0 before the first */
} distance_search;

/* Where a value is looked for: what the register holds before the instruction. */
typedef struct {
  const code_function *function;
  size_t pc;
  unsigned reg;
  int depth; /* steps back already taken */
} code_place;

/* The least distance that the value of the place may have. */
int distances_of(distance_search *s, code_place at);

/* That of what the call, or tail call, at `call` writes to the register. */
int distances_of_result(distance_search *s, code_place at, size_t call, code_instruction i);

/* Pushes a value that the place may have, when one is known while the policy is loaded. */
bool distances_push_value(distance_search *s, code_place at);

/* Is the function that is called known, and the one at the stack index? */
bool distances_calls(distance_search *s, code_place callee, int known);

#endif
