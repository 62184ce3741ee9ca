/* One invocation: the handler is called, its answer or failure is sent, the logs are finished.
 * See impl.h. */
#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>

#include "core/json/write.h"
#include "core/system/process.h"
#include "lambda/impl.h"
#include "script/call.h"

/* Lambda's libraries, and ours, look for the trace here; with several pollers there is no one
 * trace that a process is part of. */
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
    runtime_api_stream_begin(self->api, self->invocation.request_id, type);
    self->progress.streaming = true;
  }
  runtime_api_stream_write(self->api, bytes, size, self->progress.stop_at_ms - process_time_ms());
}

/* The trailers of a stream that was refused for its size reach nobody: the error is sent again. */
static runtime_api_result send_error(lambda_poller *self, const char *type, const char *json,
                                     size_t size) {
  char header[128];
  header_safe(type, header, sizeof header);
  if (self->progress.streaming) {
    runtime_api_result result = runtime_api_stream_end(self->api, header, json, size);
    if (result != RUNTIME_API_TOO_LARGE) return result;
    self->progress.streaming = false;
  }
  return runtime_api_fail(self->api, self->invocation.request_id, header, json, size);
}

/* An error of the runtime itself: there is no Lua to make its JSON. */
runtime_api_result lambda_invocation_refuse(lambda_poller *self, const char *type,
                                            const char *message) {
  text_buffer json = {0};
  text_buffer_text(&json, "{\"errorMessage\":");
  if (!json_write_string(&json, message, strlen(message))) text_buffer_text(&json, "\"");
  text_buffer_format(&json, ",\"errorType\":\"%s\",\"stackTrace\":[]}", type);
  runtime_api_result result =
      send_error(self, type, json.failed ? "{}" : json.data, json.failed ? 2 : json.size);
  text_buffer_free(&json);
  return result;
}

/* Lambda refused the response for its size. */
static runtime_api_result refuse_size(lambda_poller *self) {
  self->progress.streaming = false;
  lambda_invocation_refuse(self, "Function.ResponseSizeTooLarge", self->problem);
  return RUNTIME_API_TOO_LARGE;
}

static runtime_api_result end_stream(lambda_poller *self) {
  runtime_api_result result = runtime_api_stream_end(self->api, NULL, NULL, 0);
  if (result != RUNTIME_API_TOO_LARGE) return result;
  snprintf(self->problem, sizeof self->problem,
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
    result = runtime_api_respond(self->api, self->invocation.request_id, body, size);
  } else {
    runtime_api_stream_begin(self->api, self->invocation.request_id, "application/json");
    runtime_api_stream_write(self->api, body, size, self->progress.deadline_ms - process_time_ms());
    result = runtime_api_stream_end(self->api, NULL, NULL, 0);
  }
  if (result != RUNTIME_API_TOO_LARGE) return result;
  snprintf(
      self->problem, sizeof self->problem,
      "the response has %zu bytes, more than Lambda takes here (%d in one piece; more only as a "
      "stream)",
      size, RUNTIME_API_RESPONSE_MAX);
  return refuse_size(self);
}

/* Sends what the handler left on the stack: outcome, text, type. */
static runtime_api_result send_outcome(lambda_poller *self) {
  lua_State *L = self->L;
  size_t size;
  const char *outcome = lua_tostring(L, -3), *text = lua_tolstring(L, -2, &size);
  if (strcmp(outcome, "error") == 0) return send_error(self, lua_tostring(L, -1), text, size);
  if (self->progress.streaming) return end_stream(self);
  return send_response(self, text, size);
}

/* Calls service[name] with what the caller pushed; on failure sends and logs why. */
static bool call_service(lambda_poller *self, const char *name, int arguments, int results) {
  lua_State *L = self->L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->service);
  lua_getfield(L, -1, name);
  lua_replace(L, -2);
  lua_insert(L, -1 - arguments);
  if (script_call(L, arguments, results) == LUA_OK) return true;
  lambda_complain("ERROR", "internal error, please report it: %s", lua_tostring(L, -1));
  lua_pop(L, 1);
  return false;
}

void lambda_invocation_measure(void *context) {
  lambda_poller *self = context;
  /* Nobody has the event, or the answer is an error that follows a refused response. */
  if (!self->progress.invocation || self->measured) return;
  self->measured = true;
  call_service(self, "measure", 0, 0);
}

void lambda_invocation_handle(lambda_poller *self) {
  lua_State *L = self->L;
  lambda_progress *progress = &self->progress;
  progress->invocation = &self->invocation;
  progress->expired = false;
  self->problem[0] = '\0';
  export_trace(self);
  lambda_deadline_read(self);
  bool handled = call_service(self, "handle", 0, 3);
  self->measured = !handled;
  runtime_api_result result =
      handled ? send_outcome(self)
              : lambda_invocation_refuse(self, "Runtime.InternalError", "internal error");
  const char *problem = !handled         ? "internal error"
                        : *self->problem ? self->problem
                                         : runtime_api_error(self->api);
  lua_settop(L, 0);
  lua_pushboolean(L, handled && result == RUNTIME_API_DONE);
  lua_pushstring(L, problem);
  call_service(self, "finish", 2, 0);
  lua_settop(L, 0);
  progress->invocation = NULL;
  progress->streaming = false; /* what is refused before a handler has it was not begun */
}
