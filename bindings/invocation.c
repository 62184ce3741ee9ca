/* weir.invocation: what the Lambda runtime is handling. Only code that runs under
 * host/lambda_runtime.c may call it; elsewhere every function raises.
 *
 *   context() → { request_id, function_arn, trace_id, client_context, cognito_identity, tenant_id
 *               (each only when Lambda sent it), deadline_ms, stop_at_ms (epoch; absent: none) }
 *   event() → the event, members that hold secrets as weir.secret
 *           | nil, message, "InvalidJson"
 *   stream(text[, content_type]) sends a part of the response at once
 *   call(f, on_failure, …) → true, f's results | false, on_failure's answer to what f raised
 *       f is what the deadline stops, however often it catches that, and what f closes at its end;
 *       on_failure is not stopped
 *   expired() → whether the handler was stopped because its time was over
 *
 * Memory: none; texts are copied. */
#include "binding.h"
#include "core/json/scan.h"
#include "json_lua.h"
#include "lambda/runtime.h"
#include "registry.h"

static const lambda_progress *check_progress(lua_State *L) {
  const lambda_progress *progress = lambda_runtime_progress(L);
  if (!progress || !progress->invocation) luaL_error(L, "there is no invocation");
  return progress;
}

static void set_text(lua_State *L, const char *name, const char *text) {
  if (!*text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_time(lua_State *L, const char *name, int64_t time_ms) {
  if (time_ms == INT64_MAX) return;
  lua_pushinteger(L, time_ms);
  lua_setfield(L, -2, name);
}

static int invocation_context(lua_State *L) {
  const lambda_progress *progress = check_progress(L);
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
  return 1;
}

static int invocation_event(lua_State *L) {
  const runtime_invocation *invocation = check_progress(L)->invocation;
  json_scan scan;
  json_scan_begin(&scan, invocation->event, invocation->event_size);
  if (json_decode_push_hiding(L, &scan, JSON_SECRETS_NAMES) && json_scan_finish(&scan)) return 1;
  size_t line, column;
  json_scan_place(&scan, &line, &column);
  return binding_fail(L, "InvalidJson", "line %I, column %I: %s", (LUAI_UACINT)line,
                      (LUAI_UACINT)column, scan.error);
}

static int invocation_stream(lua_State *L) {
  check_progress(L);
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "weir.invocation.stream(text[, content_type])");
  size_t size;
  const char *text = lua_tolstring(L, 1, &size);
  lambda_runtime_stream(L, luaL_optstring(L, 2, "application/octet-stream"), text, size);
  return 0;
}

/* In C, because the hook of an expired invocation would raise at the first instruction of a handler
 * that is written in Lua. */
static int on_raised(lua_State *L) {
  lambda_runtime_release(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  lambda_runtime_limit_end(L);
  return 1;
}

static int invocation_call(lua_State *L) {
  check_progress(L);
  binding_expect(L, lua_isfunction(L, 1) && lua_isfunction(L, 2),
                 "weir.invocation.call(f, on_failure, …)");
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, on_raised, 1); /* f on_failure … f on_raised */
  lua_replace(L, 1);
  lua_replace(L, 2); /* on_raised f … */
  lambda_runtime_limit(L);
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 1);
  lambda_runtime_release(L);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 1);
  return lua_gettop(L);
}

static int invocation_expired(lua_State *L) {
  lua_pushboolean(L, check_progress(L)->expired);
  return 1;
}

int luaopen_weir_invocation(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"context", invocation_context}, {"event", invocation_event},
      {"stream", invocation_stream},   {"call", invocation_call},
      {"expired", invocation_expired}, {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
