/* Environments: when one is started, what it is given, and how it ends. See impl.h.
 *
 * As in Lambda an environment starts for an invocation that finds no other, stays warm, and takes
 * one invocation at a time (managed: several). The invocation it was started for waits for it, and
 * shares its fate in the init phase. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/impl.h"

enum { LINE_MAX_BYTES = 256 * 1024 /* Lambda splits longer lines of a log too */ };

static int capacity(const emulator_host *emulator) {
  return emulator->options.managed > 0 ? emulator->options.managed : 1;
}

/* What it has in hand. One whose invocation is answered is busy until it asks for the next. */
static int load(const emulator_environment *environment) {
  const emulator_invocation *invocation;
  bool managed = environment->emulator->options.managed > 0;
  int count = 0;
  TAILQ_FOREACH (invocation, &environment->running, link)
    if (!managed || invocation->state != INVOCATION_ANSWERED) count++;
  return count;
}

static void fail_all(emulator_environment *environment, const char *type, const char *message) {
  emulator_invocation *invocation;
  TAILQ_FOREACH (invocation, &environment->running, link)
    if (invocation->state != INVOCATION_ANSWERED)
      emulator_invocation_fail(invocation, type, "%s", message);
}

static bool start_process(emulator_environment *environment) {
  emulator_host *emulator = environment->emulator;
  environment->api = emulator_port_open(&(emulator_listen){0}, emulator->runtime_api, environment);
  char **variables = environment->api ? emulator_variables(environment) : NULL;
  int problem = environment->api && !variables ? ENOMEM : errno;

  environment->started_us = emulator_clock_us();
  if (variables)
    problem = emulator_process_start(emulator, variables, &environment->pid, &environment->output);
  free(variables);
  if (environment->pid > 0) return true;

  text_buffer_format(&environment->init_error, "fork/exec %s: %s", emulator->options.program,
                     strerror(problem));
  return false;
}

/* A new environment in the list; it may have failed to start, which its reaping tells. */
static emulator_environment *start(emulator_host *emulator, bool is_retry) {
  emulator_environment *environment = calloc(1, sizeof *environment);
  if (!environment) return NULL;

  TAILQ_INIT(&environment->pollers);
  TAILQ_INIT(&environment->running);
  environment->emulator = emulator;
  environment->number = ++emulator->started;
  environment->output = -1;
  environment->is_retry = is_retry;

  TAILQ_INSERT_TAIL(&emulator->environments, environment, link);
  emulator_log_init_start(environment);
  if (start_process(environment)) {
    int64_t limit_ms = is_retry ? emulator->options.timeout_s * 1000LL : EMULATOR_INIT_MS;
    environment->init_deadline_us = environment->started_us + limit_ms * 1000;
  } else {
    environment->state = ENVIRONMENT_STOPS;
  }

  return environment;
}

/* The environment with room that is nearest to work, or NULL; *count: those that live. */
static emulator_environment *find_room(emulator_host *emulator, int *count) {
  emulator_environment *environment, *best = NULL;
  *count = 0;
  TAILQ_FOREACH (environment, &emulator->environments, link) {
    if (environment->state == ENVIRONMENT_STOPS) continue;
    ++*count;
    if (load(environment) >= capacity(emulator)) continue;
    if (!best || environment->state > best->state) best = environment;
  }

  return best;
}

static void assign(emulator_invocation *invocation, emulator_environment *environment) {
  invocation->environment = environment;
  invocation->is_cold = environment->state == ENVIRONMENT_STARTS;
  TAILQ_INSERT_TAIL(&environment->running, invocation, link);
}

void emulator_environment_dispatch(emulator_host *emulator) {
  emulator_invocation *invocation;
  while (!emulator->stopping && (invocation = TAILQ_FIRST(&emulator->queue))) {
    int count;
    emulator_environment *environment = find_room(emulator, &count);
    if (!environment && count < emulator->options.concurrency) environment = start(emulator, false);
    if (!environment) return;

    TAILQ_REMOVE(&emulator->queue, invocation, link);
    emulator->queued--;
    assign(invocation, environment);
    emulator_environment_offer(environment);
  }
}

/* A runtime may give up a poll and ask again: an event must not go to a dead connection. */
emulator_request *emulator_environment_poller(emulator_environment *environment) {
  emulator_request *poller;
  while ((poller = TAILQ_FIRST(&environment->pollers)) && emulator_http_is_gone(poller))
    emulator_http_answer(poller, 410, "", 0);
  return poller;
}

void emulator_environment_offer(emulator_environment *environment) {
  emulator_invocation *invocation;
  TAILQ_FOREACH (invocation, &environment->running, link) {
    if (environment->state != ENVIRONMENT_READY) return;
    if (invocation->state != INVOCATION_WAITS) continue;
    emulator_request *poller = emulator_environment_poller(environment);
    if (!poller) return;
    emulator_invocation_deliver(invocation, poller);
  }
}

