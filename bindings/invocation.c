/* weir.invocation: what the Lambda runtime is handling. Outside of an invocation every function
 * raises.
 *
 *   context() → { request_id, function_arn, trace_id, client_context, cognito_identity, tenant_id
 *               (each only when Lambda sent it), deadline_ms, stop_at_ms (epoch; absent: none) }
 *   event() → the event, members that hold secrets as weir.secret
 *           | nil, message, "InvalidJson"
 *   stream(text[, content_type]) sends a part of the response at once
 *
 * Memory: none; texts are copied. */
#include "binding.h"
#include "core/json/scan.h"
#include "json_lua.h"
#include "lambda/runtime.h"
#include "registry.h"

static const runtime_invocation *check_invocation(lua_State *L) {
  const runtime_invocation *invocation = lambda_runtime_invocation(L);
  if (!invocation) luaL_error(L, "there is no invocation");
  return invocation;
}

static int invocation_context(lua_State *L) {
  check_invocation(L);
  lambda_runtime_push_context(L);
  return 1;
}

static int invocation_event(lua_State *L) {
  const runtime_invocation *invocation = check_invocation(L);
  json_scan scan;
  json_scan_begin(&scan, invocation->event, invocation->event_size);
  if (json_decode_push_hiding(L, &scan, JSON_SECRETS_NAMES) && json_scan_finish(&scan)) return 1;
  size_t line, column;
  json_scan_place(&scan, &line, &column);
  return binding_fail(L, "InvalidJson", "line %I, column %I: %s", (LUAI_UACINT)line,
                      (LUAI_UACINT)column, scan.error);
}

static int invocation_stream(lua_State *L) {
  check_invocation(L);
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "weir.invocation.stream(text[, content_type])");
  size_t size;
  const char *text = lua_tolstring(L, 1, &size);
  lambda_runtime_stream(L, luaL_optstring(L, 2, "application/octet-stream"), text, size);
  return 0;
}

int luaopen_weir_invocation(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"context", invocation_context},
      {"event", invocation_event},
      {"stream", invocation_stream},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
