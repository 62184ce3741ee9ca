/* The program as a Lambda custom runtime: next → handle → respond, until Lambda ends it. Trusted
 * Lua (lua/weir/runtime.lua) calls the handler; this is the loop around it, its deadlines and
 * signals. With AWS_LAMBDA_MAX_CONCURRENCY that many loops run, each in a thread with a Lua state
 * of its own.
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

/* What the poller that owns this state is handling; NULL between invocations and outside of the
 * runtime. */
const runtime_invocation *lambda_runtime_invocation(lua_State *L);

/* Pushes { request_id, function_arn, trace_id, client_context, cognito_identity, tenant_id (each
 * only when Lambda sent it), deadline_ms, stop_at_ms (epoch; only when Lambda named a deadline) }
 * of the invocation that is being handled. */
void lambda_runtime_push_context(lua_State *L);

/* How many milliseconds what the handler calls may wait; INT64_MAX outside of a handler. */
int64_t lambda_runtime_time_left(lua_State *L);

/* The nearer of a deadline (epoch; 0: none) and the handler's own. */
int64_t lambda_runtime_deadline(lua_State *L, int64_t deadline_ms);

/* Sends a part of a streamed response; the first begins it. When the peer is gone nothing more is
 * sent; the loop reports that. content_type matters for the first part only. */
void lambda_runtime_stream(lua_State *L, const char *content_type, const char *bytes, size_t size);

#endif
