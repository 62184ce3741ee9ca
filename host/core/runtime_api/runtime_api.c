/* See runtime_api.h. */
#include "core/runtime_api/runtime_api.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/runtime_api/impl.h"
#include "core/text/base64.h"

#define BASE "/2018-06-01/runtime/"

/* ANSWER_TIMEOUT_MS: a peer that works takes an answer at once; the time is long enough for a
 * machine that is busy with something else. */
enum { CONNECT_TIMEOUT_MS = 1000, ANSWER_TIMEOUT_MS = 30000, REPLY_MAX = 64 << 10 };

struct runtime_api {
  char host[256], port[16];
  int stop_fd;
  int socket;                      /* -1: not connected */
  int timeout_ms;                  /* of the exchange that is going on; -1: none */
  bool receiving;                  /* the answer has begun to arrive */
  bool stopped;                    /* the stop descriptor ended the wait */
  bool answering;                  /* the request that is going on answers an invocation */
  bool stream_broken, stream_late; /* late: it broke because time ran out */
  runtime_answer invocation;       /* of /next: the texts of the invocation */
  runtime_answer reply;            /* of everything else */
  text_buffer head;                /* of a request */
  void (*meanwhile)(void *context);
  void *meanwhile_context;
  char error[256];
};

__attribute__((format(printf, 2, 3))) static void explain(runtime_api *api, const char *format,
                                                          ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(api->error, sizeof api->error, format, arguments);
  va_end(arguments);
}

const char *runtime_api_error(const runtime_api *api) {
  return api->error;
}

runtime_api *runtime_api_new(const char *authority, int stop_fd) {
  runtime_api *api = calloc(1, sizeof *api);
  if (!api) return NULL;
  const char *colon = strrchr(authority, ':');
  size_t size = colon ? (size_t)(colon - authority) : strlen(authority);
  snprintf(api->host, sizeof api->host, "%.*s", (int)size, authority);
  snprintf(api->port, sizeof api->port, "%s", colon ? colon + 1 : "80");
  api->stop_fd = stop_fd;
  api->socket = -1;

  return api;
}

void runtime_api_meanwhile(runtime_api *api, void (*call)(void *context), void *context) {
  api->meanwhile = call;
  api->meanwhile_context = context;
}

static void disconnect(runtime_api *api) {
  if (api->socket >= 0) close(api->socket);
  api->socket = -1;
}

void runtime_api_free(runtime_api *api) {
  if (!api) return;
  disconnect(api);
  runtime_answer_free(&api->invocation);
  runtime_answer_free(&api->reply);
  text_buffer_free(&api->head);
  free(api);
}

/* The connection ---------------------------------------------------------------------------- */

/* Waits until the socket is ready for events. False after the time limit, or when the wait was to
 * be stopped (which only an unlimited one can be). */
static bool wait_for(runtime_api *api, short events) {
  struct pollfd descriptors[2] = {{api->socket, events, 0}, {api->stop_fd, POLLIN, 0}};
  nfds_t count = api->timeout_ms < 0 && api->stop_fd >= 0 ? 2 : 1;
  int ready;
  do ready = poll(descriptors, count, api->timeout_ms);
  while (ready < 0 && errno == EINTR);
  if (ready == 0) errno = ETIMEDOUT;
  /* An event that has arrived is taken: it must be answered before the runtime stops. */
  if (count == 2 && descriptors[1].revents && !descriptors[0].revents) api->stopped = true;

  return ready > 0 && !api->stopped;
}

static bool try_address(runtime_api *api, const struct addrinfo *address) {
  api->socket = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (api->socket < 0) return false;
  api->timeout_ms = CONNECT_TIMEOUT_MS;
  int failed = connect(api->socket, address->ai_addr, address->ai_addrlen);
  if (failed && errno == EINPROGRESS && wait_for(api, POLLOUT)) {
    socklen_t size = sizeof failed;
    getsockopt(api->socket, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed) errno = failed;
  }

  if (failed) {
    int problem = errno;
    disconnect(api);
    errno = problem;
    return false;
  }

  /* From here on it may block, for as long as an answer may take. */
  fcntl(api->socket, F_SETFL, 0);
  struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_MS / 1000};
  setsockopt(api->socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(api->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));

  return true;
}

