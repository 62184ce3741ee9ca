/* Runtimes of Lambda side by side: this program plays the Runtime API itself, over plain sockets,
 * so that what it measures is the runtime and as little else as can be. For each contestant: start,
 * from before fork to its first GET /next being here whole; cycle, from sending an event to having
 * its whole answer and the next GET /next; memory, VmRSS after those cycles. The contestants take
 * turns, with as many samples each; a sample is the median of a round. The bare loop logs and
 * answers what weir logs and answers, and every answer must hold the decision. Targets are issue
 * 15's. Run by ./dev bench runtime, which bundles AWS's SDK. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench_row.h"
#include "support/runtime_peer.h"

enum {
  MOST_ROUNDS = 64,
  STARTS = 4,    /* a round */
  CYCLES = 2000, /* a round, the first tenth of which warms up */
};

static const char EVENT[] =
    "{\"file_count\":12,\"total_bytes\":73400320,\"largest_bytes\":10485760}";

/* What each contestant answers, whatever it says besides. */
static const char DECISION[] = "{\"action\":\"batch\",";

typedef struct {
  const char *name, *program, *argv[3];
  const char *variables[4];
  /* Results: a sample a round. */
  double start_us[MOST_ROUNDS], cycle_us[MOST_ROUNDS], memory_mb[MOST_ROUNDS];
  bool absent;
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

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *samples, size_t count) {
  qsort(samples, count, sizeof *samples, compare);
  return samples[count / 2];
}

static void fail(const contestant *one) {
  fprintf(stderr, "runtime: %s did not start, or did not answer\n", one->name);
  exit(1);
}

static void run_round(runtime_peer *api, contestant *one, const char *directory, size_t round) {
  static double times[CYCLES];
  runtime_peer_connection *poller = NULL;
  size_t cycles = bench_count(CYCLES), warm = cycles / 10;
  for (size_t i = 0; i < STARTS; i++) {
    if (i > 0) runtime_peer_end(api);
    times[i] = start(api, one, directory, &poller);
    if (times[i] == 0) fail(one);
  }
  one->start_us[round] = median(times, STARTS);
  for (size_t i = 0; i < cycles; i++) {
    double took = cycle(api, &poller, (unsigned)i);
    if (took == 0) fail(one);
    if (i >= warm) times[i - warm] = took;
  }
  one->cycle_us[round] = median(times, cycles - warm);
  one->memory_mb[round] = (double)runtime_peer_resident_kb(api->child) / 1024;
  runtime_peer_end(api);
}

/* What ./dev layer leaves for this machine's processor. */
static const char *layer_bootstrap(void) {
  static char path[128];
  struct utsname machine;
  bool arm = uname(&machine) == 0 && strcmp(machine.machine, "aarch64") == 0;
  snprintf(path, sizeof path, "build/layer/%s/root/bootstrap", arm ? "arm64" : "x86_64");
  return path;
}

/* A program of this build, from where this one is. */
static const char *built(char path[4200], const char *name) {
  ssize_t size = readlink("/proc/self/exe", path, 4096);
  if (size < 0) exit(1);
  path[size] = '\0';
  strcpy(strrchr(path, '/') + 1, name);
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

enum { BARE, WEIR, LAYER, NODE, NODE_SDK, NODE_BUNDLED, COUNT };

static contestant list[COUNT] = {
    {.name = "a bare C loop, static", .argv = {"bare_runtime"}},
    {.name = "development build", .argv = {"bootstrap"}},
    {.name = "layer", .argv = {"/opt/bootstrap"}},
    {.name = "Node", .argv = {"node", "tests/bench/node_loop.mjs"}},
    {.name = "Node with three SDK clients",
     .argv = {"node", "tests/bench/node_loop.mjs"},
     .variables = {"AWS_BENCH_CLIENTS=1"}},
    {.name = "Node with three SDK clients, bundled",
     .argv = {"node", "build/bench/node_loop_bundled.mjs"},
     .variables = {"AWS_BENCH_CLIENTS=1"}},
};

/* One row: `row` has what is particular to it. */
static void print_row(const char *what, const contestant *ours, const contestant *peer,
                      bench_row row) {
  char name[80];
  snprintf(name, sizeof name, "%s, %s", what, ours->name);
  row.name = name;
  row.peer = peer->name;
  row.target_of = row.least > 0 || row.most > 0 ? "ratio" : NULL;
  bench_row_print(&row);
}

/* A Node that runs the handler alone has less to start, and to do, than any with what weir has. */
static void print_rows(const contestant *ours, size_t rounds) {
  static const double starts[COUNT] = {[BARE] = 2.5, [NODE_SDK] = 100};
  for (size_t peer = BARE; peer < COUNT; peer++) {
    bool bare = peer == BARE;
    if (peer == WEIR || peer == LAYER) continue;
    print_row("start", ours, &list[peer],
              (bench_row){.unit = "us by the clock",
                          .equal_work = "from before fork to the whole of the first request for an "
                                        "event",
                          .ours = ours->start_us,
                          .theirs = list[peer].start_us,
                          .samples = rounds,
                          .ratio = bare ? "ours/theirs" : "theirs/ours",
                          .most = bare ? starts[peer] : 0,
                          .least = bare ? 0 : starts[peer]});
  }
  print_row("warm cycle", ours, &list[BARE],
            (bench_row){.unit = "us by the clock",
                        .equal_work = "both answer the same decision, log the same decision line "
                                      "and the same two lines of metrics",
                        .ours = ours->cycle_us,
                        .theirs = list[BARE].cycle_us,
                        .samples = rounds,
                        .most = 1.4});
  print_row("warm cycle", ours, &list[NODE],
            (bench_row){.unit = "us by the clock",
                        .equal_work = "both answer the same decision; Node logs nothing",
                        .ours = ours->cycle_us,
                        .theirs = list[NODE].cycle_us,
                        .samples = rounds,
                        .ratio = "theirs/ours"});
  print_row("resident memory", ours, &list[NODE_SDK],
            (bench_row){.unit = "MB",
                        .equal_work = "after the same cycles",
                        .ours = ours->memory_mb,
                        .theirs = list[NODE_SDK].memory_mb,
                        .samples = rounds,
                        .ratio = "theirs/ours"});
}

int main(void) {
  static char bare[4200], weir[4200];
  runtime_peer api = {0};
  char directory[4096];
  size_t rounds = bench_rounds(MOST_ROUNDS);
  signal(SIGPIPE, SIG_IGN);
  if (!getcwd(directory, sizeof directory) || !runtime_peer_listen(&api)) return 1;
  list[BARE].program = built(bare, "bare_runtime");
  list[WEIR].program = built(weir, "../weir");
  list[LAYER].program = layer_bootstrap();
  for (size_t i = NODE; i < COUNT; i++) list[i].program = find_in_path("node");
  list[LAYER].absent = access(list[LAYER].program, X_OK) != 0;
  if (list[LAYER].absent) fputs("runtime: no layer is built yet: ./dev layer\n", stderr);
  for (size_t round = 0; round < rounds; round++)
    for (size_t i = 0; i < COUNT; i++)
      if (!list[i].absent) run_round(&api, &list[i], directory, round);
  print_rows(&list[WEIR], rounds);
  if (!list[LAYER].absent) print_rows(&list[LAYER], rounds);
  close(api.listener);
  return 0;
}
