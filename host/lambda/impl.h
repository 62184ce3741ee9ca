/* One poller of the Lambda runtime. runtime.c starts it, invocation.c lets it handle an invocation,
 * and deadline.c and coroutine.c stop its handler in time.
 * Memory: runtime.c owns the pollers, their Lua states and their connections. */
#ifndef WEIR_LAMBDA_IMPL_H
#define WEIR_LAMBDA_IMPL_H

#include <pthread.h>
#include <time.h>

#include "lambda/runtime.h"

typedef struct {
  const luaL_Reg *modules; /* what handlers may require of C */
  lua_State *L;
  lua_State *volatile running; /* L, or the coroutine that it resumed, or … */
  runtime_api *api;
  int service; /* reference to the table that weir.runtime.start returned */
  runtime_invocation invocation;
  lambda_progress progress;
  timer_t timer;                /* rings when the handler has to stop, or before */
  volatile int64_t rings_at_ms; /* INT64_MAX: it is not set */
  volatile bool late;           /* the handler has to stop */
  bool has_timer;
  bool measured;     /* weir.runtime's measure was called for this invocation */
  char problem[256]; /* why the answer was not taken, where the connection's last error is not it */
  int exit_status;
  pthread_t thread;
} lambda_poller;

/* The poller that owns this state, or NULL. */
static inline lambda_poller *lambda_poller_of(lua_State *L) {
  return *(lambda_poller **)lua_getextraspace(L);
}

/* log.c: writes a message of the runtime itself to standard error, in the format of the function's
 * logs. format has one %s. */
void lambda_complain(const char *level, const char *format, const char *detail);

/* deadline.c: the signal handler, once for the process; a timer for each poller. */
void lambda_deadline_catch(void);
bool lambda_deadline_prepare(lambda_poller *self);
void lambda_deadline_free(lambda_poller *self);

/* Called by the thread that will serve, before it does. */
void lambda_deadline_own(lambda_poller *self);

/* Control is about to pass to the coroutine, or has come back to it. */
void lambda_deadline_enter(lambda_poller *self, lua_State *coroutine);

/* Reads the invocation's deadline; lambda_runtime_limit lets the clock run. */
void lambda_deadline_read(lambda_poller *self);

/* coroutine.c: a lua_CFunction that puts its functions into the table `coroutine`. */
int lambda_coroutine_install(lua_State *L);

/* invocation.c: handles the poller's invocation, from the event to the last log line. */
void lambda_invocation_handle(lambda_poller *self);

/* For runtime_api_meanwhile: makes the metrics while the answer is on its way. */
void lambda_invocation_measure(void *poller);

/* Tells Lambda of an error that no Lua code could tell. */
runtime_api_result lambda_invocation_refuse(lambda_poller *self, const char *type,
                                            const char *message);

#endif
