/* The Runtime API: what the runtime inside an environment talks to. See impl.h.
 * Statuses and error texts are those of Lambda's own runtime interface emulator. */
#include <stdio.h>

#include "core/json/scan.h"
#include "core/json/writer.h"
#include "core/text/base64.h"
#include "emulator/impl.h"

#define BASE "/2018-06-01/runtime/"

static void answer_json(emulator_request *request, unsigned status, const text_buffer *json) {
  emulator_http_header(request, "Content-Type", "application/json");
  emulator_http_answer(request, status, json->data ? json->data : "", json->size);
}

static void refuse(emulator_request *request, unsigned status, const char *type,
                   const char *message) {
  text_buffer text = {0};
  json_writer json = json_writer_to(&text);
  json_writer_object(&json, NULL);
  json_writer_text(&json, "errorMessage", message);
  json_writer_text(&json, "errorType", type);
  json_writer_end(&json);
  text_buffer_byte(&text, '\n');
  answer_json(request, status, &text);
  text_buffer_free(&text);
}

static void accepted(emulator_request *request) {
  text_buffer text = {0};
  text_buffer_text(&text, "{\"status\":\"OK\"}\n");
  answer_json(request, 202, &text);
  text_buffer_free(&text);
}

static bool has_unanswered(const emulator_environment *environment) {
  const emulator_invocation *invocation;
  TAILQ_FOREACH (invocation, &environment->running, link)
    if (invocation->state == INVOCATION_RUNS) return true;
  return false;
}

/* The first /next ends the init phase; each one says that the last answer is over and done. In an
 * environment that is being stopped it waits for that. */
static void take_next(emulator_request *request) {
  emulator_environment *environment = request->environment;
  bool managed = environment->emulator->options.managed > 0;
  if (!managed && (has_unanswered(environment) || emulator_environment_poller(environment))) {
    refuse(request, 403, "InvalidStateTransition",
           "Transition to Ready is not allowed: the invocation before is not answered, or another "
           "/next waits");
    return;
  }

  if (environment->state == ENVIRONMENT_STARTS) {
    environment->state = ENVIRONMENT_READY;
    environment->init_us = emulator_clock_us() - environment->started_us;
    environment->init_deadline_us = 0;
  }

  emulator_environment_read(environment); /* what it wrote before it asked is of the last one */
  emulator_invocation *invocation = TAILQ_FIRST(&environment->running), *next;
  for (; invocation; invocation = next) {
    next = TAILQ_NEXT(invocation, link);
    if (invocation->state == INVOCATION_ANSWERED) emulator_invocation_finish(invocation);
  }

  request->is_poller = true;
  TAILQ_INSERT_TAIL(&environment->pollers, request, poller);
  emulator_environment_offer(environment);
}

/* Lambda sends an id with each /next that is never used again, as a request's id may be. An answer
 * with another one is of an earlier invocation of the same request. A runtime that knows nothing of
 * the header sends none, and is not checked. */
static bool is_stale(const emulator_request *request, const emulator_invocation *invocation) {
  const char *given = emulator_http_value(request, "Lambda-Runtime-Invocation-Id");
  return given && given[0] != '\0' && strcmp(given, invocation->invocation_id) != 0;
}

/* The invocation of "…/invocation/ID/WHAT" if it may be answered; otherwise refuses. */
static emulator_invocation *invocation_of(emulator_request *request, const char *id, size_t size) {
  emulator_environment *environment = request->environment;
  emulator_invocation *invocation = emulator_environment_find(environment, id, size);
  if (invocation ? is_stale(request, invocation)
                 : size == 36 && memcmp(environment->timed_out_id, id, size) == 0) {
    refuse(request, 410, "InvokeTimeout", "Invoke timeout");
    return NULL;
  }

  if (invocation && invocation->state == INVOCATION_RUNS) return invocation;
  if (invocation || (size == 36 && memcmp(environment->answered_id, id, size) == 0))
    refuse(request, 403, "InvalidStateTransition",
           "State transition from RuntimeResponseSent failed for runtime: this invocation is "
           "answered");
  else
    refuse(request, 400, "InvalidRequestID", "Invalid request ID");
  return NULL;
}

/* The error's type as the runtime reports it in a header or a trailer: it goes into logs and JSON,
 * so it is plain and short or not taken at all. */
static const char *type_or(const char *given, const char *otherwise) {
  if (!given || given[0] == '\0' || strlen(given) > 127) return otherwise;
  for (const char *at = given; *at; at++)
    if (*at < '!' || *at > '~' || *at == '"' || *at == '\\') return otherwise;
  return given;
}

