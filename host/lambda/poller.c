/* What a poller is handling, as the code that runs in its Lua state sees it. See impl.h.
 * Memory: texts are copied into Lua. */
#include <lauxlib.h>

#include "lambda/impl.h"

const runtime_invocation *lambda_runtime_invocation(lua_State *L) {
  const lambda_poller *self = lambda_poller_of(L);
  return self ? self->progress.invocation : NULL;
}

static void push_text(lua_State *L, const char *text) {
  lua_pushstring(L, *text ? text : NULL);
}

static void push_time(lua_State *L, int64_t time_ms) {
  if (time_ms == INT64_MAX)
    lua_pushnil(L);
  else
    lua_pushinteger(L, time_ms);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  push_text(L, text);
  lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, int64_t time_ms) {
  push_time(L, time_ms);
  lua_setfield(L, -2, name);
}

int lambda_poller_push_beginning(lua_State *L) {
  const lambda_progress *progress = &lambda_poller_of(L)->progress;
  push_text(L, progress->invocation->request_id);
  push_text(L, progress->invocation->trace_id);
  push_time(L, progress->stop_at_ms);
  return 3;
}

void lambda_runtime_push_context(lua_State *L) {
  const lambda_progress *progress = &lambda_poller_of(L)->progress;
  const runtime_invocation *invocation = progress->invocation;
  lua_createtable(L, 0, 8);
  set_text(L, "request_id", invocation->request_id);
  set_text(L, "function_arn", invocation->function_arn);
  set_text(L, "trace_id", invocation->trace_id);
  set_text(L, "client_context", invocation->client_context);
  set_text(L, "cognito_identity", invocation->cognito_identity);
  set_text(L, "tenant_id", invocation->tenant_id);
  set_time(L, "deadline_ms", progress->deadline_ms);
  set_time(L, "stop_at_ms", progress->stop_at_ms);
}
