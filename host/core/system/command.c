/* See command.h. */
#include "core/system/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* In its own process group, so that a wrapper script's children can be killed with it. */
static int spawn(pid_t *child, char *const argv[], int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  int problem = posix_spawnp(child, argv[0], &actions, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);

  return problem;
}

/* Reads until the output ends. False: outcome says which limit was passed. */
static bool read_output(command_result *result, int fd, int64_t deadline, size_t output_max) {
  char chunk[4096];
  for (;;) {
    int64_t left = deadline - monotonic_ms();
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int polled = left > 0 ? poll(&ready, 1, left > 1000 ? 1000 : (int)left) : 0;
    if (left <= 0) {
      result->outcome = COMMAND_TIMEOUT;
      return false;
    }

    if (polled <= 0) continue; /* a signal, or the slice of time passed */
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got == 0 || (got < 0 && errno != EINTR)) break;
    if (got > 0) text_buffer_append(&result->output, chunk, (size_t)got);
    if (result->output.size > output_max || result->output.failed) {
      result->outcome = COMMAND_OUTPUT_TOO_LARGE;
      break;
    }
  }

  explicit_bzero(chunk, sizeof chunk);

  return result->outcome == COMMAND_EXITED;
}

/* The output may end before the process does; the time limit holds for both. */
static bool wait_until(pid_t child, int64_t deadline, int *status) {
  while (waitpid(child, status, WNOHANG) == 0) {
    if (monotonic_ms() >= deadline) return false;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }

  return true;
}

static void collect(command_result *result, pid_t child, int fd, int64_t deadline,
                    size_t output_max) {
  int status = 0;
  if (!read_output(result, fd, deadline, output_max) || !wait_until(child, deadline, &status)) {
    if (result->outcome == COMMAND_EXITED) result->outcome = COMMAND_TIMEOUT;
    kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
      ;
    return;
  }

  if (WIFSIGNALED(status)) result->outcome = COMMAND_SIGNALLED;
  result->exit_status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

command_result command_run(char *const argv[], int64_t timeout_ms, size_t output_max) {
  command_result result = {.outcome = COMMAND_EXITED};
  int64_t deadline = monotonic_ms() + timeout_ms;
  int ends[2];
  pid_t child;
  if (pipe2(ends, O_CLOEXEC) != 0) {
    result.outcome = COMMAND_NOT_STARTED;
    result.start_errno = errno;
    return result;
  }

  result.start_errno = spawn(&child, argv, ends[1]);
  close(ends[1]);
  if (result.start_errno != 0)
    result.outcome = COMMAND_NOT_STARTED;
  else
    collect(&result, child, ends[0], deadline, output_max);
  close(ends[0]);

  return result;
}

void command_result_free(command_result *result) {
  if (result->output.data) explicit_bzero(result->output.data, result->output.capacity);
  text_buffer_free(&result->output);
}
