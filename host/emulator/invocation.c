/* One invocation from the caller's request to the report. See impl.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json/writer.h"
#include "core/system/process.h"
#include "core/text/base64.h"
#include "emulator/impl.h"

bool emulator_invocation_make_id(char id[37]) {
  unsigned char b[16];
  if (!process_random(b, sizeof b)) return false;
  b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4: random */
  b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
  snprintf(id, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
           b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
           b[15]);
  return true;
}

emulator_invocation *emulator_invocation_new(emulator_host *emulator) {
  emulator_invocation *invocation = calloc(1, sizeof *invocation);
  if (!invocation) return NULL;

  invocation->emulator = emulator;
  if (emulator_invocation_make_id(invocation->id) &&
      emulator_invocation_make_id(invocation->invocation_id))
    return invocation;

  free(invocation);

  return NULL;
}

void emulator_invocation_free(emulator_invocation *invocation) {
  if (invocation->request) invocation->request->invocation = NULL;
  free(invocation->arn);
  free(invocation->trace_id);
  free(invocation->client_context);
  text_buffer_free(&invocation->event);
  text_buffer_free(&invocation->answer);
  text_buffer_free(&invocation->tail);
  free(invocation);
}

/* The clock of the invocation starts, whether or not a runtime ever sees it. */
static void start(emulator_invocation *invocation) {
  if (invocation->started) return;

  int64_t time_ms = invocation->emulator->options.timeout_s * 1000LL;
  invocation->started = true;
  invocation->started_us = emulator_clock_us();
  invocation->deadline_us = invocation->started_us + time_ms * 1000;
  invocation->deadline_epoch_ms = process_time_ms() + time_ms;
  emulator_log_start(invocation);
}

void emulator_invocation_deliver(emulator_invocation *invocation, emulator_request *poller) {
  char deadline[32];
  start(invocation);
  invocation->state = INVOCATION_RUNS;

  snprintf(deadline, sizeof deadline, "%lld", (long long)invocation->deadline_epoch_ms);
  emulator_http_header(poller, "Content-Type", "application/json");
  emulator_http_header(poller, "Lambda-Runtime-Aws-Request-Id", invocation->id);
  emulator_http_header(poller, "Lambda-Runtime-Invocation-Id", invocation->invocation_id);
  emulator_http_header(poller, "Lambda-Runtime-Deadline-Ms", deadline);
  emulator_http_header(poller, "Lambda-Runtime-Invoked-Function-Arn", invocation->arn);
  emulator_http_header(poller, "Lambda-Runtime-Trace-Id", invocation->trace_id);
  if (invocation->client_context)
    emulator_http_header(poller, "Lambda-Runtime-Client-Context", invocation->client_context);

  emulator_http_answer(poller, 200, invocation->event.data, invocation->event.size);
}

/* Everything but the body of an answer to Invoke. */
static void write_headers(const emulator_invocation *invocation, emulator_request *request) {
  emulator_http_header(request, "x-amzn-RequestId", invocation->id);
  emulator_http_header(request, "X-Amz-Executed-Version", "$LATEST");
  emulator_http_header(request, "X-Amzn-Trace-Id", invocation->trace_id);
  emulator_http_header(request, "Content-Type",
                       invocation->wants_stream ? "application/vnd.amazon.eventstream"
                                                : "application/json");
}

static void write_tail(const emulator_invocation *invocation, text_buffer *out) {
  size_t size = invocation->tail.size;
  size_t cut = size > EMULATOR_TAIL ? size - EMULATOR_TAIL : 0;
  base64_encode(out, invocation->tail.data ? invocation->tail.data + cut : "", size - cut);
}

static void open_stream(emulator_invocation *invocation) {
  emulator_request *request = invocation->request;
  if (request->status != 0) return;

  write_headers(invocation, request);
  request->answer_grows = true;
  emulator_http_answer(request, 200, "", 0);
}

void emulator_invocation_stream(emulator_invocation *invocation, const char *bytes, size_t size) {
  emulator_request *request = invocation->request;
  invocation->stream_began = true;
  if (!request || !invocation->wants_stream) return;

  open_stream(invocation);
  emulator_event_stream_write(&request->answer, "PayloadChunk", "application/octet-stream", bytes,
                              size);
  emulator_http_wake(request);
}

/* What ends an event stream: how the invocation went, and the log if it was asked for. */
static void write_complete(const emulator_invocation *invocation, text_buffer *out) {
  json_writer json = json_writer_to(out);
  json_writer_object(&json, NULL);
  if (invocation->error_type[0] != '\0') {
    json_writer_text(&json, "ErrorCode", invocation->error_type);
    json_writer_bytes(&json, "ErrorDetails", invocation->answer.data ? invocation->answer.data : "",
                      invocation->answer.size);
  }

  if (invocation->wants_tail) {
    text_buffer tail = {0};
    write_tail(invocation, &tail);
    json_writer_bytes(&json, "LogResult", tail.data ? tail.data : "", tail.size);
    text_buffer_free(&tail);
  }

  json_writer_end(&json);
}