emulator_invocation *emulator_environment_find(emulator_environment *environment, const char *id,
                                               size_t size) {
  emulator_invocation *invocation;
  TAILQ_FOREACH (invocation, &environment->running, link)
    if (strlen(invocation->id) == size && memcmp(invocation->id, id, size) == 0) return invocation;
  return NULL;
}

/* Logs the whole lines; at the end of the output, the unfinished one too. */
static void log_lines(emulator_environment *environment, bool at_end) {
  text_buffer *line = &environment->line;
  size_t start = 0;
  while (start < line->size) {
    size_t left = line->size - start;
    const char *at = line->data + start, *end = memchr(at, '\n', left);
    if (!end && left < LINE_MAX_BYTES && !at_end) break;

    size_t size = end ? (size_t)(end - at) : left;
    emulator_log_output(environment, at, size);
    start += size + (end != NULL);
  }

  if (start > 0) memmove(line->data, line->data + start, line->size -= start);
}

void emulator_environment_read(emulator_environment *environment) {
  char chunk[16 * 1024];
  while (environment->output >= 0) {
    ssize_t got = read(environment->output, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      close(environment->output);
      environment->output = -1;
    } else {
      text_buffer_append(&environment->line, chunk, (size_t)got);
      log_lines(environment, false);
    }
  }
}

void emulator_environment_stop(emulator_environment *environment, int64_t kill_us) {
  environment->state = ENVIRONMENT_STOPS;
  environment->init_deadline_us = 0;
  if (environment->kill_us == 0 || kill_us < environment->kill_us) environment->kill_us = kill_us;
}

/* Tells the callers of an environment that ended how it did. */
static void explain_end(emulator_environment *environment, int status) {
  char message[128];
  if (WIFSIGNALED(status)) {
    snprintf(message, sizeof message, "Runtime exited with error: signal: %s",
             strsignal(WTERMSIG(status)));
    char *name = strrchr(message, ':') + 2; /* as Go has it: "killed", "segmentation fault" */
    *name = (char)tolower((unsigned char)*name);
  } else if (WEXITSTATUS(status) == 0)
    snprintf(message, sizeof message, "Runtime exited without providing a reason");
  else
    snprintf(message, sizeof message, "Runtime exited with error: exit status %d",
             WEXITSTATUS(status));

  if (environment->init_us == 0 && !environment->init_timed_out)
    emulator_log_init_failure(environment, "error", "Runtime.ExitError");
  fail_all(environment, "Runtime.ExitError", message);
}

static void explain_init_error(emulator_environment *environment) {
  emulator_invocation *invocation;
  const char *type = environment->init_error_type;
  if (type[0] == '\0') { /* it did not even start */
    text_buffer_byte(&environment->init_error, '\0');
    emulator_log_init_failure(environment, "error", "Runtime.InvalidEntrypoint");
    fail_all(environment, "Runtime.InvalidEntrypoint",
             environment->init_error.failed ? "not enough memory" : environment->init_error.data);
    return;
  }

  emulator_log_init_failure(environment, "error", type);
  TAILQ_FOREACH (invocation, &environment->running, link)
    emulator_invocation_answer(invocation, type, environment->init_error.data,
                               environment->init_error.size);
}

/* The invocations of an init phase that took too long go on in a fresh environment. */
static void retry(emulator_environment *environment) {
  emulator_environment *again = start(environment->emulator, true);
  emulator_invocation *invocation;
  while (again && (invocation = TAILQ_FIRST(&environment->running))) {
    TAILQ_REMOVE(&environment->running, invocation, link);
    assign(invocation, again);
  }
}

void emulator_environment_reap(emulator_environment *environment) {
  int status = 0;
  long most_kb = 0;
  if (environment->pid > 0) {
    if (!emulator_process_has_ended(environment->pid, &status, &most_kb)) return;
    environment->pid = 0;
    emulator_port_settle(environment->api); /* what it sent before it ended */
    emulator_environment_read(environment);
    log_lines(environment, true);
    if (environment->memory_kb == 0) environment->memory_kb = most_kb;
  } else if (environment->state != ENVIRONMENT_STOPS) {
    return;
  }

  environment->state = ENVIRONMENT_STOPS;
  if (environment->init_error.size > 0)
    explain_init_error(environment);
  else if (environment->init_timed_out && !environment->is_retry &&
           !environment->emulator->stopping)
    retry(environment);
  else
    explain_end(environment, status);

  emulator_invocation *invocation;
  while ((invocation = TAILQ_FIRST(&environment->running))) emulator_invocation_finish(invocation);

  TAILQ_REMOVE(&environment->emulator->environments, environment, link);
  emulator_environment_free(environment);
}

void emulator_environment_free(emulator_environment *environment) {
  emulator_request *poller;
  while ((poller = TAILQ_FIRST(&environment->pollers)))
    emulator_http_answer(poller, 503, "", 0); /* none may be suspended when its daemon stops */

  emulator_port_close(environment->api);
  if (environment->output >= 0) close(environment->output);
  text_buffer_free(&environment->line);
  text_buffer_free(&environment->init_error);
  free(environment);
}
