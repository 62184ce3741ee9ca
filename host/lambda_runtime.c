/* See lambda_runtime.h. */
#include "lambda_runtime.h"

#include <ctype.h>
#include <errno.h>
#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/json_write.h"
#include "core/process.h"
#include "script_call.h"
#include "script_state.h"

/* MARGIN: what is left for the answer and the logs when a handler has to stop: a tenth of its time,
 * within bounds. FAILURES_MAX: as aws-lambda-cpp, which then lets Lambda start the process anew. */
enum {
  MARGIN_LEAST_MS = 20,
  MARGIN_MOST_MS = 500,
  FAILURES_MAX = 3,
  POLLERS_MAX = 256,
};

typedef struct {
  lua_State *L;
  runtime_api *api;
  int service; /* reference to the table that weir.runtime.start returned */
  runtime_invocation invocation;
  lambda_progress progress;
  timer_t timer; /* rings when the handler has to stop */
  bool has_timer;
  int exit_status;
  pthread_t thread;
} poller;

static int stop_fd = -1;

static void on_terminate(int number) {
  (void)number;
  int saved = errno;
  ssize_t ignored = write(stop_fd, &(uint64_t){1}, sizeof(uint64_t));
  (void)ignored;
  errno = saved;
}

static poller *poller_of(lua_State *L) {
  return *(poller **)lua_getextraspace(L);
}

const lambda_progress *lambda_runtime_progress(lua_State *L) {
  poller *self = poller_of(L);
  return self ? &self->progress : NULL;
}

/* Messages of the loop itself, in the form that the function's logs have. */
static void complain(const char *level, const char *format, const char *detail) {
  char text[512];
  text_buffer line = {0};
  snprintf(text, sizeof text, format, detail);
  const char *log_format = getenv("AWS_LAMBDA_LOG_FORMAT");
  if (log_format && strcmp(log_format, "JSON") == 0) {
    text_buffer_format(&line, "{\"level\":\"%s\",\"message\":", level);
    json_write_string(&line, text, strlen(text));
    text_buffer_text(&line, "}\n");
  } else {
    text_buffer_format(&line, "%s weir: %s\n", level, text);
  }
  ssize_t ignored = line.failed ? 0 : write(STDERR_FILENO, line.data, line.size);
  (void)ignored;
  text_buffer_free(&line);
}

/* Deadlines --------------------------------------------------------------------------------- */

/* Raises again at every instruction, so that no pcall outlives it. */
static void on_instruction(lua_State *L, lua_Debug *event) {
  (void)event;
  poller *self = poller_of(L);
  if (!self->progress.running) return;
  self->progress.expired = true;
  luaL_error(L, "the handler was stopped %d ms before its deadline",
             (int)(self->progress.deadline_ms - self->progress.stop_at_ms));
}

/* A signal handler, on any thread: lua_sethook is made for that. A timer that rings late, for an
 * invocation that is over, finds nothing running or a later time to stop. A coroutine that is
 * running has a hook of its own that nobody can set from here; trusted code has none that loops. */
static void on_timer(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  int saved = errno;
  poller *self = info->si_value.sival_ptr;
  if (self->progress.running && process_time_ms() >= self->progress.stop_at_ms)
    lua_sethook(self->L, on_instruction, LUA_MASKCOUNT, 1);
  errno = saved;
}

static bool make_timer(poller *self) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  event.sigev_value.sival_ptr = self;
  self->has_timer = timer_create(CLOCK_REALTIME, &event, &self->timer) == 0;
  return self->has_timer;
}

/* It is not stopped when the handler ends early: the next invocation sets it anew, and a ring
 * between the two changes nothing. */
static void start_timer(poller *self) {
  int64_t at = self->progress.stop_at_ms;
  struct itimerspec when = {{0, 0}, {0, 0}};
  if (at != INT64_MAX)
    when.it_value = (struct timespec){(time_t)(at / 1000), (long)(at % 1000) * 1000000};
  timer_settime(self->timer, TIMER_ABSTIME, &when, NULL);
}

void lambda_runtime_release(lua_State *L) {
  poller_of(L)->progress.running = false;
  lua_sethook(L, NULL, 0, 0);
}

static void set_deadline(poller *self) {
  lambda_progress *progress = &self->progress;
  char *end;
  errno = 0;
  long long deadline = strtoll(self->invocation.deadline_ms, &end, 10);
  bool known = errno == 0 && end > self->invocation.deadline_ms && *end == '\0' && deadline > 0;
  progress->deadline_ms = progress->stop_at_ms = INT64_MAX;
  if (!known) return;
  int64_t margin = (deadline - process_time_ms()) / 10;
  if (margin < MARGIN_LEAST_MS) margin = MARGIN_LEAST_MS;
  if (margin > MARGIN_MOST_MS) margin = MARGIN_MOST_MS;
  progress->deadline_ms = deadline;
  progress->stop_at_ms = deadline - margin;
}

/* Lambda's libraries, and ours, look for the trace here; with several pollers there is no one
 * trace that a process is part of. */
