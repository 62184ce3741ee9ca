/* Feeds a runtime as fast as it takes, and counts its answers:
 *
 *   runtime_feeder EVENT COUNT… -- COMMAND…
 *
 * COMMAND is started with AWS_LAMBDA_RUNTIME_API set and its standard output sent to this program's
 * standard error; it may poll on several connections. After every COUNT invocations this prints
 *
 *   {"invocations":10000,"resident_kb":2500,"cpu_us":512345,
 *    "answers":[{"count":10000,"to":"response","body":{…}}]}
 *
 * with what came since the line before; cpu_us is the processor time of COMMAND since its start.
 * Then it ends the runtime by SIGTERM. It fails, and says why, when an invocation is answered twice
 * or not at all, or the runtime does not end with status 0. Caller: tests/layer/load_spec.lua. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/runtime_peer.h"

enum { ANSWERS_MAX = 16, INVOCATIONS_MAX = 1000000 };

typedef struct {
  char *to, *body;
  unsigned count;
} answer;

typedef struct {
  runtime_peer api;
  const char *event;
  unsigned sent, answered; /* of all counts together */
  bool done[INVOCATIONS_MAX];
  answer answers[ANSWERS_MAX];
  size_t answer_count;
} feeder;

static _Noreturn void fail(feeder *self, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("runtime_feeder: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  runtime_peer_end(&self->api);
  exit(1);
}

static void start(feeder *self, char *const *command) {
  char authority[64];
  snprintf(authority, sizeof authority, "127.0.0.1:%d", self->api.port);
  setenv("AWS_LAMBDA_RUNTIME_API", authority, 1);
  self->api.child = fork();
  if (self->api.child < 0) fail(self, "cannot fork");
  if (self->api.child > 0) return;
  dup2(STDERR_FILENO, STDOUT_FILENO);
  execvp(*command, command);
  perror(*command);
  _exit(127);
}

static void count_answer(feeder *self, const char *to, const char *body, size_t size) {
  for (size_t i = 0; i < self->answer_count; i++) {
    answer *known = &self->answers[i];
    if (strcmp(known->to, to) != 0 || strlen(known->body) != size ||
        memcmp(known->body, body, size) != 0)
      continue;
    known->count++;
    return;
  }
  if (self->answer_count == ANSWERS_MAX)
    fail(self, "more than %d different answers; the last is %.*s", ANSWERS_MAX, (int)size, body);
  self->answers[self->answer_count++] = (answer){strdup(to), strndup(body, size), 1};
}

/* POST …/invocation/ID/response HTTP/1.1: ID ends with the invocation's number. */
static void take_answer(feeder *self, runtime_peer_connection *from, size_t size) {
  unsigned number;
  char to[16];
  char *head_end = strstr(from->text, "\r\n\r\n") + 4;
  const char *id = strstr(from->text, "/invocation/");
  if (!id || sscanf(id, "/invocation/7f3c1a52-0000-4000-8000-%12u/%15[a-z]", &number, to) != 2 ||
      number >= self->sent)
    fail(self, "asked for what there is not: %.*s", (int)strcspn(from->text, "\r"), from->text);
  if (self->done[number]) fail(self, "invocation %u was answered twice", number);
  self->done[number] = true;
  self->answered++;
  count_answer(self, to, head_end, (size_t)(from->text + size - head_end));
  runtime_peer_consume(from, size);
  if (!runtime_peer_accept(from)) fail(self, "the runtime hung up instead of taking the status");
}

static void send_events(feeder *self, unsigned end) {
  for (size_t i = 0; i < RUNTIME_PEER_CONNECTIONS && self->sent < end; i++) {
    runtime_peer_connection *to = self->api.open[i];
    if (!to || !to->polls) continue;
    to->polls = false;
    if (!runtime_peer_send_event(to, self->sent++, self->event))
      fail(self, "the runtime did not take an event");
  }
}

static void feed(feeder *self, unsigned count) {
  unsigned end = self->sent + count;
  while (self->answered < end) {
    send_events(self, end);
    size_t size;
    runtime_peer_connection *from = runtime_peer_next(&self->api, &size);
    if (!from) fail(self, "no answer after %u invocations of %u", self->answered, self->sent);
    if (strncmp(from->text, "GET ", 4) == 0) {
      from->polls = true;
      runtime_peer_consume(from, size);
    } else {
      take_answer(self, from, size);
    }
  }
}

/* Of all its threads. */
static long long cpu_us(pid_t process) {
  clockid_t clock;
  struct timespec used = {0};
  if (clock_getcpuclockid(process, &clock) == 0) clock_gettime(clock, &used);
  return used.tv_sec * 1000000LL + used.tv_nsec / 1000;
}

static void report(feeder *self, unsigned count) {
  printf("{\"invocations\":%u,\"resident_kb\":%ld,\"cpu_us\":%lld,\"answers\":[", count,
         runtime_peer_resident_kb(self->api.child), cpu_us(self->api.child));
  for (size_t i = 0; i < self->answer_count; i++) {
    answer *one = &self->answers[i];
    printf("%s{\"count\":%u,\"to\":\"%s\",\"body\":%s}", i ? "," : "", one->count, one->to,
           one->body);
    free(one->to);
    free(one->body);
  }
  puts("]}");
  fflush(stdout);
  self->answer_count = 0;
}

static void stop(feeder *self) {
  int status = 0;
  kill(self->api.child, SIGTERM);
  waitpid(self->api.child, &status, 0);
  self->api.child = 0;
  if (status != 0) fail(self, "the runtime ended with wait status %d", status);
  runtime_peer_end(&self->api);
}

int main(int count, char **words) {
  static feeder self;
  int at = 2;
  unsigned total = 0;
  signal(SIGPIPE, SIG_IGN);
  for (; at < count && strcmp(words[at], "--") != 0; at++) total += (unsigned)atoi(words[at]);
  if (at < 3 || at + 1 >= count || total == 0 || total > INVOCATIONS_MAX) {
    fputs("usage: runtime_feeder EVENT COUNT… -- COMMAND…\n", stderr);
    return 2;
  }
  self.event = words[1];
  if (!runtime_peer_listen(&self.api)) fail(&self, "cannot listen");
  start(&self, &words[at + 1]);
  for (int i = 2; i < at; i++) {
    feed(&self, (unsigned)atoi(words[i]));
    report(&self, (unsigned)atoi(words[i]));
  }
  stop(&self);
  return 0;
}
