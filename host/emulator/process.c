/* The process of an environment: started in a group of its own, so that what it starts ends with
 * it; killed by the kernel when the emulator dies. See impl.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/impl.h"

/* CLOSE_ON_EXEC: the kernel's CLOSE_RANGE_CLOEXEC. musl has neither the function nor the name. */
enum { TREE_DEPTH = 4, CLOSE_ON_EXEC = 1 << 2 };

/* An end of file on standard input, in a root without /dev/null, too. */
static bool read_nothing(void) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  close(ends[1]);
  return dup2(ends[0], STDIN_FILENO) >= 0;
}

/* In the child. Only calls that are safe after fork. */
static int become(const emulator_host *emulator, char *const variables[], int output,
                  pid_t parent) {
  const emulator_options *options = &emulator->options;
  char *const argv[] = {(char *)options->argv0, NULL};
  if (!read_nothing() || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
      setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
      chdir(options->task_root) != 0 || syscall(SYS_close_range, 3, ~0U, CLOSE_ON_EXEC) != 0)
    return errno;
  if (getppid() != parent) return ESRCH; /* it died before prctl could take effect */
  setrlimit(RLIMIT_NOFILE, &emulator->old_files);
  sigaction(SIGPIPE, &emulator->old_pipe, NULL);
  sigprocmask(SIG_SETMASK, &emulator->old_mask, NULL);
  execve(options->program, argv, variables);

  return errno;
}

/* The child's errno, or 0 when the pipe closed because exec succeeded. */
static int read_problem(int from) {
  int problem = 0;
  ssize_t got;
  do got = read(from, &problem, sizeof problem);
  while (got < 0 && errno == EINTR);

  return got == (ssize_t)sizeof problem ? problem : 0;
}

static pid_t spawn(emulator_host *emulator, char *const variables[], int output, int report) {
  pid_t parent = getpid(), child = fork();
  if (child != 0) return child;
  int problem = become(emulator, variables, output, parent);
  (void)!write(report, &problem, sizeof problem);
  _exit(127);
}

int emulator_process_start(emulator_host *emulator, char *const variables[], pid_t *pid,
                           int *output) {
  int log[2], report[2];
  if (pipe2(log, O_CLOEXEC) != 0) return errno;
  if (pipe2(report, O_CLOEXEC) != 0) {
    int problem = errno;
    close(log[0]);
    close(log[1]);
    return problem;
  }

  pid_t child = spawn(emulator, variables, log[1], report[1]);
  int problem = child < 0 ? errno : 0;
  close(log[1]);
  close(report[1]);
  if (child > 0) {
    setpgid(child, child); /* here too: whichever of the two comes first */
    problem = read_problem(report[0]);
    if (problem) waitpid(child, NULL, 0);
  }

  close(report[0]);
  if (problem) {
    close(log[0]);
    return problem;
  }

  fcntl(log[0], F_SETFL, O_NONBLOCK);
  *pid = child;
  *output = log[0];
  return 0;
}

void emulator_process_signal(pid_t pid, int signal) {
  if (pid > 0) kill(-pid, signal);
}

/* The group is killed while its leader is a zombie: until then no other group can have its number.
 */
bool emulator_process_has_ended(pid_t pid, int *status, long *most_kb) {
  siginfo_t info = {0};
  struct rusage usage = {0};
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
    return false;
  kill(-pid, SIGKILL);
  while (wait4(pid, status, 0, &usage) < 0 && errno == EINTR) {
  }

  *most_kb = usage.ru_maxrss;
  return true;
}

static long high_water_kb(pid_t pid) {
  char path[64], line[256];
  long kb = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %ld", &kb) == 1) break;
  fclose(file);

  return kb;
}

/* A bootstrap that is a script has its runtime as a child. */
static long tree_kb(pid_t pid, int depth) {
  char path[64];
  long total = high_water_kb(pid), child;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
  FILE *file = depth > 0 ? fopen(path, "re") : NULL;
  if (!file) return total;
  while (fscanf(file, "%ld", &child) == 1) total += tree_kb((pid_t)child, depth - 1);
  fclose(file);

  return total;
}

void emulator_process_sample(pid_t pid, long *most_kb) {
  long now_kb = pid > 0 ? tree_kb(pid, TREE_DEPTH) : 0;
  if (now_kb > *most_kb) *most_kb = now_kb;
}