static void export_trace(const poller *self) {
  if (!self->progress.single) return;
  if (*self->invocation.trace_id)
    setenv("_X_AMZN_TRACE_ID", self->invocation.trace_id, 1);
  else
    unsetenv("_X_AMZN_TRACE_ID");
}

/* One invocation ---------------------------------------------------------------------------- */

/* The type of an error becomes a header. */
static void header_safe(const char *type, char *out, size_t size) {
  size_t i = 0;
  for (; type[i] && i + 1 < size; i++)
    out[i] = isalnum((unsigned char)type[i]) || strchr("._-", type[i]) ? type[i] : '_';
  out[i] = '\0';
}

void lambda_runtime_stream(lua_State *L, const char *content_type, const char *bytes, size_t size) {
  poller *self = poller_of(L);
  if (!self->progress.streaming) {
    char type[128];
    snprintf(type, sizeof type, "%s", content_type);
    for (char *at = type; *at; at++)
      if (*at < 0x20 || *at == 0x7f) *at = '_';
    runtime_api_stream_begin(self->api, self->invocation.request_id, type);
    self->progress.streaming = true;
  }
  runtime_api_stream_write(self->api, bytes, size);
}

static runtime_api_result send_error(poller *self, const char *type, const char *json,
                                     size_t size) {
  char header[128];
  header_safe(type, header, sizeof header);
  if (self->progress.streaming) return runtime_api_stream_end(self->api, header, json, size);
  return runtime_api_fail(self->api, self->invocation.request_id, header, json, size);
}

/* An error of the runtime itself: there is no Lua to make its JSON. */
static runtime_api_result send_own_error(poller *self, const char *type, const char *message) {
  text_buffer json = {0};
  text_buffer_text(&json, "{\"errorMessage\":");
  if (!json_write_string(&json, message, strlen(message))) text_buffer_text(&json, "\"");
  text_buffer_format(&json, ",\"errorType\":\"%s\",\"stackTrace\":[]}", type);
  runtime_api_result result =
      send_error(self, type, json.failed ? "{}" : json.data, json.failed ? 2 : json.size);
  text_buffer_free(&json);
  return result;
}

/* A response that is too large for one piece goes out as a stream; where the function was not
 * invoked for streaming, Lambda refuses it, which becomes an error that says so. */
static runtime_api_result send_response(poller *self, const char *body, size_t size) {
  runtime_api_result result;
  if (size <= RUNTIME_API_RESPONSE_MAX) {
    result = runtime_api_respond(self->api, self->invocation.request_id, body, size);
  } else {
    runtime_api_stream_begin(self->api, self->invocation.request_id, "application/json");
    runtime_api_stream_write(self->api, body, size);
    result = runtime_api_stream_end(self->api, NULL, NULL, 0);
  }
  if (result != RUNTIME_API_TOO_LARGE) return result;
  char message[200];
  snprintf(
      message, sizeof message,
      "the response has %zu bytes, more than Lambda takes here (%d in one piece; more only as a "
      "stream)",
      size, RUNTIME_API_RESPONSE_MAX);
  send_own_error(self, "Function.ResponseSizeTooLarge", message);
  return RUNTIME_API_TOO_LARGE;
}

/* Sends what the handler left on the stack: outcome, text, type. */
static runtime_api_result send_outcome(poller *self) {
  lua_State *L = self->L;
  size_t size;
  const char *outcome = lua_tostring(L, -3), *text = lua_tolstring(L, -2, &size);
  if (strcmp(outcome, "error") == 0) return send_error(self, lua_tostring(L, -1), text, size);
  if (self->progress.streaming) return runtime_api_stream_end(self->api, NULL, NULL, 0);
  return send_response(self, text, size);
}

/* Calls service[name] with what the caller pushed; on failure sends and logs why. */
static bool call_service(poller *self, const char *name, int arguments, int results) {
  lua_State *L = self->L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->service);
  lua_getfield(L, -1, name);
  lua_replace(L, -2);
  lua_insert(L, -1 - arguments);
  if (script_call(L, arguments, results) == LUA_OK) return true;
  complain("ERROR", "internal error, please report it: %s", lua_tostring(L, -1));
  lua_pop(L, 1);
  return false;
}

static void invoke(poller *self) {
  lua_State *L = self->L;
  lambda_progress *progress = &self->progress;
  progress->invocation = &self->invocation;
  progress->expired = progress->streaming = false;
  set_deadline(self);
  export_trace(self);
  progress->running = true;
  start_timer(self);
  bool handled = call_service(self, "handle", 0, 3);
  lambda_runtime_release(L);
  runtime_api_result result = handled
                                  ? send_outcome(self)
                                  : send_own_error(self, "Runtime.InternalError", "internal error");
  if (result != RUNTIME_API_DONE) complain("ERROR", "%s", runtime_api_error(self->api));
  lua_settop(L, 0);
  lua_pushboolean(L, result == RUNTIME_API_DONE);
  lua_pushstring(L, runtime_api_error(self->api));
  call_service(self, "finish", 2, 0);
  lua_settop(L, 0);
  progress->invocation = NULL;
}