static bool connect_peer(runtime_api *api) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
  int problem = getaddrinfo(api->host, api->port, &hints, &addresses);
  if (problem) {
    explain(api, "the Runtime API at %s:%s cannot be found: %s", api->host, api->port,
            gai_strerror(problem));
    return false;
  }

  for (struct addrinfo *address = addresses; address && api->socket < 0; address = address->ai_next)
    try_address(api, address);
  freeaddrinfo(addresses);
  if (api->socket < 0)
    explain(api, "cannot connect to the Runtime API at %s:%s: %s", api->host, api->port,
            strerror(errno));
  return api->socket >= 0;
}

/* runtime_answer_source. An event is waited for together with the stop descriptor; an answer to
 * what was sent only within its time limit, which is the socket's own: one system call. */
static ssize_t receive(void *context, char *bytes, size_t size) {
  runtime_api *api = context;
  bool first = !api->receiving, limited = api->timeout_ms >= 0;
  api->receiving = true;
  if (first && !limited && !wait_for(api, POLLIN)) return -1;
  for (;;) {
    ssize_t got = recv(api->socket, bytes, size, limited ? 0 : MSG_DONTWAIT);
    if (got >= 0) return got;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (limited) errno = ETIMEDOUT;
    if (limited || !wait_for(api, POLLIN)) return -1;
  }
}

static bool send_parts(runtime_api *api, struct iovec *parts, int count) {
  while (count > 0) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t sent = sendmsg(api->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      if ((errno != EAGAIN && errno != EWOULDBLOCK) || !wait_for(api, POLLOUT)) return false;
      continue;
    }

    while (count > 0 && (size_t)sent >= parts->iov_len) {
      sent -= (ssize_t)parts->iov_len;
      parts++;
      count--;
    }

    if (count > 0) {
      parts->iov_base = (char *)parts->iov_base + sent;
      parts->iov_len -= (size_t)sent;
    }
  }

  return true;
}

static bool send_bytes(runtime_api *api, const char *head, size_t head_size, const char *body,
                       size_t body_size) {
  struct iovec parts[2] = {{(char *)head, head_size}, {(char *)body, body_size}};
  return send_parts(api, parts, body_size > 0 ? 2 : 1);
}

/* Exchanges --------------------------------------------------------------------------------- */

/* Sends api->head and the body, and reads the answer; what is done meanwhile is done once. */
static bool exchange_once(runtime_api *api, const char *body, size_t size, bool *idle,
                          runtime_answer *answer, size_t body_max) {
  answer->problem = NULL;
  answer->got_nothing = true;
  api->receiving = false;
  errno = 0;
  if (!send_bytes(api, api->head.data, api->head.size, body, size)) return false;
  if (*idle) {
    api->meanwhile(api->meanwhile_context);
    *idle = false;
    errno = 0;
  }

  return runtime_answer_receive(answer, receive, api, RUNTIME_API_HEAD_MAX, body_max);
}

/* Exchanges until there is an answer, or cannot be one. A kept connection that was closed
 * meanwhile fails before the first byte of an answer: then once more on a new one. */
