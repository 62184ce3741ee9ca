/* See seed.h. */
#include "script/seed.h"

#include "core/system/process.h"

/* Any number would do; every digest of a replay that spends a budget depends on it. */
enum { FIXED_SEED = 0x77656972 }; /* "weir" */

/* What the state that this thread is about to make gets. A state that is made by lua_newstate
 * itself gets a random one. */
static _Thread_local script_seed next_seed = SCRIPT_SEED_RANDOM;

unsigned long long script_seed_of_strings(void) {
  unsigned long long secret;
  if (!process_random(&secret, sizeof secret)) secret = (unsigned long long)process_time_us();
  return secret;
}

unsigned script_seed_of_new_state(void) {
  return next_seed == SCRIPT_SEED_FIXED ? FIXED_SEED : (unsigned)script_seed_of_strings();
}

lua_State *script_seed_new_state(lua_Alloc allocate, void *context, script_seed seed) {
  next_seed = seed;
  lua_State *L = lua_newstate(allocate, context);
  next_seed = SCRIPT_SEED_RANDOM;
  return L;
}
