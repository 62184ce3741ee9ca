/* The floor of runtime_bench: the least a runtime can do. Asks for the next event over one raw
 * socket, posts the same bytes back, and so on; linked -static. It trusts its server, as no real
 * runtime may. Ends when the connection does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 64 * 1024 };

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

int main(void) {
  static char text[ROOM], post[ROOM + 512], answer[ROOM];
  size_t size, ignored;
  int server = connect_to(getenv("AWS_LAMBDA_RUNTIME_API"));
  if (server < 0) return 1;
  for (;;) {
    if (write(server, NEXT, sizeof NEXT - 1) < 0) return 0;
    char *body = receive(server, text, &size);
    char *id = body ? strcasestr(text, "\r\nLambda-Runtime-Aws-Request-Id: ") : NULL;
    if (!id) return 0;
    int head = snprintf(post, 512,
                        "POST /2018-06-01/runtime/invocation/%.36s/response HTTP/1.1\r\n"
                        "Host: l\r\nContent-Length: %zu\r\n\r\n",
                        id + 33, size);
    memcpy(post + head, body, size);
    if (write(server, post, (size_t)head + size) < 0 || !receive(server, answer, &ignored))
      return 0;
  }
}
