/* One invocation: the handler is called, its answer or failure is sent, the logs are finished.
 * See impl.h. */
#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>

#include "core/system/process.h"
#include "lambda/impl.h"
#include "script/call.h"

/* AWS's libraries, and ours, look for the trace in this variable. Several pollers would overwrite
 * each other's. */
static void export_trace(const lambda_poller *self) {
  if (!self->progress.single) return;
  if (*self->invocation.trace_id)
    setenv("_X_AMZN_TRACE_ID", self->invocation.trace_id, 1);
  else
    unsetenv("_X_AMZN_TRACE_ID");
}

/* The type of an error becomes a header. */
static void header_safe(const char *type, char *out, size_t size) {
  size_t i = 0;
  for (; type[i] && i + 1 < size; i++)
    out[i] = isalnum((unsigned char)type[i]) || strchr("._-", type[i]) ? type[i] : '_';
  out[i] = '\0';
}

void lambda_runtime_stream(lua_State *L, const char *content_type, const char *bytes, size_t size) {
  lambda_poller *self = lambda_poller_of(L);
  if (!self->progress.streaming) {
    char type[128];
    snprintf(type, sizeof type, "%s", content_type);
    for (char *at = type; *at; at++)
      if (*at < 0x20 || *at == 0x7f) *at = '_';
    runtime_api_stream_begin(self->api, &self->invocation, type);
    self->progress.streaming = true;
  }

  runtime_api_stream_write(self->api, bytes, size, self->progress.stop_at_ms - process_time_ms());
}

/* Lambda drops the trailers of a stream that it refused for its size: the error is sent again. */
static runtime_api_result send_error(lambda_poller *self, const char *type, const char *json,
                                     size_t size) {
  char header[128];
  header_safe(type, header, sizeof header);
  if (self->progress.streaming) {
    runtime_api_result result = runtime_api_stream_end(self->api, header, json, size);
    if (result != RUNTIME_API_TOO_LARGE) return result;
    self->progress.streaming = false;
  }

  return runtime_api_fail(self->api, &self->invocation, header, json, size);
}

/* An error that no Lua code can write as JSON. */
runtime_api_result lambda_invocation_refuse(lambda_poller *self, const char *type,
                                            const char *message) {
  text_buffer json = {0};
  lambda_failure_write(&json, type, message);
  runtime_api_result result =
      send_error(self, type, json.failed ? "{}" : json.data, json.failed ? 2 : json.size);
  text_buffer_free(&json);

  return result;
}

/* Lambda refused the response for its size. */
static runtime_api_result refuse_size(lambda_poller *self) {
  self->progress.streaming = false;
  lambda_invocation_refuse(self, "Function.ResponseSizeTooLarge", self->why);
  return RUNTIME_API_TOO_LARGE;
}

static runtime_api_result end_stream(lambda_poller *self) {
  runtime_api_result result = runtime_api_stream_end(self->api, NULL, NULL, 0);
  if (result != RUNTIME_API_TOO_LARGE) return result;
  snprintf(self->why, sizeof self->why,
           "the response has more bytes than Lambda takes here (%d in one piece; more only as a "
           "stream of a function that is invoked for one)",
           RUNTIME_API_RESPONSE_MAX);
  return refuse_size(self);
}

/* A response that is too large for one piece goes out as a stream; where the function was not
 * invoked for streaming, Lambda refuses it, which becomes an error that says so. */
static runtime_api_result send_response(lambda_poller *self, const char *body, size_t size) {
  runtime_api_result result;
  if (size <= RUNTIME_API_RESPONSE_MAX) {
    result = runtime_api_respond(self->api, &self->invocation, body, size);
  } else {
    runtime_api_stream_begin(self->api, &self->invocation, "application/json");
    runtime_api_stream_write(self->api, body, size, self->progress.deadline_ms - process_time_ms());
    result = runtime_api_stream_end(self->api, NULL, NULL, 0);
  }

  if (result != RUNTIME_API_TOO_LARGE) return result;
  snprintf(
      self->why, sizeof self->why,
      "the response has %zu bytes, more than Lambda takes here (%d in one piece; more only as a "
      "stream)",
      size, RUNTIME_API_RESPONSE_MAX);
  return refuse_size(self);
}

/* Sends what answer left on the stack: outcome, text, type. */
static runtime_api_result send_outcome(lambda_poller *self) {
  lua_State *L = self->L;
  size_t size;
  const char *outcome = lua_tostring(L, -3), *text = lua_tolstring(L, -2, &size);
  if (strcmp(outcome, "error") == 0) return send_error(self, lua_tostring(L, -1), text, size);
  if (self->progress.streaming) return end_stream(self);

  return send_response(self, text, size);
}

