/* The pollers: started, looping over invocations, ended by a signal. See runtime.h. */
#include "lambda/runtime.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/system/process.h"
#include "lambda/impl.h"
#include "script/call.h"
#include "script/state.h"

enum {
  GC_PAUSE = 300,   /* a collection begins when three times as much is in use as after the last */
  FAILURES_MAX = 3, /* as aws-lambda-cpp, which then lets Lambda start the process anew */
  POLLERS_MAX = 256,
};

static int stop_fd = -1;

static void on_terminate(int number) {
  (void)number;
  int saved = errno;
  ssize_t ignored = write(stop_fd, &(uint64_t){1}, sizeof(uint64_t));
  (void)ignored;
  errno = saved;
}

static void serve(lambda_poller *self) {
  int failures = 0;
  lambda_deadline_own(self);
  while (failures < FAILURES_MAX) {
    switch (runtime_api_next(self->api, &self->invocation)) {
    case RUNTIME_API_STOPPED: return;
    case RUNTIME_API_DONE:
      failures = 0;
      lambda_invocation_handle(self);
      break;
    case RUNTIME_API_TOO_LARGE:
      failures = 0;
      lambda_complain("ERROR", "the event of request %s is larger than 64 MiB",
                      self->invocation.request_id);
      lambda_invocation_refuse(self, "Runtime.EventTooLarge", "the event is larger than 64 MiB");
      break;
    case RUNTIME_API_STALE: /* is said of answers only */
    case RUNTIME_API_FAILED:
      lambda_complain("ERROR", "%s", runtime_api_error(self->api));
      process_sleep_ms(10 << (3 * failures++));
      break;
    }
  }

  lambda_complain("FATAL", "%s", "the Runtime API failed three times in a row; giving up");
  self->exit_status = 1;
  on_terminate(0); /* the other pollers have the same Runtime API */
}

static void *serve_thread(void *context) {
  serve(context);
  lambda_deadline_free(context); /* its signals are for this thread */
  return NULL;
}

static int start_service(lua_State *L) {
  lua_pushcfunction(L, lambda_coroutine_install);
  lua_call(L, 0, 0);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "weir.runtime");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "start");
  lua_call(L, 0, 3);

  return 3;
}

/* Calls weir.runtime's start; on failure Lambda is told why. */
static bool start_handler(lambda_poller *self) {
  lua_State *L = self->L;
  lua_pushcfunction(L, start_service);
  if (script_call(L, 0, 3) != LUA_OK) {
    lambda_complain("FATAL", "internal error, please report it: %s", lua_tostring(L, -1));
    lambda_failure_send_init(self->api, "Runtime.InternalError", "weir could not start");
    return false;
  }

  if (!lua_istable(L, -3)) { /* nil, JSON, type: the log has it already */
    size_t size;
    const char *json = lua_tolstring(L, -2, &size);
    runtime_api_fail(self->api, NULL, lua_tostring(L, -1), json, size);
    return false;
  }

  lua_settop(L, -3);
  self->service = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_settop(L, 0);

  return true;
}

/* Makes the trusted state, and starts the handler in it. */
static bool prepare(lambda_poller *self, bool single) {
  self->L = script_state_new(self->modules);
  if (!self->L || !self->api || !lambda_deadline_prepare(self)) {
    lambda_complain("FATAL", "%s", "not enough memory, or no timer, to start with");
    lambda_failure_send_init(self->api, "Runtime.InternalError", "weir could not start");
    return false;
  }

  lua_State *L = self->L;
  *(lambda_poller **)lua_getextraspace(L) = self;
  self->progress.single = single;

  lua_gc(L, LUA_GCSTOP); /* what starting builds lives on */
  if (!start_handler(self)) return false;
  /* An invocation leaves some KB of garbage: memory is cheaper than looking for it often. */
  lua_gc(L, LUA_GCINC, GC_PAUSE, 0, 0);
  lua_gc(L, LUA_GCRESTART);

  return true;
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

static bool is_stopped(void) {
  struct pollfd stop = {stop_fd, POLLIN, 0};
  return poll(&stop, 1, 0) > 0;
}

static int run_pollers(lambda_poller *pollers, int count) {
  int started = 0, status = 0;
  for (int i = 0; i < count; i++) {
    if (is_stopped()) return 0;
    if (!prepare(&pollers[i], count == 1)) return 1;
  }

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
  lambda_deadline_catch();
  signal(SIGPIPE, SIG_IGN);
}

/* What the variable holds is said in the log alone. */
static int refuse_concurrency(const char *authority) {
  lambda_complain("FATAL",
                  "AWS_LAMBDA_MAX_CONCURRENCY is '%s', which is not a number of at least 1",
                  getenv("AWS_LAMBDA_MAX_CONCURRENCY"));
  runtime_api *api = runtime_api_new(authority, -1);
  lambda_failure_send_init(api, "Runtime.InvalidSetting",
                           "AWS_LAMBDA_MAX_CONCURRENCY is not a number of at least 1");
  runtime_api_free(api);

  return 2;
}

static void free_pollers(lambda_poller *pollers, int count) {
  for (int i = 0; i < count; i++) {
    lambda_deadline_free(&pollers[i]);
    if (pollers[i].L) lua_close(pollers[i].L);
    runtime_api_free(pollers[i].api);
  }

  free(pollers);
}

int lambda_runtime_main(const luaL_Reg *modules) {
  const char *authority = getenv("AWS_LAMBDA_RUNTIME_API");
  int count = count_pollers();
  if (!authority || !*authority) {
    lambda_complain(
        "FATAL", "%s",
        "as 'bootstrap' this program serves Lambda's Runtime API, and AWS_LAMBDA_RUNTIME_API is "
        "not set; 'weir emulate' runs it on a laptop, and under the name 'weir' it is the "
        "command line");
    return 2;
  }

  if (count == 0) return refuse_concurrency(authority);
  process_keep_secrets(); /* where the system refuses, nothing else shows them either */
  stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  lambda_poller *pollers = calloc((size_t)count, sizeof *pollers);
  if (stop_fd < 0 || !pollers) {
    lambda_complain("FATAL", "%s", "not enough memory or descriptors to start");
    return 1;
  }

  catch_signals();
  for (int i = 0; i < count; i++) {
    pollers[i].modules = modules;
    pollers[i].api = runtime_api_new(authority, stop_fd);
    if (pollers[i].api)
      runtime_api_meanwhile(pollers[i].api, lambda_invocation_measure, &pollers[i]);
  }

  int status = run_pollers(pollers, count);
  free_pollers(pollers, count);

  return status;
}
