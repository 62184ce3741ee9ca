/* The floor of runtime_bench: the least a runtime can do. Asks for the next event over one raw
 * socket, logs the decision line and the metrics that weir's routing handler logs for it, answers
 * as that handler does, and so on; linked -static. What it decides and logs is written here, but
 * for the ids, the times and the event. It trusts its server, as no real runtime may. Ends when the
 * connection does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 64 * 1024, TIME = sizeof "2026-11-22T03:04:05.678Z" };

#define DIGEST "sha256:0834c96ff33bdd480536ba3c4b01946bd79db90e406c3d7da89db116a5d021e6"
#define BECAUSE "a file has up to 10485760 bytes, an endpoint takes 6291456"

/* Of: 32 digits, the time, the request, the event, microseconds. */
static const char DECISION[] =
    "{\"schema\":\"weir.decision/1\",\"id\":\"%016llx%016llx\",\"time\":\"%s\","
    "\"request_id\":\"%.36s\",\"kind\":\"routing\",\"policy\":{\"name\":\"routing\","
    "\"digest\":\"" DIGEST "\"},\"host\":\"0.1.0\","
    "\"params\":{\"payload_limit\":6291456,\"threshold\":10},\"overrides\":[],\"facts\":%.*s,"
    "\"decision\":{\"action\":\"batch\"},\"because\":\"" BECAUSE "\",\"redacted\":[],"
    "\"eval_us\":%lld}\n";

#define PROPERTIES                                                                                 \
  "\"request_id\":\"%.36s\",\"policy_digest\":\"" DIGEST "\","                                     \
  "\"policy_fetched_at\":\"%s\",\"policy_loaded_at\":\"%s\","

/* Of: milliseconds, the request, two times; and again, with the duration and the cold start. */
static const char METRICS[] =
    "{\"_aws\":{\"Timestamp\":%lld,\"CloudWatchMetrics\":[{\"Namespace\":\"weir\",\"Dimensions\":"
    "[[\"Action\",\"Function\"]],\"Metrics\":[{\"Name\":\"RoutingDecisions\",\"Unit\":\"Count\"},"
    "{\"Name\":\"FilesRouted\",\"Unit\":\"Count\"}]}]},\"Action\":\"batch\","
    "\"Function\":\"bench\"," PROPERTIES "\"RoutingDecisions\":1,\"FilesRouted\":12}\n"
    "{\"_aws\":{\"Timestamp\":%lld,\"CloudWatchMetrics\":[{\"Namespace\":\"weir\",\"Dimensions\":"
    "[[\"Function\",\"Handler\"]],\"Metrics\":[{\"Name\":\"Duration\",\"Unit\":\"Milliseconds\"},"
    "{\"Name\":\"Success\",\"Unit\":\"Count\"},{\"Name\":\"Error\",\"Unit\":\"Count\"},"
    "{\"Name\":\"ColdStart\",\"Unit\":\"Count\"},{\"Name\":\"PolicyAge\",\"Unit\":\"Seconds\"}]}]},"
    "\"Function\":\"bench\",\"Handler\":\"routing\"," PROPERTIES
    "\"Duration\":%g,\"Success\":1,\"Error\":0,\"ColdStart\":%d,\"PolicyAge\":0}\n";

static const char ANSWER[] = "{\"action\":\"batch\",\"because\":\"" BECAUSE "\",\"file_count\":12}";

static const char NEXT[] = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: l\r\n\r\n";

static int connect_to(const char *address) {
  char host[64];
  int port;
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (!address || sscanf(address, "%63[^:]:%d", host, &port) != 2) return -1;
  to.sin_port = htons((unsigned short)port);
  int server = socket(AF_INET, SOCK_STREAM, 0);
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
      connect(server, (struct sockaddr *)&to, sizeof to) != 0)
    return -1;
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return server;
}

/* One whole response into text; the start of its body, or NULL when the connection ended. */
static char *receive(int server, char *text, size_t *body_size) {
  size_t size = 0;
  for (;;) {
    ssize_t got = read(server, text + size, ROOM - 1 - size);
    if (got <= 0) return NULL;
    text[size += (size_t)got] = '\0';
    char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length:");
    if (!end) continue;
    *body_size = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (size >= (size_t)(end + 4 - text) + *body_size) return end + 4;
  }
}

static long long now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void format_time(long long us, char text[TIME]) {
  struct tm parts;
  time_t seconds = us / 1000000;
  gmtime_r(&seconds, &parts);
  strftime(text, TIME, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(text + 19, TIME - 19, ".%03uZ", (unsigned)(us % 1000000 / 1000));
}

static void log_decision(const char *id, const char *event, size_t size, long long begin_us) {
  static char line[ROOM];
  char time[TIME];
  unsigned long long digits[2];
  if (getrandom(digits, sizeof digits, 0) != sizeof digits) exit(1);
  format_time(begin_us, time);
  int length = snprintf(line, sizeof line, DECISION, digits[0], digits[1], time, id, (int)size,
                        event, now_us() - begin_us);
  if (write(STDOUT_FILENO, line, (size_t)length) < 0) exit(1);
}

static void log_metrics(const char *id, long long begin_us, const char *loaded, int cold) {
  static char lines[ROOM];
  long long now = now_us(), ms = now / 1000;
  int length = snprintf(lines, sizeof lines, METRICS, ms, id, loaded, loaded, ms, id, loaded,
                        loaded, (double)(now - begin_us) / 1000, cold);
  if (write(STDOUT_FILENO, lines, (size_t)length) < 0) exit(1);
}

int main(void) {
  static char text[ROOM], post[ROOM], answer[ROOM];
  size_t size, ignored;
  char loaded[TIME];
  int server = connect_to(getenv("AWS_LAMBDA_RUNTIME_API"));
  if (server < 0) return 1;
  format_time(now_us(), loaded);
  for (int cold = 1;; cold = 0) {
    if (write(server, NEXT, sizeof NEXT - 1) < 0) return 0;
    char *body = receive(server, text, &size);
    char *id = body ? strcasestr(text, "\r\nLambda-Runtime-Aws-Request-Id: ") : NULL;
    if (!id) return 0;
    long long begin_us = now_us();
    id += sizeof "\r\nLambda-Runtime-Aws-Request-Id: " - 1;
    log_decision(id, body, size, begin_us);
    int length = snprintf(post, sizeof post,
                          "POST /2018-06-01/runtime/invocation/%.36s/response HTTP/1.1\r\n"
                          "Host: l\r\nContent-Length: %zu\r\n\r\n%s",
                          id, sizeof ANSWER - 1, ANSWER);
    if (write(server, post, (size_t)length) < 0 || !receive(server, answer, &ignored)) return 0;
    log_metrics(id, begin_us, loaded, cold);
  }
}
