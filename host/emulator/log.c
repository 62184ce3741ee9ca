/* What is printed, on stdout: the runtime's own lines, and the platform's in Lambda's two formats;
 * or, for programs that read it, one JSON object a line. See impl.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "core/json/write.h"
#include "core/system/process.h"
#include "emulator/impl.h"

void emulator_log_flush(emulator_host *emulator) {
  text_buffer *out = &emulator->out;
  size_t written = 0;
  while (written < out->size && emulator->out_errno == 0) {
    ssize_t got = write(STDOUT_FILENO, out->data + written, out->size - written);
    if (got >= 0)
      written += (size_t)got;
    else if (errno != EINTR)
      emulator->out_errno = errno;
  }
  if (out->failed) emulator->out_errno = ENOMEM;
  out->size = 0;
}

/* Bytes that are no UTF-8 become "?": a JSON line must stay one. */
static void write_json_text(text_buffer *out, const char *bytes, size_t size) {
  size_t start = out->size;
  if (json_write_string(out, bytes, size) || out->failed) return;
  out->size = start;
  text_buffer copy = {0};
  text_buffer_append(&copy, bytes, size);
  for (size_t i = 0; i < copy.size; i++)
    if (copy.data[i] & 0x80) copy.data[i] = '?';
  json_write_string(out, copy.data, copy.size);
  text_buffer_free(&copy);
}

static void begin_event(text_buffer *out, const char *name) {
  char now[PROCESS_TIMESTAMP_BYTES];
  process_timestamp(process_time_ms(), now);
  text_buffer_format(out, "{\"event\":\"%s\",\"time\":\"%s\"", name, now);
}

/* One entry of the log, in whichever form was asked for. */
static void print(emulator_host *emulator, const emulator_environment *environment,
                  const char *source, const char *request_id, const char *line, size_t size) {
  text_buffer *out = &emulator->out;
  if (!emulator->options.json_events) {
    text_buffer_append(out, line, size);
    text_buffer_byte(out, '\n');
    return;
  }
  begin_event(out, "log");
  text_buffer_format(out, ",\"source\":\"%s\"", source);
  if (environment) text_buffer_format(out, ",\"environment\":%u", environment->number);
  if (request_id) text_buffer_format(out, ",\"request_id\":\"%s\"", request_id);
  text_buffer_text(out, ",\"message\":");
  write_json_text(out, line, size);
  text_buffer_text(out, "}\n");
}

static void keep_tail(emulator_invocation *invocation, const char *line, size_t size) {
  text_buffer *tail = &invocation->tail;
  if (!invocation->wants_tail) return;
  text_buffer_append(tail, line, size);
  text_buffer_byte(tail, '\n');
  if (tail->size > 16 * EMULATOR_TAIL) {
    memmove(tail->data, tail->data + tail->size - EMULATOR_TAIL, EMULATOR_TAIL);
    tail->size = EMULATOR_TAIL;
  }
}

static void platform_line(emulator_invocation *invocation, const text_buffer *line) {
  if (line->failed) return;
  print(invocation->emulator, invocation->environment, "platform", invocation->id, line->data,
        line->size);
  keep_tail(invocation, line->data, line->size);
}

/* Which invocation wrote a line is known where there is only one. */
void emulator_log_output(emulator_environment *environment, const char *line, size_t size) {
  emulator_invocation *invocation = TAILQ_FIRST(&environment->running), *only = NULL;
  if (invocation && invocation->started && !TAILQ_NEXT(invocation, link)) only = invocation;
  print(environment->emulator, environment, "function", only ? only->id : NULL, line, size);
  TAILQ_FOREACH (invocation, &environment->running, link) keep_tail(invocation, line, size);
}

static void begin_record(text_buffer *out, const char *type) {
  char now[PROCESS_TIMESTAMP_BYTES];
  process_timestamp(process_time_ms(), now);
  text_buffer_format(out, "{\"time\":\"%s\",\"type\":\"%s\",\"record\":{", now, type);
}

void emulator_log_init_start(emulator_environment *environment) {
  text_buffer line = {0};
  emulator_host *emulator = environment->emulator;
  if (emulator->options.json_logs) {
    begin_record(&line, "platform.initStart");
    text_buffer_format(&line,
                       "\"initializationType\":\"on-demand\",\"phase\":\"%s\","
                       "\"runtimeVersion\":\"weir emulate " WEIR_VERSION "\"}}",
                       environment->is_retry ? "invoke" : "init");
  } else {
    text_buffer_text(&line, "INIT_START Runtime Version: weir emulate " WEIR_VERSION);
  }
  print(emulator, environment, "platform", NULL, line.data, line.size);
  text_buffer_free(&line);
}

void emulator_log_init_failure(emulator_environment *environment, const char *status,
                               const char *error_type) {
  text_buffer line = {0};
  emulator_host *emulator = environment->emulator;
  double took_ms = (double)(emulator_clock_us() - environment->started_us) / 1000;
  const char *phase = environment->is_retry ? "invoke" : "init";
  if (emulator->options.json_logs) {
    begin_record(&line, "platform.initReport");
    text_buffer_format(&line,
                       "\"initializationType\":\"on-demand\",\"phase\":\"%s\",\"status\":\"%s\"",
                       phase, status);
    if (error_type) text_buffer_format(&line, ",\"errorType\":\"%s\"", error_type);
    text_buffer_format(&line, ",\"metrics\":{\"durationMs\":%.3f}}}", took_ms);
  } else {
    text_buffer_format(&line, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", took_ms,
                       phase, status);
    if (error_type) text_buffer_format(&line, "\tError Type: %s", error_type);
  }
  print(emulator, environment, "platform", NULL, line.data, line.size);
  text_buffer_free(&line);
}

