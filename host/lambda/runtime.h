/* The program as a Lambda custom runtime: next → handle → respond, until Lambda ends it. What a
 * handler does is trusted Lua's business (lua/weir/runtime.lua); this is the loop around it, its
 * deadlines and signals. With AWS_LAMBDA_MAX_CONCURRENCY that many loops run, each in a thread with
 * a Lua state of its own.
 *
 * Memory: a poller owns its state and its connection. */
#ifndef WEIR_LAMBDA_RUNTIME_H
#define WEIR_LAMBDA_RUNTIME_H

#include <lauxlib.h>
#include <lua.h>

#include "core/runtime_api/runtime_api.h"

/* Serves invocations with handlers that may require the given C modules (see script_state_new);
 * → the exit status of the program. */
int lambda_runtime_main(const luaL_Reg *modules);

typedef struct {
  const runtime_invocation *invocation; /* NULL between invocations */
  int64_t deadline_ms;                  /* epoch; INT64_MAX when Lambda named none */
  int64_t stop_at_ms;                   /* when the handler has to stop: a margin before that */
  volatile bool running;                /* the handler is at work: its time may run out */
  bool expired;                         /* it was stopped */
  bool streaming;                       /* a part of the response has been sent */
  bool single;                          /* no other poller shares the process */
} lambda_progress;

/* What the poller that owns this state is doing; NULL outside of the runtime. */
const lambda_progress *lambda_runtime_progress(lua_State *L);

/* The handler begins: from now on the deadline raises an error. */
void lambda_runtime_limit(lua_State *L);

/* It raised: what it does at its end, in __close, has its time too; half of what is left when it
 * was stopped. */
void lambda_runtime_limit_end(lua_State *L);

/* How many milliseconds what the handler calls may wait; INT64_MAX outside of a handler. */
int64_t lambda_runtime_time_left(lua_State *L);

/* The nearer of a deadline (epoch; 0: none) and the handler's own. */
int64_t lambda_runtime_deadline(lua_State *L, int64_t deadline_ms);

/* The handler is done: from now on the deadline raises no error. */
void lambda_runtime_release(lua_State *L);

/* Sends a part of a streamed response; the first begins it. False, for good, when the peer is gone;
 * the loop reports that. content_type matters for the first part only. */
void lambda_runtime_stream(lua_State *L, const char *content_type, const char *bytes, size_t size);

#endif
