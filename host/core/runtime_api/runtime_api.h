/* The client of Lambda's Runtime API: HTTP/1.1 to one trusted peer on this machine, on one
 * connection that stays open. curl would cost more than everything else an invocation takes, and
 * cannot be woken by a signal while it waits for the next event; see ARCHITECTURE.md.
 *
 * Waiting for the next event has no time limit (the sandbox may be frozen meanwhile); everything
 * else has. A connection that turns out to be closed is opened again once. The peer's answers are
 * read with limits and never trusted to be well-formed.
 *
 * Memory: a runtime_api owns its buffers; the texts of an invocation live in them until the next
 * call of runtime_api_next. */
#ifndef WEIR_CORE_RUNTIME_API_RUNTIME_API_H
#define WEIR_CORE_RUNTIME_API_RUNTIME_API_H

#include <stdint.h>

#include "core/text/text_buffer.h"

enum {
  RUNTIME_API_EVENT_MAX = 64 << 20,   /* Lambda sends 6 MB at most today */
  RUNTIME_API_RESPONSE_MAX = 6291556, /* bytes of a buffered response; more is streamed */
  RUNTIME_API_HEAD_MAX = 128 << 10,   /* the client context alone may have some KB */
};

typedef struct runtime_api runtime_api;

typedef enum {
  RUNTIME_API_DONE,
  RUNTIME_API_STOPPED,   /* the stop descriptor became readable while waiting for an event */
  RUNTIME_API_FAILED,    /* no usable answer; runtime_api_error says why */
  RUNTIME_API_TOO_LARGE, /* 413 to a response; or an event beyond the limit, whose id is known */
  RUNTIME_API_STALE,     /* 410 to a response or an error: the invocation had ended before */
} runtime_api_result;

/* NUL-terminated; "" when the peer did not send the header. */
typedef struct {
  const char *request_id;
  const char *invocation_id; /* never reused, as a request id may be; the answer repeats it */
  const char *deadline_ms;   /* as sent: epoch milliseconds */
  const char *function_arn;
  const char *trace_id;
  const char *client_context;
  const char *cognito_identity;
  const char *tenant_id;
  const char *event;
  size_t event_size;
} runtime_invocation;

/* authority: "host:port" of AWS_LAMBDA_RUNTIME_API. stop_fd: see RUNTIME_API_STOPPED; -1: none.
 * NULL when memory is short. Nothing is sent yet. */
runtime_api *runtime_api_new(const char *authority, int stop_fd);

/* What to do while the peer takes the answer to an invocation: called once for each answer or error
 * in one piece, when it was sent whole and before the reply is waited for. */
void runtime_api_meanwhile(runtime_api *api, void (*call)(void *context), void *context);

/* Wipes the last event. */
void runtime_api_free(runtime_api *api);

/* Wipes the event before, and waits for the next. */
runtime_api_result runtime_api_next(runtime_api *api, runtime_invocation *invocation);

/* The answers below name the invocation by its request id and its invocation id, so that Lambda can
 * refuse one that belongs to an earlier invocation of the same request (RUNTIME_API_STALE). */

/* POST …/invocation/{id}/response. */
runtime_api_result runtime_api_respond(runtime_api *api, const runtime_invocation *invocation,
                                       const char *body, size_t size);

/* POST …/invocation/{id}/error, or …/init/error when invocation is NULL. type goes into a header:
 * "Runtime.NoSuchHandler". */
runtime_api_result runtime_api_fail(runtime_api *api, const runtime_invocation *invocation,
                                    const char *type, const char *json, size_t size);

/* A streamed response: begin, write any number of times, end. With a type, the end says that the
 * stream broke off, and json (as for runtime_api_fail) why. After a failure the later calls do
 * nothing and runtime_api_stream_end reports it. limit_ms: how long the peer may take none of the
 * part (more than the usual limit is that one). */
void runtime_api_stream_begin(runtime_api *api, const runtime_invocation *invocation,
                              const char *content_type);
void runtime_api_stream_write(runtime_api *api, const char *bytes, size_t size, int64_t limit_ms);
runtime_api_result runtime_api_stream_end(runtime_api *api, const char *type, const char *json,
                                          size_t size);

/* What went wrong last, for people. */
const char *runtime_api_error(const runtime_api *api);

#endif
