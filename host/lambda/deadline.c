/* Stops a handler before Lambda would kill the process: a timer signal, and a Lua hook that raises.
 * See impl.h. */
#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>

#include "core/system/process.h"
#include "lambda/impl.h"

/* A handler has to stop a tenth of its time before the deadline, within these bounds: the answer
 * and the logs need that time. */
enum { MARGIN_LEAST_MS = 20, MARGIN_MOST_MS = 500 };

static _Thread_local lambda_poller *of_this_thread;

/* Where the handler was when its time ran out, as an error's text with its traceback. It is made
 * once: a pcall of the handler, and what it does then, is not the place to tell of. */
static void push_stopped(lua_State *L, lambda_poller *self) {
  if (self->progress.expired && lua_rawgetp(L, LUA_REGISTRYINDEX, self) == LUA_TSTRING) return;
  self->progress.expired = true;
  lua_pushnil(L); /* that of another invocation */
  lua_rawsetp(L, LUA_REGISTRYINDEX, self);
  luaL_where(L, 0); /* level 0: a hook is not a level */
  lua_pushfstring(L, "the handler was stopped %d ms before its deadline",
                  (int)(self->progress.deadline_ms - self->progress.stop_at_ms));
  lua_concat(L, 2);
  luaL_traceback(L, L, lua_tostring(L, -1), 0);
  lua_remove(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, self);
}

/* Raises again at every instruction, so that no pcall outlives it. */
static void on_instruction(lua_State *L, lua_Debug *event) {
  (void)event;
  lambda_poller *self = lambda_poller_of(L);
  if (!self->progress.running) return;
  push_stopped(L, self);
  lua_error(L);
}

static void set_timer(lambda_poller *self, int64_t at_ms) {
  struct itimerspec when = {
      .it_value = {(time_t)(at_ms / 1000), (long)(at_ms % 1000) * 1000000},
  };
  self->rings_at_ms = at_ms;
  if (timer_settime(self->timer, TIMER_ABSTIME, &when, NULL) != 0) self->rings_at_ms = INT64_MAX;
}

/* The signal handler. lua_sethook may be called in one, but it walks the calls of its state: only
 * the thread that runs the state may do that, so a signal that another thread got is passed on. A
 * timer that rings for an invocation that is over is set to the time of the running one. */
static void on_timer(int number, siginfo_t *info, void *context) {
  (void)context;
  int saved = errno;
  lambda_poller *self = info->si_code == SI_TIMER ? info->si_value.sival_ptr : of_this_thread;
  if (!self) return;
  if (self != of_this_thread) {
    pthread_kill(self->thread, number);
    errno = saved;
    return;
  }

  int64_t stop_at_ms = self->progress.stop_at_ms;
  self->rings_at_ms = INT64_MAX;
  if (self->progress.running && stop_at_ms != INT64_MAX) {
    if (process_time_ms() >= stop_at_ms) {
      self->late = true;
      lua_sethook(self->running, on_instruction, LUA_MASKCOUNT, 1);
    } else {
      set_timer(self, stop_at_ms);
    }
  }

  errno = saved;
}

/* A coroutine may still have the hook of an invocation that is over. The timer may ring between any
 * two of these statements. */
void lambda_deadline_enter(lambda_poller *self, lua_State *coroutine) {
  self->running = coroutine;
  if (!self->late && lua_gethook(coroutine) == on_instruction) lua_sethook(coroutine, NULL, 0, 0);
  if (self->late) lua_sethook(coroutine, on_instruction, LUA_MASKCOUNT, 1);
}

bool lambda_deadline_prepare(lambda_poller *self) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  event.sigev_value.sival_ptr = self;
  self->rings_at_ms = INT64_MAX;
  self->running = self->L;
  self->has_timer = timer_create(CLOCK_REALTIME, &event, &self->timer) == 0;

  return self->has_timer;
}

void lambda_deadline_own(lambda_poller *self) {
  self->thread = pthread_self();
  of_this_thread = self;
}

/* Sets the timer only where it would ring too late, which saves a system call: a timer that was set
 * for an earlier invocation rings before, and is then set again. */
void lambda_deadline_limit(lambda_poller *self) {
  int64_t at_ms = self->progress.stop_at_ms;
  self->progress.running = true;
  if (at_ms != INT64_MAX && self->rings_at_ms > at_ms) set_timer(self, at_ms);
}

void lambda_deadline_limit_end(lambda_poller *self) {
  lambda_progress *progress = &self->progress;
  if (progress->expired) progress->stop_at_ms += (progress->deadline_ms - progress->stop_at_ms) / 2;
  lambda_deadline_limit(self);
}

void lambda_deadline_release(lambda_poller *self, lua_State *L) {
  self->progress.running = false;
  self->late = false;
  lua_sethook(L, NULL, 0, 0);
}

int64_t lambda_runtime_deadline(lua_State *L, int64_t deadline_ms) {
  const lambda_poller *self = lambda_poller_of(L);
  if (!self || !self->progress.running || self->progress.stop_at_ms == INT64_MAX)
    return deadline_ms;
  bool is_nearer = deadline_ms != 0 && deadline_ms < self->progress.stop_at_ms;
  return is_nearer ? deadline_ms : self->progress.stop_at_ms;
}

int64_t lambda_runtime_time_left(lua_State *L) {
  int64_t stop_at_ms = lambda_runtime_deadline(L, 0);
  if (stop_at_ms == 0) return INT64_MAX;
  int64_t left = stop_at_ms - process_time_ms();
  return left > 0 ? left : 0;
}

void lambda_deadline_read(lambda_poller *self) {
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
  /* A timer refuses a time before 1970, and 0 would switch it off. */
  progress->stop_at_ms = deadline > margin ? deadline - margin : 1;
}

void lambda_deadline_catch(void) {
  struct sigaction alarm = {.sa_sigaction = on_timer, .sa_flags = SA_RESTART | SA_SIGINFO};
  sigaction(SIGALRM, &alarm, NULL);
}

void lambda_deadline_free(lambda_poller *self) {
  if (self->has_timer) timer_delete(self->timer);
  self->has_timer = false;
}