static bool is_json(const text_buffer *text) {
  json_scan scan;
  json_scan_begin(&scan, text->data ? text->data : "", text->size);
  return json_scan_validate(&scan);
}

/* What the caller gets to see is JSON, whatever the runtime sent. */
static void error_document(const text_buffer *body, const char *type, text_buffer *out) {
  if (is_json(body))
    text_buffer_append(out, body->data, body->size);
  else
    emulator_invocation_write_error(out, type, body->data, body->size);
}

static void answer_with_error(emulator_invocation *invocation, const text_buffer *body,
                              const char *type) {
  text_buffer document = {0};
  error_document(body, type, &document);
  emulator_invocation_answer(invocation, type, document.data, document.size);
  text_buffer_free(&document);
}

static const char *trailer(emulator_request *request, const char *name) {
  return MHD_lookup_connection_value(request->connection, MHD_FOOTER_KIND, name);
}

/* A response may end with trailers that say it failed in the middle. */
static bool failed_in_stream(emulator_request *request, emulator_invocation *invocation) {
  const char *type = trailer(request, "Lambda-Runtime-Function-Error-Type");
  const char *body = trailer(request, "Lambda-Runtime-Function-Error-Body");
  if (!type && !body) return false;
  text_buffer decoded = {0};
  size_t size = body ? strlen(body) : 0, decoded_size = 0;
  if (text_buffer_reserve(&decoded, size + 1) &&
      base64_decode(body ? body : "", size, decoded.data, &decoded_size))
    decoded.size = decoded_size;
  answer_with_error(invocation, &decoded, type_or(type, "Function.Unknown"));
  text_buffer_free(&decoded);

  return true;
}

/* The mode header may say "streaming", or not be there. Whether the response is streamed to the
 * caller depends on what the caller asked for alone. */
static bool has_wrong_mode(const emulator_request *request) {
  const char *mode = emulator_http_value(request, "Lambda-Runtime-Function-Response-Mode");
  return mode && mode[0] != '\0' && strcmp(mode, "streaming") != 0;
}

static void refuse_size(emulator_request *request, emulator_invocation *invocation) {
  static const char type[] = "Function.ResponseSizeTooLarge";
  text_buffer document = {0};
  char message[128];
  snprintf(message, sizeof message,
           "Response payload size exceeded maximum allowed payload size (%zu bytes).",
           request->body_max);
  emulator_invocation_write_error(&document, type, message, strlen(message));
  emulator_invocation_answer(invocation, type, document.data, document.size);
  text_buffer_free(&document);
  snprintf(message, sizeof message, "Exceeded maximum allowed payload size (%zu bytes).",
           request->body_max);
  refuse(request, 413, "RequestEntityTooLarge", message);
}

static void take_response(emulator_request *request, emulator_invocation *invocation) {
  if (has_wrong_mode(request)) {
    emulator_invocation_fail(invocation, "Runtime.InvalidResponseModeHeader",
                             "the runtime sent a response mode that is not 'streaming'");
    refuse(request, 400, "InvalidFunctionResponseMode", "Invalid function response mode");
  } else if (request->crowded_out) {
    refuse(request, 503, "ServiceUnavailable", "too many large responses at once");
  } else if (request->received > request->body_max) {
    refuse_size(request, invocation);
  } else {
    if (!failed_in_stream(request, invocation))
      emulator_invocation_answer(invocation, NULL, request->body.data, request->body.size);
    accepted(request);
  }
}

static void take_error(emulator_request *request, emulator_invocation *invocation) {
  answer_with_error(
      invocation, &request->body,
      type_or(emulator_http_value(request, "Lambda-Runtime-Function-Error-Type"), "Unhandled"));
  accepted(request);
}

/* Whoever waits for this environment sees the error; the runtime may still say its last words. */
static void take_init_error(emulator_request *request) {
  emulator_environment *environment = request->environment;
  if (environment->state != ENVIRONMENT_STARTS) {
    refuse(request, 403, "InvalidStateTransition",
           "Transition to InitError is not allowed: the init phase is over");
    return;
  }

  const char *type = type_or(emulator_http_value(request, "Lambda-Runtime-Function-Error-Type"),
                             "Runtime.Unknown");
  snprintf(environment->init_error_type, sizeof environment->init_error_type, "%s", type);
  error_document(&request->body, type, &environment->init_error);
  emulator_environment_stop(environment, emulator_clock_us() + EMULATOR_STOP_MS * 1000LL);
  accepted(request);
}

