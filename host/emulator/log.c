/* What is printed, on stdout: the runtime's own lines, and the platform's in Lambda's two formats;
 * or, for programs that read it, one JSON object a line. See impl.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "core/json/writer.h"
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

/* Begins an event of --json. */
static json_writer begin_event(text_buffer *out, const char *name) {
  char now[PROCESS_TIMESTAMP_BYTES];
  json_writer json = json_writer_to(out);
  process_timestamp(process_time_ms(), now);
  json_writer_object(&json, NULL);
  json_writer_text(&json, "event", name);
  json_writer_text(&json, "time", now);

  return json;
}

static void end_event(json_writer *json) {
  json_writer_end(json);
  text_buffer_byte(json->out, '\n');
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

  json_writer json = begin_event(out, "log");
  json_writer_text(&json, "source", source);
  if (environment) json_writer_integer(&json, "environment", environment->number);
  json_writer_text(&json, "request_id", request_id);
  json_writer_bytes(&json, "message", line, size);
  end_event(&json);
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

/* Begins a record of the platform, which end_record closes. */
static json_writer begin_record(text_buffer *out, const char *type) {
  char now[PROCESS_TIMESTAMP_BYTES];
  json_writer json = json_writer_to(out);
  process_timestamp(process_time_ms(), now);
  json_writer_object(&json, NULL);
  json_writer_text(&json, "time", now);
  json_writer_text(&json, "type", type);
  json_writer_object(&json, "record");

  return json;
}

static void end_record(json_writer *json) {
  json_writer_end(json);
  json_writer_end(json);
}

static json_writer begin_init_record(text_buffer *out, const char *type,
                                     const emulator_environment *environment) {
  json_writer json = begin_record(out, type);
  json_writer_text(&json, "initializationType", "on-demand");
  json_writer_text(&json, "phase", environment->is_retry ? "invoke" : "init");
  return json;
}

void emulator_log_init_start(emulator_environment *environment) {
  text_buffer line = {0};
  emulator_host *emulator = environment->emulator;
  if (emulator->options.json_logs) {
    json_writer json = begin_init_record(&line, "platform.initStart", environment);
    json_writer_text(&json, "runtimeVersion", "weir emulate " WEIR_VERSION);
    end_record(&json);
  } else {
    text_buffer_text(&line, "INIT_START Runtime Version: weir emulate " WEIR_VERSION);
  }

  print(emulator, environment, "platform", NULL, line.data, line.size);
  text_buffer_free(&line);
}

static void write_init_failure(text_buffer *line, const emulator_environment *environment,
                               const char *status, const char *error_type, double took_ms) {
  json_writer json = begin_init_record(line, "platform.initReport", environment);
  json_writer_text(&json, "status", status);
  json_writer_text(&json, "errorType", error_type);
  json_writer_object(&json, "metrics");
  json_writer_decimal(&json, "durationMs", took_ms, 3);
  json_writer_end(&json);
  end_record(&json);
}

void emulator_log_init_failure(emulator_environment *environment, const char *status,
                               const char *error_type) {
  text_buffer line = {0};
  emulator_host *emulator = environment->emulator;
  double took_ms = (double)(emulator_clock_us() - environment->started_us) / 1000;
  if (emulator->options.json_logs) {
    write_init_failure(&line, environment, status, error_type, took_ms);
  } else {
    text_buffer_format(&line, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", took_ms,
                       environment->is_retry ? "invoke" : "init", status);
    if (error_type) text_buffer_format(&line, "\tError Type: %s", error_type);
  }

  print(emulator, environment, "platform", NULL, line.data, line.size);
  text_buffer_free(&line);
}

void emulator_log_start(emulator_invocation *invocation) {
  text_buffer line = {0};
  if (invocation->emulator->options.json_logs) {
    json_writer json = begin_record(&line, "platform.start");
    json_writer_text(&json, "requestId", invocation->id);
    json_writer_text(&json, "version", "$LATEST");
    end_record(&json);
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

/* Prints one record of an invocation's end. with_bill: what the invocation cost, too. */
static void report_record(emulator_invocation *invocation, const figures *of, const char *type,
                          bool with_bill) {
  text_buffer line = {0};
  json_writer json = begin_record(&line, type);
  json_writer_text(&json, "requestId", invocation->id);
  json_writer_text(&json, "status", of->status);
  if (strcmp(of->status, "error") == 0)
    json_writer_text(&json, "errorType", invocation->error_type);
  json_writer_object(&json, "metrics");
  json_writer_decimal(&json, "durationMs", of->duration_ms, 3);
  if (with_bill) {
    json_writer_integer(&json, "billedDurationMs", of->billed_ms);
    json_writer_integer(&json, "memorySizeMB", invocation->emulator->options.memory_mb);
    json_writer_integer(&json, "maxMemoryUsedMB", of->memory_mb);
    if (of->init_ms > 0) json_writer_decimal(&json, "initDurationMs", of->init_ms, 3);
  }

  json_writer_end(&json);
  end_record(&json);
  platform_line(invocation, &line);
  text_buffer_free(&line);
}

static void report_as_json(emulator_invocation *invocation, const figures *of) {
  report_record(invocation, of, "platform.runtimeDone", false);
  report_record(invocation, of, "platform.report", true);
}

static void report_as_event(emulator_invocation *invocation, const figures *of) {
  json_writer json = begin_event(&invocation->emulator->out, "invocation");
  json_writer_text(&json, "request_id", invocation->id);
  json_writer_text(&json, "status", of->status);
  json_writer_decimal(&json, "duration_ms", of->duration_ms, 3);
  json_writer_integer(&json, "billed_duration_ms", of->billed_ms);
  json_writer_integer(&json, "max_memory_mb", of->memory_mb);
  if (of->init_ms > 0) json_writer_decimal(&json, "init_ms", of->init_ms, 3);
  if (invocation->error_type[0] != '\0')
    json_writer_text(&json, "error_type", invocation->error_type);
  if (invocation->environment)
    json_writer_integer(&json, "environment", invocation->environment->number);
  end_event(&json);
}

void emulator_log_report(emulator_invocation *invocation) {
  emulator_host *emulator = invocation->emulator;
  figures of = measure(invocation);
  (emulator->options.json_logs ? report_as_json : report_as_text)(invocation, &of);
  if (emulator->options.json_events) report_as_event(invocation, &of);
}

void emulator_log_ready(emulator_host *emulator) {
  char url[64];
  if (!emulator->options.json_events) return;
  snprintf(url, sizeof url, "http://127.0.0.1:%d", emulator->api->number);
  json_writer json = begin_event(&emulator->out, "ready");
  json_writer_integer(&json, "port", emulator->api->number);
  json_writer_text(&json, "url", url);
  json_writer_text(&json, "function", emulator->options.function_name);
  end_event(&json);
  emulator_log_flush(emulator);
}
