/* Runtimes of Lambda side by side: this program plays the Runtime API itself, over plain sockets,
 * so that what it measures is the runtime and as little else as can be. For each contestant start
 * from before fork to its first GET …/next being here whole: the best and the median; cycle   from
 * sending an event to having its whole answer and the next GET …/next; memory  VmRSS after those
 * cycles. The contestants take turns, so that the machine's noise meets all. Targets are issue 4's.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
  ROOM = 64 * 1024,
  CONNECTIONS = 8,
  ROUNDS = 5,
  MAX_SAMPLES = 20000,
  HANG_MS = 60000, /* no runtime is this slow; one that does not answer would hang the benchmark */
};

static const char EVENT[] =
    "{\"file_count\":12,\"total_bytes\":73400320,\"largest_bytes\":10485760}";

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

typedef struct {
  int socket;
  size_t size;
  char text[ROOM];
} connection;

typedef struct {
  int listener, port;
  pid_t child;
  connection *open[CONNECTIONS];
} server;

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static bool listen_anywhere(server *api) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  api->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(api->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(api->listener, CONNECTIONS) != 0 ||
      getsockname(api->listener, (struct sockaddr *)&address, &size) != 0)
    return false;
  api->port = ntohs(address.sin_port);
  return true;
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

static void end_child(server *api) {
  for (size_t i = 0; i < CONNECTIONS; i++) {
    if (!api->open[i]) continue;
    close(api->open[i]->socket);
    free(api->open[i]);
    api->open[i] = NULL;
  }
  if (api->child > 0) {
    kill(api->child, SIGKILL);
    waitpid(api->child, NULL, 0);
  }
  api->child = 0;
  /* What it connected and nobody accepted would be taken for the next one's. */
  for (int left; (left = accept(api->listener, NULL, NULL)) >= 0;) close(left);
}

/* The size of the whole request at the front of the text; 0 while it is not all there. */
static size_t request_size(connection *from) {
  from->text[from->size] = '\0';
  char *end = strstr(from->text, "\r\n\r\n");
  if (!end) return 0;
  char *length = strcasestr(from->text, "\r\nContent-Length:");
  char *chunked = strcasestr(from->text, "\r\nTransfer-Encoding: chunked");
  size_t head = (size_t)(end + 4 - from->text);
  if (chunked && chunked < end) {
    char *last = strstr(end + 2, "\r\n0\r\n\r\n");
    return last ? (size_t)(last + 7 - from->text) : 0;
  }
  size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
  return from->size >= head + body ? head + body : 0;
}

static bool accept_one(server *api) {
  for (size_t i = 0; i < CONNECTIONS; i++) {
    if (api->open[i]) continue;
    api->open[i] = calloc(1, sizeof *api->open[i]);
    if (!api->open[i]) return false;
    api->open[i]->socket = accept4(api->listener, NULL, NULL, SOCK_CLOEXEC);
    setsockopt(api->open[i]->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return api->open[i]->socket >= 0;
  }
  return false;
}

static bool read_more(server *api, size_t i) {
  connection *from = api->open[i];
  ssize_t got = read(from->socket, from->text + from->size, ROOM - 1 - from->size);
  if (got > 0) {
    from->size += (size_t)got;
    return true;
  }
  close(from->socket);
  free(from);
  api->open[i] = NULL;
  return got == 0;
}

/* Waits for a whole request, which stays in its connection's text; its size in *size. */
static connection *next_request(server *api, size_t *size) {
  for (;;) {
    struct pollfd list[CONNECTIONS + 1];
    size_t at[CONNECTIONS + 1], count = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
      if (!api->open[i]) continue;
      if (api->open[i]->size > 0 && (*size = request_size(api->open[i]))) return api->open[i];
      at[count] = i;
      list[count++] = (struct pollfd){.fd = api->open[i]->socket, .events = POLLIN};
    }
    list[count] = (struct pollfd){.fd = api->listener, .events = POLLIN};
    if (poll(list, count + 1, HANG_MS) <= 0) return NULL;
    if (list[count].revents && !accept_one(api)) return NULL;
    for (size_t i = 0; i < count; i++)
      if (list[i].revents && !read_more(api, at[i])) return NULL;
  }
}

