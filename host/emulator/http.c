/* Requests and their answers, on both kinds of ports. See impl.h.
 * libmicrohttpd parses the input, which may be hostile, and refuses what is broken or too large. It
 * runs in our loop, so a request that has to wait is suspended.
 * Memory: a request owns its buffers until it has ended. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "emulator/impl.h"

static void leave_poller(emulator_request *request) {
  if (!request->is_poller) return;
  TAILQ_REMOVE(&request->environment->pollers, request, poller);
  request->is_poller = false;
}

void emulator_http_end(emulator_request *request) {
  leave_poller(request);
  if (request->on_truncated && !request->complete) request->on_truncated(request);
  if (request->invocation && request->invocation->request == request)
    request->invocation->request = NULL;
  request->emulator->uploads -= request->kept;
  text_buffer_free(&request->body);
  text_buffer_free(&request->answer);
  text_buffer_free(&request->headers);
  free(request);
}

emulator_request *emulator_http_request(emulator_host *emulator, struct MHD_Connection *connection,
                                        size_t body_max) {
  emulator_request *request = calloc(1, sizeof *request);
  if (!request) return NULL;
  request->emulator = emulator;
  request->connection = connection;
  request->body_max = body_max;

  return request;
}

void emulator_http_drop(emulator_request *request) {
  request->emulator->uploads -= request->kept;
  request->kept = 0;
  text_buffer_free(&request->body);
}

void emulator_http_receive(emulator_request *request, const char *bytes, size_t size) {
  emulator_host *emulator = request->emulator;
  request->received += size;
  request->crowded_out = request->crowded_out ||
                         (!request->forwards && emulator->uploads + size > EMULATOR_UPLOADS_MOST);
  if (request->received > request->body_max || request->crowded_out || request->forwards) {
    emulator_http_drop(request);
    return;
  }

  text_buffer_append(&request->body, bytes, size);
  request->kept += size;
  emulator->uploads += size;
}

void emulator_http_header(emulator_request *request, const char *name, const char *value) {
  text_buffer_append(&request->headers, name, strlen(name) + 1);
  text_buffer_append(&request->headers, value, strlen(value) + 1);
}

void emulator_http_wake(emulator_request *request) {
  if (!request->suspended) return;
  request->suspended = false;
  request->emulator->woken = true;
  MHD_resume_connection(request->connection);
}

void emulator_http_answer(emulator_request *request, unsigned status, const void *body,
                          size_t size) {
  request->status = status;
  text_buffer_append(&request->answer, body, size);
  leave_poller(request);
  emulator_http_wake(request);
}

static ssize_t read_growing(void *context, uint64_t position, char *out, size_t room) {
  (void)position;
  emulator_request *request = context;
  size_t left = request->answer.size - request->answer_sent;
  if (left == 0) {
    request->answer.size = request->answer_sent = 0;
    if (request->answer_ended) return MHD_CONTENT_READER_END_OF_STREAM;
    if (request->answer.failed) return MHD_CONTENT_READER_END_WITH_ERROR;
    request->suspended = true;
    MHD_suspend_connection(request->connection);

    return 0;
  }

  size_t size = left < room ? left : room;
  memcpy(out, request->answer.data + request->answer_sent, size);
  request->answer_sent += size;

  return (ssize_t)size;
}

static struct MHD_Response *build_response(emulator_request *request) {
  if (request->answer_grows)
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 64 * 1024, read_growing, request,
                                             NULL);
  struct MHD_Response *response = MHD_create_response_from_buffer(
      request->answer.size, request->answer.data, MHD_RESPMEM_MUST_FREE);
  if (response) request->answer = (text_buffer){0};
  return response;
}

enum MHD_Result emulator_http_reply(emulator_request *request) {
  if (request->status == 0) {
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
  }

  if (request->headers.failed || (request->answer.failed && !request->answer_grows)) return MHD_NO;
  struct MHD_Response *response = build_response(request);
  if (!response) return MHD_NO;
  for (size_t at = 0; at < request->headers.size;) {
    const char *name = request->headers.data + at, *value = name + strlen(name) + 1;
    MHD_add_response_header(response, name, value);
    at = (size_t)(value + strlen(value) + 1 - request->headers.data);
  }

  enum MHD_Result result = MHD_queue_response(request->connection, request->status, response);
  MHD_destroy_response(response);

  return result;
}

const char *emulator_http_value(const emulator_request *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

bool emulator_http_is_gone(const emulator_request *request) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  char byte;
  if (!info) return true;
  ssize_t got = recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}
