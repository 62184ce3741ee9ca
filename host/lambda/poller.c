/* Which poller owns a Lua state, and what it is doing. See impl.h. Memory: none. */
#include "lambda/impl.h"

const lambda_progress *lambda_runtime_progress(lua_State *L) {
  lambda_poller *self = lambda_poller_of(L);
  return self ? &self->progress : NULL;
}
