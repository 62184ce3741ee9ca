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

/* On the invoke port. A body of 6 MB takes milliseconds; a connection that is kept may be idle. */
enum { HEAD_LIMIT_S = 60, BODY_LIMIT_S = 60, FILES_MOST = 65536 };

/* What the emulators change of the process, as it was before the first of them. */
static struct {
  int emulators;
  sigset_t mask;
  struct sigaction pipe;
  struct rlimit files;
} before;

/* SIGCHLD among them: the end of an environment wakes the loop. */
static int open_signals(void) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGHUP);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, NULL); /* a reader that went away is an errno */

  return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Every connection is a file, and the usual limit of 1,024 is soon reached. */
static void allow_files(void) {
  struct rlimit files = before.files;
  files.rlim_cur = files.rlim_max < FILES_MOST ? files.rlim_max : FILES_MOST;
  if (files.rlim_cur > before.files.rlim_cur) setrlimit(RLIMIT_NOFILE, &files);
}

/* Several emulators may be open at once, and be closed in any order. */
static void enter_process(emulator_host *emulator) {
  if (before.emulators++ == 0) {
    sigprocmask(SIG_SETMASK, NULL, &before.mask);
    sigaction(SIGPIPE, NULL, &before.pipe);
    if (getrlimit(RLIMIT_NOFILE, &before.files) != 0)
      before.files = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
  }

  emulator->old_mask = before.mask;
  emulator->old_pipe = before.pipe;
  emulator->old_files = before.files;
}

static void leave_process(void) {
  if (--before.emulators > 0) return;
  setrlimit(RLIMIT_NOFILE, &before.files);
  sigaction(SIGPIPE, &before.pipe, NULL);
  sigprocmask(SIG_SETMASK, &before.mask, NULL);
}

/* "localhost" may mean either address. Where there is no ::1, or its port is taken, one is enough.
 */
static bool open_ports(emulator_host *emulator) {
  emulator_listen listen = {
      .number = emulator->options.port,
      .head_limit_us = HEAD_LIMIT_S * 1000000LL,
      .body_limit_us = BODY_LIMIT_S * 1000000LL,
  };
  emulator->api = emulator_port_open(&listen, emulator_invoke_api, emulator);
  if (!emulator->api) return false;
  listen.six = true;
  listen.number = emulator->api->number;
  emulator->api_six = emulator_port_open(&listen, emulator_invoke_api, emulator);

  return true;
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
  enter_process(made);
  allow_files();
  made->signals = open_signals();
  if (made->signals >= 0 && open_ports(made)) return made;
  int problem = errno;
  emulator_free(made);
  errno = problem;

  return NULL;
}

int emulator_port_number(const emulator_host *emulator) {
  return emulator->api->number;
}

/* The first signal asks the environments to end; a second one kills them. */
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

static int64_t port_wait_us(emulator_port *port, int64_t now_us) {
  return port ? emulator_port_wait_us(port, now_us) : INT64_MAX;
}

static int wait_ms(const emulator_host *emulator, int64_t now_us) {
  const emulator_environment *environment;
  int64_t least = emulator->woken ? 0 : port_wait_us(emulator->api, now_us);
  int64_t six = port_wait_us(emulator->api_six, now_us);
  if (six < least) least = six;
  TAILQ_FOREACH (environment, &emulator->environments, link) {
    int64_t wait = port_wait_us(environment->api, now_us);
    int64_t next = emulator_environment_next_us(environment);
    if (next != INT64_MAX && next - now_us < wait) wait = next - now_us;
    if (environment->pid == 0) wait = 0; /* it did not start: reap it now */
    if (wait < least) least = wait;
  }

  if (least <= 0) return 0;

  return least > 60000000 ? 60000 : (int)((least + 999) / 1000);
}

static size_t add_descriptor(struct pollfd *list, size_t count, int descriptor) {
  list[count] = (struct pollfd){.fd = descriptor, .events = POLLIN};
  return count + 1;
}

static size_t add_port(struct pollfd *list, size_t count, const emulator_port *port) {
  return port ? add_descriptor(list, count, emulator_port_descriptor(port)) : count;
}

/* What poll is to watch: signals, the invoke ports, and two of each environment. */
static size_t list_descriptors(const emulator_host *emulator, struct pollfd *list, size_t room) {
  const emulator_environment *environment;
  size_t count = add_descriptor(list, 0, emulator->signals);
  count = add_port(list, count, emulator->api);
  count = add_port(list, count, emulator->api_six);
  TAILQ_FOREACH (environment, &emulator->environments, link) {
    if (count + 2 > room) break;
    if (environment->output >= 0) count = add_descriptor(list, count, environment->output);
    count = add_port(list, count, environment->api);
  }

  return count;
}

static bool wait_for_work(emulator_host *emulator) {
  const emulator_environment *environment;
  size_t room = 3;
  TAILQ_FOREACH (environment, &emulator->environments, link) room += 2;
  struct pollfd *list = malloc(room * sizeof *list);
  if (!list) return false;
  size_t count = list_descriptors(emulator, list, room);
  int got = poll(list, count, wait_ms(emulator, emulator_clock_us()));
  free(list);

  return got >= 0 || errno == EINTR;
}

/* Callers that hold much, and never send the rest, must not keep others out. */
static void shed_uploads(emulator_host *emulator) {
  while (emulator->uploads > EMULATOR_UPLOADS_CROWDED &&
         (emulator_port_shed(emulator->api) ||
          (emulator->api_six && emulator_port_shed(emulator->api_six)))) {
  }
}

static void work(emulator_host *emulator) {
  emulator_environment *environment, *next;
  emulator->woken = false;
  take_signals(emulator);
  emulator_port_run(emulator->api);
  if (emulator->api_six) emulator_port_run(emulator->api_six);
  for (environment = TAILQ_FIRST(&emulator->environments); environment; environment = next) {
    next = TAILQ_NEXT(environment, link);
    emulator_environment_read(environment);
    if (environment->api) emulator_port_run(environment->api);
    emulator_environment_check(environment, emulator_clock_us());
    emulator_environment_reap(environment);
  }

  shed_uploads(emulator);
  emulator_environment_dispatch(emulator);
  emulator_log_flush(emulator);
}

bool emulator_run(emulator_host *emulator) {
  emulator_log_ready(emulator);
  while (!emulator->stopping || !TAILQ_EMPTY(&emulator->environments)) {
    if (emulator->out_errno != 0 && !emulator->stopping) stop(emulator);
    if (!wait_for_work(emulator)) emulator->out_errno = errno;
    work(emulator);
  }

  emulator_port_settle(emulator->api); /* the last answers go out */
  if (emulator->api_six) emulator_port_settle(emulator->api_six);
  emulator_log_flush(emulator);
  errno = emulator->out_errno;

  return emulator->out_errno == 0;
}

/* Ends the request of a caller whose answer will not come: no connection may be suspended when its
 * daemon stops. */
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

  emulator_port_close(emulator->api);
  emulator_port_close(emulator->api_six);
  if (emulator->signals >= 0) close(emulator->signals);
  leave_process();
  text_buffer_free(&emulator->out);
  free(emulator);
}