/* The stages in Lua: functions of the table that weir.runtime.start returned. */

static void push_service(const lambda_poller *self, lua_State *L, const char *name) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->service);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

static int begin(lua_State *L) {
  push_service(lambda_poller_of(L), L, "begin");
  lua_call(L, lambda_poller_push_beginning(L), 0);
  return 0;
}

/* The message handler of the handler: weir.runtime's fail, without the limit. It is in C, because
 * the hook of an expired invocation would raise at the first instruction of one in Lua. */
static int on_raised(lua_State *L) {
  lambda_poller *self = lambda_poller_of(L);
  lambda_deadline_release(self, L);
  push_service(self, L, "fail");
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  lambda_deadline_limit_end(self);

  return 1;
}

/* What cut the handler short, however it failed; NULL: nothing did. */
static const char *find_cause(const lambda_poller *self, int status) {
  if (self->progress.expired) return "DeadlineExceeded";
  return status == LUA_ERRMEM ? "OutOfMemory" : NULL;
}

/* The handler, which the deadline stops however often it catches that; → outcome, text, type. */
static int run(lua_State *L) {
  lambda_poller *self = lambda_poller_of(L);
  push_service(self, L, "answer");
  lua_pushcfunction(L, on_raised);
  push_service(self, L, "run");
  lambda_deadline_limit(self);
  int status = lua_pcall(L, 0, 2, 2);
  lambda_deadline_release(self, L);
  if (status != LUA_OK) lua_pushnil(L);
  lua_pushboolean(L, status == LUA_OK);
  lua_replace(L, 2); /* answer ok first second */
  lua_pushstring(L, find_cause(self, status));
  lua_insert(L, 3);
  lua_call(L, 4, 3);

  return 3;
}

static int measure(lua_State *L) {
  push_service(lambda_poller_of(L), L, "measure");
  lua_call(L, 0, 0);
  return 0;
}

static int finish(lua_State *L) {
  const lambda_poller *self = lambda_poller_of(L);
  push_service(self, L, "finish");
  lua_pushboolean(L, self->sent == RUNTIME_API_DONE);
  lua_pushstring(L, *self->why ? self->why : runtime_api_error(self->api));
  lua_pushboolean(L, self->sent == RUNTIME_API_STALE);
  lua_call(L, 3, 0);

  return 0;
}

/* Runs one of the stages, which leaves its results on the stack; a stage that raises is logged. */
static int run_stage(lambda_poller *self, lua_CFunction stage, int results) {
  lua_State *L = self->L;
  lua_pushcfunction(L, stage);
  int status = script_call(L, 0, results);
  if (status == LUA_OK) return status;
  if (status == LUA_ERRMEM)
    lambda_complain("ERROR", "%s", "not enough memory to handle the invocation");
  else
    lambda_complain("ERROR", "internal error, please report it: %s", lua_tostring(L, -1));
  lua_pop(L, 1);

  return status;
}

void lambda_invocation_measure(void *context) {
  lambda_poller *self = context;
  /* The handler has not seen the event, or the answer is an error after a refused response. */
  if (!self->progress.invocation || self->measured) return;
  self->measured = true;
  run_stage(self, measure, 0);
}

/* Tells Lambda that a stage failed: the handler's answer is missing. */
static runtime_api_result refuse_stage(lambda_poller *self, int status) {
  bool memory = status == LUA_ERRMEM;
  runtime_api_result result =
      lambda_invocation_refuse(self, memory ? "Runtime.OutOfMemory" : "Runtime.InternalError",
                               memory ? "not enough memory" : "internal error");
  snprintf(self->why, sizeof self->why, memory ? "not enough memory" : "internal error");
  return result == RUNTIME_API_DONE ? RUNTIME_API_FAILED : result;
}

void lambda_invocation_handle(lambda_poller *self) {
  lambda_progress *progress = &self->progress;
  progress->invocation = &self->invocation;
  progress->expired = false;
  self->why[0] = '\0';
  export_trace(self);
  lambda_deadline_read(self);
  int status = run_stage(self, begin, 0);
  if (status == LUA_OK) status = run_stage(self, run, 3);
  self->measured = status != LUA_OK;
  self->sent = status == LUA_OK ? send_outcome(self) : refuse_stage(self, status);
  lua_settop(self->L, 0);
  run_stage(self, finish, 0);
  progress->invocation = NULL;
  progress->streaming = false; /* an event that is refused before its handler runs has no stream */
}