static void end_stream(emulator_invocation *invocation) {
  emulator_request *request = invocation->request;
  const text_buffer *answer = &invocation->answer;
  text_buffer complete = {0};
  bool failed = invocation->error_type[0] != '\0';
  if (!failed && !invocation->stream_began && answer->size > 0)
    emulator_invocation_stream(invocation, answer->data, answer->size);

  open_stream(invocation);
  write_complete(invocation, &complete);
  emulator_event_stream_write(&request->answer, "InvokeComplete", "application/json", complete.data,
                              complete.size);

  text_buffer_free(&complete);
  request->answer_ended = true;
  emulator_http_wake(request);
}

static void send_answer(emulator_invocation *invocation) {
  emulator_request *request = invocation->request;
  if (!request) return;

  if (invocation->wants_stream) {
    end_stream(invocation);
  } else {
    write_headers(invocation, request);
    if (invocation->error_type[0] != '\0')
      emulator_http_header(request, "X-Amz-Function-Error", "Unhandled");

    if (invocation->wants_tail) {
      text_buffer tail = {0};
      write_tail(invocation, &tail);
      text_buffer_byte(&tail, '\0');
      if (!tail.failed) emulator_http_header(request, "X-Amz-Log-Result", tail.data);
      text_buffer_free(&tail);
    }

    emulator_http_answer(request, 200, invocation->answer.data, invocation->answer.size);
  }

  request->invocation = NULL;
  invocation->request = NULL;
}

/* The caller is answered at once, unless it wants the log: that is whole only at the end. */
void emulator_invocation_answer(emulator_invocation *invocation, const char *error_type,
                                const void *bytes, size_t size) {
  start(invocation);
  invocation->state = INVOCATION_ANSWERED;
  snprintf(invocation->error_type, sizeof invocation->error_type, "%s",
           error_type ? error_type : "");
  text_buffer_append(&invocation->answer, bytes, size);

  emulator_environment *environment = invocation->environment;
  if (environment)
    memcpy(environment->answered_id, invocation->id, sizeof environment->answered_id);
  if (!invocation->wants_tail) send_answer(invocation);
}

void emulator_invocation_write_error(text_buffer *out, const char *error_type, const char *message,
                                     size_t size) {
  json_writer json = json_writer_to(out);
  json_writer_object(&json, NULL);
  json_writer_text(&json, "errorType", error_type);
  json_writer_bytes(&json, "errorMessage", message ? message : "", size);
  json_writer_end(&json);
}

void emulator_invocation_fail(emulator_invocation *invocation, const char *error_type,
                              const char *format, ...) {
  text_buffer line = {0}, document = {0};
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);

  start(invocation);
  text_buffer_format(&line, "RequestId: %s Error: %s", invocation->id, message);
  emulator_invocation_write_error(&document, error_type, line.data, line.size);
  if (!invocation->timed_out) {
    text_buffer_format(&line, "\n%s", error_type);
    text_buffer_byte(&line, '\0');
    emulator_log_message(invocation, line.data);
  }

  emulator_invocation_answer(invocation, error_type, document.data, document.size);
  text_buffer_free(&line);
  text_buffer_free(&document);
}

void emulator_invocation_time_out(emulator_invocation *invocation) {
  double seconds = invocation->emulator->options.timeout_s;
  char line[160], now[PROCESS_TIMESTAMP_BYTES];

  start(invocation);
  process_timestamp(process_time_ms(), now);
  snprintf(line, sizeof line, "%s %s Task timed out after %.2f seconds\n", now, invocation->id,
           seconds);
  emulator_log_message(invocation, line);

  invocation->timed_out = true;
  if (invocation->environment)
    memcpy(invocation->environment->timed_out_id, invocation->id, sizeof invocation->id);

  if (invocation->state == INVOCATION_ANSWERED) return; /* it dawdled after its answer */
  emulator_invocation_fail(invocation, "Sandbox.Timedout", "Task timed out after %.2f seconds",
                           seconds);
}

void emulator_invocation_finish(emulator_invocation *invocation) {
  emulator_environment *environment = invocation->environment;
  if (environment) emulator_process_sample(environment->pid, &environment->memory_kb);
  emulator_log_report(invocation);
  send_answer(invocation); /* where that waited for the log */
  if (environment) TAILQ_REMOVE(&environment->running, invocation, link);
  emulator_invocation_free(invocation);
}
