/* Messages of the runtime itself, for what happens where no Lua code can log. See impl.h.
 * Memory: each call frees what it makes. */
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "core/json/writer.h"
#include "core/system/process.h"
#include "lambda/impl.h"

static void write_json(text_buffer *line, const char *time, const char *level, const char *text) {
  json_writer json = json_writer_to(line);
  json_writer_object(&json, NULL);
  json_writer_text(&json, "timestamp", time);
  json_writer_text(&json, "level", level);
  json_writer_text(&json, "message", text);
  json_writer_end(&json);
  text_buffer_byte(line, '\n');
}

void lambda_complain(const char *level, const char *format, const char *detail) {
  char text[512], now[PROCESS_TIMESTAMP_BYTES];
  text_buffer line = {0};
  process_timestamp(process_time_ms(), now);
  snprintf(text, sizeof text, format, detail);
  for (char *at = text; *at; at++)
    if (*at == '\n') *at = ' '; /* one record is one line */
  const char *log_format = getenv("AWS_LAMBDA_LOG_FORMAT");
  if (log_format && strcasecmp(log_format, "JSON") == 0)
    write_json(&line, now, level, text);
  else
    text_buffer_format(&line, "%s - %s weir: %s\n", now, level, text);
  ssize_t ignored = line.failed ? 0 : write(STDERR_FILENO, line.data, line.size);
  (void)ignored;
  text_buffer_free(&line);
}
