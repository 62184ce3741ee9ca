/* One poller of the Lambda runtime. runtime.c starts it, invocation.c lets it handle an invocation,
 * and deadline.c and coroutine.c stop its handler in time.
 * Memory: runtime.c owns the pollers, their Lua states and their connections. */
#ifndef WEIR_LAMBDA_IMPL_H
#define WEIR_LAMBDA_IMPL_H

#include <pthread.h>
#include <time.h>

#include "lambda/runtime.h"

typedef struct {
  const runtime_invocation *invocation; /* NULL between invocations */
  int64_t deadline_ms;                  /* epoch; INT64_MAX when Lambda named none */
  int64_t stop_at_ms;                   /* when the handler has to stop: a margin before that */
  volatile bool running;                /* the handler is at work: its time may run out */
  bool expired;                         /* it was stopped */
  bool streaming;                       /* a part of the response has been sent */
  bool single;                          /* no other poller shares the process */
} lambda_progress;

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
  bool measured; /* weir.runtime's measure was called for this invocation */
  char why[256]; /* why the answer was not taken, where the connection's last error is not it */
  runtime_api_result sent; /* what became of the answer */
  int exit_status;
  pthread_t thread;
} lambda_poller;

/* The poller that owns this state, or NULL. */
static inline lambda_poller *lambda_poller_of(lua_State *L) {
  return *(lambda_poller **)lua_getextraspace(L);
}

/* poller.c: pushes what weir.runtime's begin takes of the invocation; how many values. */
int lambda_poller_push_beginning(lua_State *L);

/* log.c: writes a message of the runtime itself to standard error, in the format of the function's
 * logs. format has one %s. */
void lambda_complain(const char *level, const char *format, const char *detail);

/* failure.c: the body of an error, as Lambda takes it. */
void lambda_failure_write(text_buffer *out, const char *type, const char *message);

/* Tells Lambda that the start failed; api may be NULL. */
void lambda_failure_send_init(runtime_api *api, const char *type, const char *message);

/* deadline.c: the signal handler, once for the process; a timer for each poller. */
void lambda_deadline_catch(void);
bool lambda_deadline_prepare(lambda_poller *self);
void lambda_deadline_free(lambda_poller *self);

/* Called by the thread that will serve, before it does. */
void lambda_deadline_own(lambda_poller *self);

/* The coroutine is about to run, or runs again. */
void lambda_deadline_enter(lambda_poller *self, lua_State *coroutine);

/* Reads the invocation's deadline; lambda_deadline_limit lets the clock run. */
void lambda_deadline_read(lambda_poller *self);

/* The handler begins: from now on the deadline raises an error. */
void lambda_deadline_limit(lambda_poller *self);

/* The handler raised: what it closes at its end has its time too, half of what is left when it was
 * stopped. */
void lambda_deadline_limit_end(lambda_poller *self);

/* The handler is done: from now on the deadline raises no error. L: the state that runs. */
void lambda_deadline_release(lambda_poller *self, lua_State *L);

/* coroutine.c: a lua_CFunction that puts its functions into the table `coroutine`. */
int lambda_coroutine_install(lua_State *L);

/* invocation.c: handles the poller's invocation, from the event to the last log line. */
void lambda_invocation_handle(lambda_poller *self);

/* For runtime_api_meanwhile: makes the metrics while the answer is on its way. */
void lambda_invocation_measure(void *poller);

/* Answers the invocation with an error that no Lua code can write. */
runtime_api_result lambda_invocation_refuse(lambda_poller *self, const char *type,
                                            const char *message);

#endif