void emulator_log_start(emulator_invocation *invocation) {
  text_buffer line = {0};
  if (invocation->emulator->options.json_logs) {
    begin_record(&line, "platform.start");
    text_buffer_format(&line, "\"requestId\":\"%s\",\"version\":\"$LATEST\"}}", invocation->id);
  } else {
    text_buffer_format(&line, "START RequestId: %s Version: $LATEST", invocation->id);
  }
  platform_line(invocation, &line);
  text_buffer_free(&line);
}

void emulator_log_message(emulator_invocation *invocation, const char *text) {
  text_buffer line = {0};
  text_buffer_text(&line, text);
  platform_line(invocation, &line);
  text_buffer_free(&line);
}

/* The figures of REPORT. */
typedef struct {
  const char *status;
  double duration_ms, init_ms; /* init_ms 0: the environment was warm */
  long billed_ms, memory_mb;
} figures;

static figures measure(const emulator_invocation *invocation) {
  const emulator_environment *environment = invocation->environment;
  figures of = {.status = "success"};
  of.duration_ms = (double)(emulator_clock_us() - invocation->started_us) / 1000;
  /* A deadline that was noticed late is still that deadline. */
  if (invocation->timed_out) of.duration_ms = invocation->emulator->options.timeout_s * 1000.0;
  if (invocation->timed_out)
    of.status = "timeout";
  else if (invocation->error_type[0] != '\0')
    of.status = "error";
  if (environment) {
    of.memory_mb = (environment->memory_kb + 1023) / 1024;
    if (invocation->is_cold) of.init_ms = (double)environment->init_us / 1000;
  }
  of.billed_ms = (long)ceil(of.duration_ms + of.init_ms);
  return of;
}

static void report_as_text(emulator_invocation *invocation, const figures *of) {
  text_buffer line = {0};
  text_buffer_format(&line, "END RequestId: %s", invocation->id);
  platform_line(invocation, &line);
  line.size = 0;
  text_buffer_format(&line,
                     "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %ld ms\t"
                     "Memory Size: %d MB\tMax Memory Used: %ld MB\t",
                     invocation->id, of->duration_ms, of->billed_ms,
                     invocation->emulator->options.memory_mb, of->memory_mb);
  if (of->init_ms > 0) text_buffer_format(&line, "Init Duration: %.2f ms\t", of->init_ms);
  if (strcmp(of->status, "success") != 0) text_buffer_format(&line, "Status: %s\t", of->status);
  if (strcmp(of->status, "error") == 0)
    text_buffer_format(&line, "Error Type: %s\t", invocation->error_type);
  platform_line(invocation, &line);
  text_buffer_free(&line);
}

static void report_as_json(emulator_invocation *invocation, const figures *of) {
  text_buffer line = {0}, outcome = {0};
  text_buffer_format(&outcome, "\"requestId\":\"%s\",\"status\":\"%s\"", invocation->id,
                     of->status);
  if (strcmp(of->status, "error") == 0)
    text_buffer_format(&outcome, ",\"errorType\":\"%s\"", invocation->error_type);
  begin_record(&line, "platform.runtimeDone");
  text_buffer_append(&line, outcome.data, outcome.size);
  text_buffer_format(&line, ",\"metrics\":{\"durationMs\":%.3f}}}", of->duration_ms);
  platform_line(invocation, &line);
  line.size = 0;
  begin_record(&line, "platform.report");
  text_buffer_append(&line, outcome.data, outcome.size);
  text_buffer_format(&line,
                     ",\"metrics\":{\"durationMs\":%.3f,\"billedDurationMs\":%ld,"
                     "\"memorySizeMB\":%d,\"maxMemoryUsedMB\":%ld",
                     of->duration_ms, of->billed_ms, invocation->emulator->options.memory_mb,
                     of->memory_mb);
  if (of->init_ms > 0) text_buffer_format(&line, ",\"initDurationMs\":%.3f", of->init_ms);
  text_buffer_text(&line, "}}}");
  platform_line(invocation, &line);
  text_buffer_free(&line);
  text_buffer_free(&outcome);
}

void emulator_log_report(emulator_invocation *invocation) {
  emulator_host *emulator = invocation->emulator;
  figures of = measure(invocation);
  (emulator->options.json_logs ? report_as_json : report_as_text)(invocation, &of);
  if (!emulator->options.json_events) return;
  text_buffer *out = &emulator->out;
  begin_event(out, "invocation");
  text_buffer_format(out,
                     ",\"request_id\":\"%s\",\"status\":\"%s\",\"duration_ms\":%.3f,"
                     "\"billed_duration_ms\":%ld,\"max_memory_mb\":%ld",
                     invocation->id, of.status, of.duration_ms, of.billed_ms, of.memory_mb);
  if (of.init_ms > 0) text_buffer_format(out, ",\"init_ms\":%.3f", of.init_ms);
  if (invocation->error_type[0] != '\0')
    text_buffer_format(out, ",\"error_type\":\"%s\"", invocation->error_type);
  if (invocation->environment)
    text_buffer_format(out, ",\"environment\":%u", invocation->environment->number);
  text_buffer_text(out, "}\n");
}

void emulator_log_ready(emulator_host *emulator) {
  if (!emulator->options.json_events) return;
  begin_event(&emulator->out, "ready");
  text_buffer_format(&emulator->out, ",\"port\":%d,\"url\":\"http://127.0.0.1:%d\",\"function\":",
                     emulator->api->number, emulator->api->number);
  write_json_text(&emulator->out, emulator->options.function_name,
                  strlen(emulator->options.function_name));
  text_buffer_text(&emulator->out, "}\n");
  emulator_log_flush(emulator);
}
