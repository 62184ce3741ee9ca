/* The seed of a Lua state's string hashes.
 *
 * The order of a table's nodes follows from the seed, and a policy can see it: in #t of a table
 * with holes, and in what an insertion costs. So all policy states, in every process and on every
 * machine, have the same seed. It is a constant, not derived from the policy set: with a digest as
 * seed, an edited comment could change what a decision costs, and `weir diff` would show it. A
 * constant is public, so keys that collide can be made on purpose; ARCHITECTURE.md says what bounds
 * them.
 *
 * Trusted states see input that nobody bounds (events, replies), so their seed is random.
 * Memory: none. */
#ifndef WEIR_SCRIPT_SEED_H
#define WEIR_SCRIPT_SEED_H

#include <lua.h>

#ifndef LUA_SEED_BY_HOST
#error                                                                                             \
    "lua.h is not of weir's Lua (deploy/lua), so a policy's state would get a random seed and the \
same facts could give two decisions. Build with ./dev build, or take the include directory of another \
Lua off the compiler's flags"
#endif

typedef enum { SCRIPT_SEED_FIXED, SCRIPT_SEED_RANDOM } script_seed;

/* As lua_newstate, with such a seed. NULL when memory is short. */
lua_State *script_seed_new_state(lua_Alloc allocate, void *context, script_seed seed);

/* Called by lua_newstate (deploy/lua/patches/01-seed.patch). */
unsigned script_seed_of_new_state(void);

/* Where a state keeps its short strings follows from this: a secret, for policy states too
 * (04-string-table.patch). Called by lua_newstate. */
unsigned long long script_seed_of_strings(void);

#endif