/* Splits "invocation/ID/WHAT". */
static const char *split_path(const char *path, const char **id, size_t *size) {
  if (strncmp(path, "invocation/", 11) != 0) return NULL;
  *id = path + 11;
  const char *slash = strchr(*id, '/');
  if (!slash) return NULL;
  *size = (size_t)(slash - *id);
  return slash + 1;
}

static void route(emulator_request *request, const char *method, const char *path) {
  const char *id, *what;
  size_t size;
  bool get = strcmp(method, "GET") == 0, post = strcmp(method, "POST") == 0;
  if (get && strcmp(path, "invocation/next") == 0) {
    take_next(request);
  } else if (post && strcmp(path, "init/error") == 0) {
    take_init_error(request);
  } else if (post && (what = split_path(path, &id, &size)) &&
             (strcmp(what, "response") == 0 || strcmp(what, "error") == 0)) {
    emulator_invocation *invocation = invocation_of(request, id, size);
    if (invocation) (what[0] == 'r' ? take_response : take_error)(request, invocation);
  } else {
    refuse(request, 404, "NotFound",
           "The Runtime API has GET " BASE "invocation/next and POST " BASE
           "invocation/ID/response, invocation/ID/error and init/error");
  }
}

/* The invocation that a response goes on to while it still arrives, or NULL. */
static emulator_invocation *streamed_into(emulator_request *request) {
  if (request->id[0] == '\0') return NULL;
  return emulator_environment_find(request->environment, request->id, strlen(request->id));
}

static void on_truncated(emulator_request *request) {
  emulator_invocation *invocation = streamed_into(request);
  if (!invocation || invocation->state != INVOCATION_RUNS || !invocation->stream_began) return;
  emulator_invocation_fail(invocation, "Runtime.TruncatedResponse",
                           "the connection of a streamed response ended in its middle");
}

/* What the head of a request says: how much may follow, and whether it goes on to a caller. A
 * response is streamed when its caller asked for that, or when its runtime says so; only the first
 * of them reads it as it comes, and may get more than a buffered answer holds. */
static void begin_response(emulator_request *request, const char *path) {
  const char *id, *what = split_path(path, &id, &(size_t){0});
  if (!what || strcmp(what, "response") != 0 || has_wrong_mode(request)) return;
  size_t size = (size_t)(what - 1 - id);
  emulator_invocation *invocation = emulator_environment_find(request->environment, id, size);
  if (!invocation || invocation->state != INVOCATION_RUNS || is_stale(request, invocation)) return;
  bool says_stream = emulator_http_value(request, "Lambda-Runtime-Function-Response-Mode") != NULL;
  if (!invocation->wants_stream && !says_stream) return;
  if (invocation->wants_stream) {
    request->body_max = EMULATOR_STREAM_MAX;
    request->forwards = true;
  }

  snprintf(request->id, sizeof request->id, "%s", invocation->id);
  request->on_truncated = on_truncated;
}

static emulator_request *begin(emulator_environment *environment, struct MHD_Connection *connection,
                               const char *path) {
  emulator_request *request =
      emulator_port_request(environment->emulator, connection, EMULATOR_RESPONSE_MAX);
  if (!request) return NULL;
  request->environment = environment;
  if (emulator_origin_is_local(request)) {
    begin_response(request, path);
  } else {
    request->body_max = 0;
    refuse(request, 403, "AccessDenied", "The Runtime API is for the runtime, not for a web page");
  }

  return request;
}

enum MHD_Result emulator_runtime_api(void *context, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *data, size_t *size, void **state) {
  (void)version;
  emulator_environment *environment = context;
  emulator_request *request = *state;
  const char *path = strncmp(url, BASE, sizeof BASE - 1) == 0 ? url + sizeof BASE - 1 : "";
  if (!request) {
    *state = begin(environment, connection, path);
    return *state ? MHD_YES : MHD_NO;
  }

  if (*size > 0) {
    emulator_http_receive(request, data, *size);
    emulator_invocation *invocation = streamed_into(request);
    if (invocation && invocation->state == INVOCATION_RUNS &&
        request->received <= request->body_max)
      emulator_invocation_stream(invocation, data, *size);
    *size = 0;
    /* A peer that never ends is shown the door. */
    return request->received > 2 * (uint64_t)EMULATOR_STREAM_MAX ? MHD_NO : MHD_YES;
  }

  if (!request->complete) {
    request->complete = true;
    if (request->body.failed) return MHD_NO;
    if (request->status == 0) route(request, method, path);
  }

  return emulator_http_reply(request);
}
