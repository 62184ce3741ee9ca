/* The emulator's loop: two kinds of ports, the output of every environment, signals and deadlines.
 * See emulator.h. */
#include "emulator/emulator.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "emulator/impl.h"

enum { IDLE_S = 120 };

/* SIGCHLD among them: the end of an environment wakes the loop. */
static int open_signals(emulator_host *emulator) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGHUP);
  sigprocmask(SIG_BLOCK, &mask, &emulator->old_mask);
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, &emulator->old_pipe); /* a reader that went away is an errno */
  return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

emulator_host *emulator_new(const emulator_options *options) {
  emulator_host *made = calloc(1, sizeof *made);
  if (!made) return NULL;
  made->options = *options;
  made->runtime_api = emulator_runtime_api;
  TAILQ_INIT(&made->environments);
  TAILQ_INIT(&made->queue);
  const char *region = getenv("AWS_REGION");
  if (!region || !region[0]) region = getenv("AWS_DEFAULT_REGION");
  made->region = region && region[0] ? region : "us-east-1";
  snprintf(made->log_group, sizeof made->log_group, "/aws/lambda/%s", options->function_name);
  made->signals = open_signals(made);
  if (made->signals >= 0)
    made->api = emulator_http_listen(options->port, IDLE_S, emulator_invoke_api, made, &made->port);
  if (made->api) return made;
  int problem = errno;
  emulator_free(made);
  errno = problem;
  return NULL;
}

int emulator_port(const emulator_host *emulator) {
  return emulator->port;
}

/* The first signal asks the environments to end, a second one does not ask. */
static void stop(emulator_host *emulator) {
  emulator_environment *environment;
  int64_t now = emulator_clock_us();
  bool again = emulator->stopping;
  emulator->stopping = true;
  TAILQ_FOREACH (environment, &emulator->environments, link) {
    emulator_process_signal(environment->pid, SIGTERM);
    emulator_environment_stop(environment, again ? now : now + EMULATOR_STOP_MS * 1000LL);
  }
  emulator_invocation *invocation;
  while ((invocation = TAILQ_FIRST(&emulator->queue))) {
    TAILQ_REMOVE(&emulator->queue, invocation, link);
    emulator->queued--;
    emulator_invocation_fail(invocation, "Sandbox.Failure",
                             "the emulator ended before the function could start");
    emulator_invocation_finish(invocation);
  }
}

static void take_signals(emulator_host *emulator) {
  struct signalfd_siginfo info;
  while (read(emulator->signals, &info, sizeof info) == (ssize_t)sizeof info)
    if (info.ssi_signo != SIGCHLD) stop(emulator);
}

static int64_t http_wait_us(struct MHD_Daemon *daemon) {
  MHD_UNSIGNED_LONG_LONG wait_ms;
  if (!daemon || MHD_get_timeout(daemon, &wait_ms) != MHD_YES) return INT64_MAX;
  return wait_ms < 3600000 ? (int64_t)wait_ms * 1000 : INT64_MAX;
}

static int wait_ms(const emulator_host *emulator, int64_t now_us) {
  const emulator_environment *environment;
  int64_t least = emulator->woken ? 0 : http_wait_us(emulator->api);
  TAILQ_FOREACH (environment, &emulator->environments, link) {
    int64_t wait = http_wait_us(environment->api);
    int64_t next = emulator_environment_next_us(environment);
    if (next != INT64_MAX && next - now_us < wait) wait = next - now_us;
    if (environment->pid == 0) wait = 0; /* it did not start: reap it now */
    if (wait < least) least = wait;
  }
  if (least <= 0) return 0;
  return least > 60000000 ? 60000 : (int)((least + 999) / 1000);
}

