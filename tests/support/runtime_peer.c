/* See runtime_peer.h. */
#include "support/runtime_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HANG_MS = 60000 /* no runtime is this slow */ };

bool runtime_peer_listen(runtime_peer *api) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  api->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(api->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(api->listener, RUNTIME_PEER_CONNECTIONS) != 0 ||
      getsockname(api->listener, (struct sockaddr *)&address, &size) != 0)
    return false;
  api->port = ntohs(address.sin_port);
  return true;
}

void runtime_peer_end(runtime_peer *api) {
  for (size_t i = 0; i < RUNTIME_PEER_CONNECTIONS; i++) {
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
static size_t request_size(runtime_peer_connection *from) {
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

static bool accept_one(runtime_peer *api) {
  for (size_t i = 0; i < RUNTIME_PEER_CONNECTIONS; i++) {
    if (api->open[i]) continue;
    api->open[i] = calloc(1, sizeof *api->open[i]);
    if (!api->open[i]) return false;
    api->open[i]->socket = accept4(api->listener, NULL, NULL, SOCK_CLOEXEC);
    setsockopt(api->open[i]->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return api->open[i]->socket >= 0;
  }
  return false;
}

static bool read_more(runtime_peer *api, size_t i) {
  runtime_peer_connection *from = api->open[i];
  ssize_t got = read(from->socket, from->text + from->size, RUNTIME_PEER_ROOM - 1 - from->size);
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
runtime_peer_connection *runtime_peer_next(runtime_peer *api, size_t *size) {
  for (;;) {
    struct pollfd list[RUNTIME_PEER_CONNECTIONS + 1];
    size_t at[RUNTIME_PEER_CONNECTIONS + 1], count = 0;
    for (size_t i = 0; i < RUNTIME_PEER_CONNECTIONS; i++) {
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

void runtime_peer_consume(runtime_peer_connection *from, size_t size) {
  memmove(from->text, from->text + size, from->size - size);
  from->size -= size;
}

static bool send_all(int to, const char *text, size_t size) {
  return write(to, text, size) == (ssize_t)size; /* smaller than any socket's buffer */
}

bool runtime_peer_send_event(runtime_peer_connection *to, unsigned number, const char *event) {
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
               number, deadline, strlen(event), event);
  return size < (int)sizeof text && send_all(to->socket, text, (size_t)size);
}

long runtime_peer_resident_kb(pid_t pid) {
  char path[64], line[256];
  long kb = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmRSS: %ld", &kb) == 1) break;
  if (file) fclose(file);
  return kb;
}

bool runtime_peer_accept(runtime_peer_connection *from) {
  static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
  return send_all(from->socket, accepted, sizeof accepted - 1);
}
