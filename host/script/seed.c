/* See seed.h. */
#include "script/seed.h"

#include "core/system/process.h"

/* Any number would do; every digest of a replay that spends a budget depends on it. */
enum { FIXED_SEED = 0x77656972 }; /* "weir" */

/* What the state that this thread is about to make gets. A state that is made by lua_newstate
 * itself gets a random one. */
static _Thread_local script_seed next_seed = SCRIPT_SEED_RANDOM;

unsigned script_seed_of_new_state(void) {
  unsigned seed = FIXED_SEED;
  if (next_seed == SCRIPT_SEED_RANDOM && !process_random(&seed, sizeof seed))
    seed ^= (unsigned)process_time_us();
  return seed;
}

lua_State *script_seed_new_state(lua_Alloc allocate, void *context, script_seed seed) {
  next_seed = seed;
  lua_State *L = lua_newstate(allocate, context);
  next_seed = SCRIPT_SEED_RANDOM;
  return L;
}