/* What poll is to watch: signals, the invoke port, and two of each environment. */
static size_t list_descriptors(const emulator_host *emulator, struct pollfd *list, size_t room) {
  const emulator_environment *environment;
  size_t count = 0;
  list[count++] = (struct pollfd){.fd = emulator->signals, .events = POLLIN};
  list[count++] = (struct pollfd){.fd = emulator_http_descriptor(emulator->api), .events = POLLIN};
  TAILQ_FOREACH (environment, &emulator->environments, link) {
    if (count + 2 > room) break;
    if (environment->output >= 0)
      list[count++] = (struct pollfd){.fd = environment->output, .events = POLLIN};
    if (environment->api)
      list[count++] =
          (struct pollfd){.fd = emulator_http_descriptor(environment->api), .events = POLLIN};
  }
  return count;
}

static bool wait_for_work(emulator_host *emulator) {
  const emulator_environment *environment;
  size_t room = 2;
  TAILQ_FOREACH (environment, &emulator->environments, link) room += 2;
  struct pollfd *list = malloc(room * sizeof *list);
  if (!list) return false;
  size_t count = list_descriptors(emulator, list, room);
  int got = poll(list, count, wait_ms(emulator, emulator_clock_us()));
  free(list);
  return got >= 0 || errno == EINTR;
}

static void work(emulator_host *emulator) {
  emulator_environment *environment, *next;
  emulator->woken = false;
  take_signals(emulator);
  MHD_run(emulator->api);
  for (environment = TAILQ_FIRST(&emulator->environments); environment; environment = next) {
    next = TAILQ_NEXT(environment, link);
    emulator_environment_read(environment);
    if (environment->api) MHD_run(environment->api);
    emulator_environment_check(environment, emulator_clock_us());
    emulator_environment_reap(environment);
  }
  emulator_dispatch(emulator);
  emulator_log_flush(emulator);
}

bool emulator_run(emulator_host *emulator) {
  emulator_log_ready(emulator);
  while (!emulator->stopping || !TAILQ_EMPTY(&emulator->environments)) {
    if (emulator->out_errno != 0 && !emulator->stopping) stop(emulator);
    if (!wait_for_work(emulator)) emulator->out_errno = errno;
    work(emulator);
  }
  emulator_http_settle(emulator->api); /* the last answers go out */
  emulator_log_flush(emulator);
  errno = emulator->out_errno;
  return emulator->out_errno == 0;
}

/* Callers whose answer will not come: none may be suspended when the daemon stops. */
static void give_up(emulator_invocation *invocation) {
  emulator_request *request = invocation->request;
  if (!request) return;
  request->answer_ended = true;
  if (request->status == 0) emulator_http_answer(request, 503, "", 0);
  emulator_http_wake(request);
}

void emulator_free(emulator_host *emulator) {
  if (!emulator) return;
  emulator_environment *environment;
  emulator_invocation *invocation;
  while ((environment = TAILQ_FIRST(&emulator->environments))) {
    int status;
    long kb;
    emulator_process_signal(environment->pid, SIGKILL);
    while (environment->pid > 0 && !emulator_process_has_ended(environment->pid, &status, &kb))
      poll(NULL, 0, 1);
    while ((invocation = TAILQ_FIRST(&environment->running))) {
      TAILQ_REMOVE(&environment->running, invocation, link);
      give_up(invocation);
      emulator_invocation_free(invocation);
    }
    TAILQ_REMOVE(&emulator->environments, environment, link);
    emulator_environment_free(environment);
  }
  while ((invocation = TAILQ_FIRST(&emulator->queue))) {
    TAILQ_REMOVE(&emulator->queue, invocation, link);
    give_up(invocation);
    emulator_invocation_free(invocation);
  }
  if (emulator->api) MHD_stop_daemon(emulator->api);
  if (emulator->signals >= 0) close(emulator->signals);
  sigaction(SIGPIPE, &emulator->old_pipe, NULL);
  sigprocmask(SIG_SETMASK, &emulator->old_mask, NULL);
  text_buffer_free(&emulator->out);
  free(emulator);
}