static bool exchange(runtime_api *api, const char *body, size_t size, int timeout_ms,
                     runtime_answer *answer, size_t body_max) {
  bool may_repeat = api->socket >= 0, idle = api->answering && api->meanwhile;
  if (api->head.failed) {
    explain(api, "not enough memory for a request");
    return false;
  }

  for (;;) {
    if (api->socket < 0 && !connect_peer(api)) return false;
    api->timeout_ms = timeout_ms;
    if (exchange_once(api, body, size, &idle, answer, body_max)) {
      if (answer->close) disconnect(api);
      return true;
    }

    int problem = errno;
    disconnect(api);
    if (api->stopped) return false;
    if (!may_repeat || !answer->got_nothing || problem == ETIMEDOUT) {
      explain(api, "the Runtime API at %s:%s gave no answer: %s", api->host, api->port,
              problem == ETIMEDOUT ? "time ran out"
              : answer->problem    ? answer->problem
                                   : strerror(problem));
      return false;
    }

    may_repeat = false;
  }
}

/* Begins a request whose path is BASE, path, the invocation's request id, call. */
static void begin_request(runtime_api *api, const char *method, const char *path,
                          const runtime_invocation *invocation, const char *call) {
  const char *const parts[] = {method,    " " BASE,
                               path,      invocation ? invocation->request_id : "",
                               call,      " HTTP/1.1\r\nHost: ",
                               api->host, ":",
                               api->port, "\r\nUser-Agent: weir/" WEIR_VERSION "\r\n"};
  api->head.size = 0;
  api->error[0] = '\0';
  api->answering = invocation != NULL;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) text_buffer_text(&api->head, parts[i]);
  if (!invocation || invocation->invocation_id[0] == '\0') return;
  text_buffer_text(&api->head, "Lambda-Runtime-Invocation-Id: ");
  text_buffer_text(&api->head, invocation->invocation_id);
  text_buffer_text(&api->head, "\r\n");
}

runtime_api_result runtime_api_next(runtime_api *api, runtime_invocation *invocation) {
  begin_request(api, "GET", "invocation/next", NULL, "");
  text_buffer_text(&api->head, "\r\n");
  runtime_answer *answer = &api->invocation;
  runtime_answer_clear(answer);
  api->stopped = false;
  if (!exchange(api, NULL, 0, -1, answer, RUNTIME_API_EVENT_MAX))
    return api->stopped ? RUNTIME_API_STOPPED : RUNTIME_API_FAILED;
  if (answer->status != 200) {
    explain(api, "the Runtime API answered %d when asked for the next event", answer->status);
    return RUNTIME_API_FAILED;
  }

  if (!runtime_api_read_invocation(answer, invocation)) {
    explain(api, "the Runtime API sent an event without a request id");
    return RUNTIME_API_FAILED;
  }

  return answer->too_large ? RUNTIME_API_TOO_LARGE : RUNTIME_API_DONE;
}

static runtime_api_result judge_reply(runtime_api *api, bool answered, const char *what) {
  int status = api->reply.status;
  if (!answered) return RUNTIME_API_FAILED;
  if (status >= 200 && status < 300) return RUNTIME_API_DONE;
  if (status == 410) {
    explain(api,
            "the Runtime API answered 410 to %s: it is stale, because Lambda had ended the "
            "invocation before",
            what);
    return RUNTIME_API_STALE;
  }

  explain(api, "the Runtime API answered %d to %s", status, what);

  return status == 413 ? RUNTIME_API_TOO_LARGE : RUNTIME_API_FAILED;
}

runtime_api_result runtime_api_respond(runtime_api *api, const runtime_invocation *invocation,
                                       const char *body, size_t size) {
  begin_request(api, "POST", "invocation/", invocation, "/response");
  text_buffer_format(&api->head, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     size);
  bool answered = exchange(api, body, size, ANSWER_TIMEOUT_MS, &api->reply, REPLY_MAX);
  return judge_reply(api, answered, "a response");
}

