/* Times invocations, init phases and ends of environments out, and tells the loop when that is
 * next. Memory: the environment's. */
#include <signal.h>

#include "emulator/impl.h"

static void kill_now(emulator_environment *environment) {
  emulator_environment_stop(environment, emulator_clock_us());
  environment->kill_us = INT64_MAX; /* it is killed, and only has to be reaped */
  emulator_process_signal(environment->pid, SIGKILL);
}

/* Lambda gives the init phase 10 s; then it starts once more, in the invocation's own time. */
static void init_timed_out(emulator_environment *environment) {
  emulator_invocation *invocation;
  environment->init_timed_out = true;
  emulator_log_init_failure(environment, "timeout", NULL);
  if (environment->is_retry)
    TAILQ_FOREACH (invocation, &environment->running, link)
      emulator_invocation_time_out(invocation);
  kill_now(environment);
}

void emulator_environment_check(emulator_environment *environment, int64_t now_us) {
  if (environment->kill_us != 0 && now_us >= environment->kill_us) kill_now(environment);
  if (environment->init_deadline_us != 0 && now_us >= environment->init_deadline_us)
    init_timed_out(environment);
  emulator_invocation *invocation = TAILQ_FIRST(&environment->running), *next;
  for (; invocation && environment->state != ENVIRONMENT_STOPS; invocation = next) {
    next = TAILQ_NEXT(invocation, link);
    if (!invocation->started || now_us < invocation->deadline_us) continue;
    emulator_process_sample(environment->pid, &environment->memory_kb);
    emulator_invocation_time_out(invocation);
    if (environment->emulator->options.managed > 0)
      emulator_invocation_finish(invocation); /* its handler is not killed there */
    else
      kill_now(environment);
  }
}

int64_t emulator_environment_next_us(const emulator_environment *environment) {
  int64_t next = INT64_MAX;
  if (environment->kill_us != 0) next = environment->kill_us;
  if (environment->init_deadline_us != 0 && environment->init_deadline_us < next)
    next = environment->init_deadline_us;
  const emulator_invocation *invocation;
  if (environment->state != ENVIRONMENT_STOPS)
    TAILQ_FOREACH (invocation, &environment->running, link)
      if (invocation->started && invocation->deadline_us < next) next = invocation->deadline_us;
  return next;
}