/* Pollers ----------------------------------------------------------------------------------- */

static void serve(poller *self) {
  int failures = 0;
  while (failures < FAILURES_MAX) {
    switch (runtime_api_next(self->api, &self->invocation)) {
    case RUNTIME_API_STOPPED: return;
    case RUNTIME_API_DONE:
      failures = 0;
      invoke(self);
      break;
    case RUNTIME_API_TOO_LARGE:
      failures = 0;
      send_own_error(self, "Runtime.EventTooLarge", "the event is larger than 64 MiB");
      break;
    case RUNTIME_API_FAILED:
      complain("ERROR", "%s", runtime_api_error(self->api));
      process_sleep_ms(10 << (3 * failures++));
      break;
    }
  }
  complain("FATAL", "%s", "the Runtime API failed three times in a row; giving up");
  self->exit_status = 1;
  on_terminate(0); /* the other pollers have the same Runtime API */
}

static void *serve_thread(void *context) {
  serve(context);
  return NULL;
}

/* Starts the trusted state and the handler. On failure Lambda is told why. */
static bool prepare(poller *self, bool single) {
  self->L = script_state_new();
  if (self->L && self->api && make_timer(self)) {
    lua_State *L = self->L;
    *(poller **)lua_getextraspace(L) = self;
    self->progress.single = single;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "weir.runtime");
    bool ok = script_call(L, 1, 1) == LUA_OK;
    if (ok) {
      lua_getfield(L, -1, "start");
      ok = script_call(L, 0, 3) == LUA_OK;
    }
    if (ok && lua_istable(L, -3)) {
      lua_settop(L, -3);
      self->service = luaL_ref(L, LUA_REGISTRYINDEX);
      lua_settop(L, 0);
      return true;
    }
    if (ok) { /* nil, JSON, type: the log has it already */
      size_t size;
      const char *json = lua_tolstring(L, -2, &size);
      runtime_api_fail(self->api, NULL, lua_tostring(L, -1), json, size);
      return false;
    }
    complain("FATAL", "internal error, please report it: %s", lua_tostring(L, -1));
  }
  static const char json[] =
      "{\"errorMessage\":\"weir could not start\",\"errorType\":\"Runtime.InternalError\","
      "\"stackTrace\":[]}";
  if (self->api) runtime_api_fail(self->api, NULL, "Runtime.InternalError", json, sizeof json - 1);
  return false;
}

/* 0 when AWS_LAMBDA_MAX_CONCURRENCY is set to something else than a number of pollers. */
static int count_pollers(void) {
  const char *text = getenv("AWS_LAMBDA_MAX_CONCURRENCY");
  if (!text || !*text) return 1;
  char *end;
  long count = strtol(text, &end, 10);
  if (*end || count < 1) return 0;
  return count > POLLERS_MAX ? POLLERS_MAX : (int)count;
}

static int run_pollers(poller *pollers, int count) {
  int started = 0, status = 0;
  for (int i = 0; i < count; i++)
    if (!prepare(&pollers[i], count == 1)) return 1;
  for (int i = 1; i < count; i++) {
    if (pthread_create(&pollers[i].thread, NULL, serve_thread, &pollers[i]) != 0) break;
    started = i;
  }
  serve(&pollers[0]);
  for (int i = 1; i <= started; i++) pthread_join(pollers[i].thread, NULL);
  for (int i = 0; i <= started; i++) status |= pollers[i].exit_status;
  return status;
}

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_terminate, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  struct sigaction alarm = {.sa_sigaction = on_timer, .sa_flags = SA_RESTART | SA_SIGINFO};
  sigaction(SIGALRM, &alarm, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int lambda_runtime_main(void) {
  const char *authority = getenv("AWS_LAMBDA_RUNTIME_API");
  int count = count_pollers();
  if (!authority || !*authority) {
    complain(
        "FATAL", "%s",
        "as 'bootstrap' this program serves Lambda's Runtime API, and AWS_LAMBDA_RUNTIME_API is "
        "not set; 'weir emulate' runs it on a laptop, and under the name 'weir' it is the "
        "command line");
    return 2;
  }
  if (count == 0) {
    complain("FATAL", "AWS_LAMBDA_MAX_CONCURRENCY is '%s', which is no number of at least 1",
             getenv("AWS_LAMBDA_MAX_CONCURRENCY"));
    return 2;
  }
  process_keep_secrets(); /* where the system refuses, nothing else shows them either */
  stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  poller *pollers = calloc((size_t)count, sizeof *pollers);
  if (stop_fd < 0 || !pollers) {
    complain("FATAL", "%s", "not enough memory or descriptors to start");
    return 1;
  }
  catch_signals();
  for (int i = 0; i < count; i++) pollers[i].api = runtime_api_new(authority, stop_fd);
  int status = run_pollers(pollers, count);
  for (int i = 0; i < count; i++) {
    if (pollers[i].has_timer) timer_delete(pollers[i].timer);
    if (pollers[i].L) lua_close(pollers[i].L);
    runtime_api_free(pollers[i].api);
  }
  free(pollers);
  return status;
}