static void consume(connection *from, size_t size) {
  memmove(from->text, from->text + size, from->size - size);
  from->size -= size;
}

static bool send_all(int to, const char *text, size_t size) {
  return write(to, text, size) == (ssize_t)size; /* smaller than any socket's buffer */
}

/* Starts it and waits for its first /next; the time that took, or 0. */
static double start(server *api, const contestant *one, const char *directory,
                    connection **poller) {
  double begin = now_us();
  size_t size;
  api->child = fork();
  if (api->child == 0) become(one, api->port, directory);
  *poller = api->child > 0 ? next_request(api, &size) : NULL;
  if (!*poller || strncmp((*poller)->text, "GET ", 4) != 0) return 0;
  double took = now_us() - begin;
  consume(*poller, size);
  return took;
}

static bool send_event(connection *to, unsigned number) {
  char text[2048];
  long long deadline = (long long)time(NULL) * 1000 + 60000;
  int size =
      snprintf(text, sizeof text,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
               "Lambda-Runtime-Aws-Request-Id: 7f3c1a52-0000-4000-8000-%012u\r\n"
               "Lambda-Runtime-Deadline-Ms: %lld\r\n"
               "Lambda-Runtime-Invoked-Function-Arn: "
               "arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
               "Lambda-Runtime-Trace-Id: Root=1-67891233-abcdef012345678912345678;Sampled=0\r\n"
               "Content-Length: %zu\r\n\r\n%s",
               number, deadline, sizeof EVENT - 1, EVENT);
  return send_all(to->socket, text, (size_t)size);
}

/* One event, its answer, the next poll; the time that took, or 0 when anything is not as it is to
 * be: an answer that is an error would be measured as if it were a decision. */
static double cycle(server *api, connection **poller, unsigned number) {
  static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
  size_t size;
  double begin = now_us();
  if (!send_event(*poller, number)) return 0;
  connection *from = next_request(api, &size);
  if (!from || strncmp(from->text, "POST ", 5) != 0) return 0;
  char *path_end = strchr(from->text + 5, ' ');
  if (!path_end || strncmp(path_end - 9, "/response", 9) != 0) return 0;
  consume(from, size);
  if (!send_all(from->socket, accepted, sizeof accepted - 1)) return 0;
  *poller = next_request(api, &size);
  if (!*poller || strncmp((*poller)->text, "GET ", 4) != 0) return 0;
  double took = now_us() - begin;
  consume(*poller, size);
  return took;
}

static long resident_kb(pid_t pid) {
  char path[64], line[256];
  long kb = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmRSS: %ld", &kb) == 1) break;
  if (file) fclose(file);
  return kb;
}

static void run_round(server *api, contestant *one, const char *directory) {
  connection *poller;
  for (int i = 0; i < one->starts && !one->failed; i++) {
    double took = start(api, one, directory, &poller);
    one->failed = took == 0;
    if (took > 0) one->start_us[one->start_count++] = took;
    if (i + 1 < one->starts || one->failed) end_child(api);
  }
  for (int i = 0; i < one->cycles && !one->failed; i++) {
    double took = cycle(api, &poller, (unsigned)i);
    one->failed = took == 0;
    /* The first tenth warms up. */
    if (took > 0 && i >= one->cycles / 10) one->cycle_us[one->cycle_count++] = took;
  }
  if (!one->failed) one->memory_kb = resident_kb(api->child);
  end_child(api);
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
  judge("warm cycle, times the bare loop's", ratio, us->cycle / bare->cycle, "at most", 1.5,
        ratio <= 1.5);
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
  server api = {0};
  char directory[4096];
  signal(SIGPIPE, SIG_IGN);
  if (!getcwd(directory, sizeof directory) || !listen_anywhere(&api)) return 1;
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
