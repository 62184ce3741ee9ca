/* weir.invocation: what the Lambda runtime is handling. Outside of an invocation every function
 * raises "there is no invocation".
 *
 *   context() → {request_id=, function_arn=, trace_id=, client_context=, cognito_identity=,
 *       tenant_id=, deadline_ms=, stop_at_ms=}
 *       each only when Lambda sent it; the last two are milliseconds since 1970
 *   event() → the event, its JSON as weir.json encodes it | nil, message, "InvalidJson"
 *       strings that are secrets by their names come as weir.secret. The JSON is there only of an
 *       event that holds no secret, and nothing that has to be looked at closer
 *   stream(text[, content_type]) sends a part of the response at once
 *       "application/octet-stream" by default
 *
 * Over host/lambda/runtime.c. Memory: event writes into one buffer a Lua state, in an upvalue. */
#include <string.h>

#include "binding.h"
#include "core/json/scan.h"
#include "core/json/sorted.h"
#include "json_lua.h"
#include "lambda/runtime.h"
#include "registry.h"
#include "secret_clean.h"

static const runtime_invocation *check_invocation(lua_State *L) {
  const runtime_invocation *invocation = lambda_runtime_invocation(L);
  if (!invocation) luaL_error(L, "there is no invocation");
  return invocation;
}

static int lua_invocation_context(lua_State *L) {
  check_invocation(L);

  lambda_runtime_push_context(L);
  return 1;
}

/* What is larger is rarely one event, and its JSON would have to be kept beside it. */
enum { MOST_SORTED = 256 * 1024 };

static int lua_invocation_event(lua_State *L) {
  json_scan scan;
  const runtime_invocation *invocation = check_invocation(L);
  text_buffer *sorted = lua_touserdata(L, lua_upvalueindex(1));
  secret_clean_names *names = lua_touserdata(L, lua_upvalueindex(2));
  json_span text = {.at = invocation->event, .size = invocation->event_size};
  binding_buffer_begin(sorted);
  bool clean = text.size <= MOST_SORTED && json_sorted(text.at, text.size, sorted) &&
               secret_clean_is_event(text, names) && !secret_clean_has_secret_tag(text);

  json_scan_begin(&scan, text.at, text.size);
  json_secrets secrets = clean ? JSON_SECRETS_NONE : JSON_SECRETS_NAMES;
  if (json_decode_push_hiding(L, &scan, secrets) && json_scan_finish(&scan)) {
    if (!clean) return 1;
    lua_pushlstring(L, sorted->data, sorted->size);
    return 2;
  }

  size_t line, column;
  json_scan_place(&scan, &line, &column);
  return binding_fail(L, "InvalidJson", "line %I, column %I: %s", (LUAI_UACINT)line,
                      (LUAI_UACINT)column, scan.error);
}

static const char STREAM_SIGNATURE[] = "weir.invocation.stream(text[, content_type])";

static int lua_invocation_stream(lua_State *L) {
  size_t size;
  const char *content_type = "application/octet-stream";
  lua_settop(L, 2);
  const char *text = binding_argument_text(L, 1, &size, STREAM_SIGNATURE);
  if (!lua_isnoneornil(L, 2)) content_type = binding_argument_name(L, 2, STREAM_SIGNATURE);
  check_invocation(L);

  lambda_runtime_stream(L, content_type, text, size);
  return 0;
}

int luaopen_weir_invocation(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(invocation, context),
                                       BINDING_FUNCTION(invocation, event),
                                       BINDING_FUNCTION(invocation, stream), BINDING_END};
  luaL_newlibtable(L, functions);
  binding_buffer_push(L);
  secret_clean_names *names = lua_newuserdatauv(L, sizeof *names, 0); // module buffer names
  memset(names, 0, sizeof *names);
  luaL_setfuncs(L, functions, 2);

  return 1;
}