runtime_api_result runtime_api_fail(runtime_api *api, const runtime_invocation *invocation,
                                    const char *type, const char *json, size_t size) {
  if (invocation)
    begin_request(api, "POST", "invocation/", invocation, "/error");
  else
    begin_request(api, "POST", "init/error", NULL, "");
  text_buffer_format(&api->head,
                     "Content-Type: application/vnd.aws.lambda.error+json\r\n"
                     "Lambda-Runtime-Function-Error-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                     type, size);
  bool answered = exchange(api, json, size, ANSWER_TIMEOUT_MS, &api->reply, REPLY_MAX);

  return judge_reply(api, answered, "an error");
}

/* Streamed responses ------------------------------------------------------------------------ */

/* What was sent in parts is not sent again: whether the peer closed the kept connection is found
 * out before. A handler may have worked for longer than a peer keeps one. */
static bool is_stale(const runtime_api *api) {
  char byte;
  return recv(api->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
         (errno != EAGAIN && errno != EWOULDBLOCK);
}

void runtime_api_stream_begin(runtime_api *api, const runtime_invocation *invocation,
                              const char *content_type) {
  begin_request(api, "POST", "invocation/", invocation, "/response");
  text_buffer_format(&api->head,
                     "Content-Type: %s\r\n"
                     "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                     "Transfer-Encoding: chunked\r\n"
                     "Trailer: Lambda-Runtime-Function-Error-Type\r\n"
                     "Trailer: Lambda-Runtime-Function-Error-Body\r\n\r\n",
                     content_type);
  api->stream_late = false;
  if (api->socket >= 0 && is_stale(api)) disconnect(api);
  api->stream_broken = api->head.failed || (api->socket < 0 && !connect_peer(api));
  api->timeout_ms = ANSWER_TIMEOUT_MS;
  api->stream_broken =
      api->stream_broken || !send_bytes(api, api->head.data, api->head.size, NULL, 0);
}

void runtime_api_stream_write(runtime_api *api, const char *bytes, size_t size, int64_t limit_ms) {
  if (api->stream_broken || size == 0) return; /* an empty chunk would be the end */
  char line[32];
  int line_size = snprintf(line, sizeof line, "%zx\r\n", size);
  struct iovec parts[3] = {{line, (size_t)line_size}, {(char *)bytes, size}, {"\r\n", 2}};
  api->timeout_ms = limit_ms > ANSWER_TIMEOUT_MS ? ANSWER_TIMEOUT_MS
                    : limit_ms > 0               ? (int)limit_ms
                                                 : 0;
  if (send_parts(api, parts, 3)) return;
  api->stream_broken = true;
  api->stream_late = errno == ETIMEDOUT;
}

runtime_api_result runtime_api_stream_end(runtime_api *api, const char *type, const char *json,
                                          size_t size) {
  text_buffer *tail = &api->head;
  tail->size = 0;
  text_buffer_text(tail, "0\r\n");
  if (type) {
    text_buffer_format(tail,
                       "Lambda-Runtime-Function-Error-Type: %s\r\n"
                       "Lambda-Runtime-Function-Error-Body: ",
                       type);
    base64_encode(tail, json, size);
    text_buffer_text(tail, "\r\n");
  }

  text_buffer_text(tail, "\r\n");
  api->timeout_ms = ANSWER_TIMEOUT_MS;
  if (!api->stream_broken && !tail->failed) send_bytes(api, tail->data, tail->size, NULL, 0);
  /* A peer that had enough says why before it closes: the answer counts even after a failure. One
   * that did not read is not waited for any longer. */
  api->receiving = false;
  bool answered =
      api->socket >= 0 && !api->stream_late &&
      runtime_answer_receive(&api->reply, receive, api, RUNTIME_API_HEAD_MAX, REPLY_MAX);
  if (!answered)
    explain(api, api->stream_late ? "the Runtime API did not read the streamed response"
                                  : "the Runtime API gave no answer to a streamed response");
  if (!answered || api->reply.close) disconnect(api);
  runtime_api_result result = judge_reply(api, answered, "a streamed response");

  return result == RUNTIME_API_DONE && api->stream_broken ? RUNTIME_API_FAILED : result;
}
