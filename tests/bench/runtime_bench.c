/* Runtimes of Lambda side by side: this program plays the Runtime API itself, over plain sockets,
 * so that what it measures is the runtime and as little else as can be. For each contestant start
 * from before fork to its first GET …/next being here whole: the best and the median; cycle   from
 * sending an event to having its whole answer and the next GET …/next; memory  VmRSS after those
 * cycles. The contestants take turns, so that the machine's noise meets all. The bare loop
 * logs and answers what weir logs and answers. Targets are issue 15's.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "support/runtime_peer.h"

enum {
  ROUNDS = 5,
  MAX_SAMPLES = 20000,
};

static const char EVENT[] =
    "{\"file_count\":12,\"total_bytes\":73400320,\"largest_bytes\":10485760}";

/* What each contestant answers, whatever it says besides. */
static const char DECISION[] = "{\"action\":\"batch\",";

typedef struct {
  const char *name, *program, *argv[3];
  const char *variables[4];
  int starts, cycles; /* a round */
  /* Results. */
  double start_us[MAX_SAMPLES], cycle_us[MAX_SAMPLES];
  size_t start_count, cycle_count;
  long memory_kb;
  bool absent, failed;
} contestant;

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The child's own output is not what is measured, but writing it is part of its work. */
static void become(const contestant *one, int port, const char *directory) {
  static char api[64], root[4200], path[4200];
  char *variables[16];
  size_t count = 0;
  snprintf(api, sizeof api, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%d", port);
  snprintf(root, sizeof root, "LAMBDA_TASK_ROOT=%s", directory);
  snprintf(path, sizeof path, "PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
  char *const fixed[] = {api,
                         root,
                         path,
                         "_HANDLER=routing",
                         "AWS_LAMBDA_FUNCTION_NAME=bench",
                         "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
                         "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
                         "AWS_REGION=us-east-1",
                         "AWS_LAMBDA_LOG_FORMAT=JSON"};
  for (; count < sizeof fixed / sizeof *fixed; count++) variables[count] = fixed[count];
  for (size_t i = 0; one->variables[i]; i++) variables[count++] = (char *)one->variables[i];
  variables[count] = NULL;
  int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, STDOUT_FILENO);
  dup2(nothing, STDERR_FILENO);
  execve(one->program, (char *const *)one->argv, variables);
  _exit(127);
}

/* Starts it and waits for its first /next; the time that took, or 0. */
static double start(runtime_peer *api, const contestant *one, const char *directory,
                    runtime_peer_connection **poller) {
  double begin = now_us();
  size_t size;
  api->child = fork();
  if (api->child == 0) become(one, api->port, directory);
  *poller = api->child > 0 ? runtime_peer_next(api, &size) : NULL;
  if (!*poller || strncmp((*poller)->text, "GET ", 4) != 0) return 0;
  double took = now_us() - begin;
  runtime_peer_consume(*poller, size);
  return took;
}

/* One event, its answer, the next poll; the time that took, or 0 when anything is not as it is to
 * be: an answer that is an error would be measured as if it were a decision. */
static double cycle(runtime_peer *api, runtime_peer_connection **poller, unsigned number) {
  size_t size;
  double begin = now_us();
  if (!runtime_peer_send_event(*poller, number, EVENT)) return 0;
  runtime_peer_connection *from = runtime_peer_next(api, &size);
  if (!from || strncmp(from->text, "POST ", 5) != 0) return 0;
  char *path_end = strchr(from->text + 5, ' ');
  if (!path_end || strncmp(path_end - 9, "/response", 9) != 0) return 0;
  if (!strstr(path_end, DECISION)) return 0;
  runtime_peer_consume(from, size);
  if (!runtime_peer_accept(from)) return 0;
  *poller = runtime_peer_next(api, &size);
  if (!*poller || strncmp((*poller)->text, "GET ", 4) != 0) return 0;
  double took = now_us() - begin;
  runtime_peer_consume(*poller, size);
  return took;
}

static void run_round(runtime_peer *api, contestant *one, const char *directory) {
  runtime_peer_connection *poller = NULL;
  for (int i = 0; i < one->starts && !one->failed; i++) {
    double took = start(api, one, directory, &poller);
    one->failed = took == 0;
    if (took > 0) one->start_us[one->start_count++] = took;
    if (i + 1 < one->starts || one->failed) runtime_peer_end(api);
  }
  for (int i = 0; i < one->cycles && !one->failed; i++) {
    double took = cycle(api, &poller, (unsigned)i);
    one->failed = took == 0;
    /* The first tenth warms up. */
    if (took > 0 && i >= one->cycles / 10) one->cycle_us[one->cycle_count++] = took;
  }
  if (!one->failed) one->memory_kb = runtime_peer_resident_kb(api->child);
  runtime_peer_end(api);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void summarize(double *samples, size_t count, double *best, double *median) {
  qsort(samples, count, sizeof *samples, compare);
  *best = count ? samples[0] : 0;
  *median = count ? samples[count / 2] : 0;
}

static void judge(const char *what, double best, double median, const char *relation, double target,
                  bool met) {
  printf("  %-60s %7.2f, medians %7.2f  (%s %g: %s)\n", what, best, median, relation, target,
         met ? "met" : "not met");
}

typedef struct {
  double start_best, start, cycle_best, cycle;
} summary;

static void print_results(contestant *list, size_t count, summary *of) {
  printf("%-28s %11s %11s %11s %11s %9s\n", "runtime", "start best", "median ms", "cycle best",
         "median us", "RSS MB");
  for (size_t i = 0; i < count; i++) {
    contestant *one = &list[i];
    summarize(one->start_us, one->start_count, &of[i].start_best, &of[i].start);
    summarize(one->cycle_us, one->cycle_count, &of[i].cycle_best, &of[i].cycle);
    if (one->absent)
      continue;
    else if (one->failed)
      printf("%-28s did not start, or did not answer: not measured\n", one->name);
    else
      printf("%-28s %11.2f %11.2f %11.1f %11.1f %9.1f\n", one->name, of[i].start_best / 1e3,
             of[i].start / 1e3, of[i].cycle_best, of[i].cycle, (double)one->memory_kb / 1024);
  }
}

/* By the best: medians hold whatever else the machine did meanwhile. */
static void print_judgement(const contestant *ours, const summary *us, const summary *bare,
                            const summary *sdk, bool has_sdk) {
  if (ours->failed) return;
  double ratio = us->start_best / bare->start_best;
  printf("%s\n", ours->name);
  judge("start, times the bare loop's", ratio, us->start / bare->start, "at most", 2.5,
        ratio <= 2.5);
  ratio = sdk->start_best / us->start_best;
  if (has_sdk)
    judge("the start of Node with SDK clients, times ours", ratio, sdk->start / us->start,
          "at least", 100, ratio >= 100);
  ratio = us->cycle_best / bare->cycle_best;
  judge("warm cycle, times the bare loop's", ratio, us->cycle / bare->cycle, "at most", 1.4,
        ratio <= 1.4);
  printf("  %-60s %7.2f  (at most 8: %s)\n", "resident memory, MB", (double)ours->memory_kb / 1024,
         ours->memory_kb <= 8 * 1024 ? "met" : "not met");
}

/* What ./dev layer leaves for this machine's processor. */
static const char *layer_bootstrap(void) {
  static char path[128];
  struct utsname machine;
  bool arm = uname(&machine) == 0 && strcmp(machine.machine, "aarch64") == 0;
  snprintf(path, sizeof path, "build/layer/%s/root/bootstrap", arm ? "arm64" : "x86_64");
  return path;
}

static const char *find_in_path(const char *name) {
  static char path[4200];
  char *search = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin"), *rest = search,
       *directory;
  bool found = false;
  while (!found && (directory = strsep(&rest, ":"))) {
    snprintf(path, sizeof path, "%s/%s", directory, name);
    found = access(path, X_OK) == 0;
  }
  free(search);
  return found ? path : NULL;
}

static contestant list[5] = {
    {.name = "bare C loop, static", .argv = {"bare_runtime"}, .starts = 12, .cycles = 2000},
    {.name = "weir, development build", .argv = {"bootstrap"}, .starts = 12, .cycles = 2000},
    {.name = "weir, the layer's", .argv = {"/opt/bootstrap"}, .starts = 12, .cycles = 2000},
    {.name = "Node", .argv = {"node", "tests/bench/node_loop.mjs"}, .starts = 2, .cycles = 2000},
    {.name = "Node with three SDK clients",
     .argv = {"node", "tests/bench/node_loop.mjs"},
     .variables = {"AWS_BENCH_CLIENTS=1"},
     .starts = 2,
     .cycles = 2000},
};

int main(void) {
  enum { BARE, WEIR, LAYER, NODE, NODE_SDK, COUNT };
  summary of[COUNT] = {0};
  runtime_peer api = {0};
  char directory[4096];
  signal(SIGPIPE, SIG_IGN);
  if (!getcwd(directory, sizeof directory) || !runtime_peer_listen(&api)) return 1;
  list[BARE].program = "build/dev/tests/bare_runtime";
  list[WEIR].program = "build/dev/weir";
  list[LAYER].program = layer_bootstrap();
  list[NODE].program = list[NODE_SDK].program = find_in_path("node");
  for (size_t i = 0; i < COUNT; i++)
    if (!list[i].program || access(list[i].program, X_OK) != 0)
      list[i].absent = list[i].failed = true;
  if (list[LAYER].absent) puts("build/layer holds no bootstrap yet: ./dev layer builds it");
  for (int round = 0; round < ROUNDS; round++)
    for (size_t i = 0; i < COUNT; i++) run_round(&api, &list[i], directory);
  print_results(list, COUNT, of);
  if (!list[BARE].failed)
    for (size_t i = WEIR; i <= LAYER; i++)
      print_judgement(&list[i], &of[i], &of[BARE], &of[NODE_SDK], !list[NODE_SDK].failed);
  close(api.listener);
  return 0;
}
