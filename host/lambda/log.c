/* Messages of the runtime itself, for what happens where no Lua code can log. See impl.h.
 * Memory: each call frees what it makes. */
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "core/json/write.h"
#include "core/system/process.h"
#include "lambda/impl.h"

static void write_json(text_buffer *line, const char *time, const char *level, const char *text) {
  text_buffer_format(line, "{\"timestamp\":\"%s\",\"level\":\"%s\",\"message\":", time, level);
  /* Bytes that are not UTF-8, or a letter that was cut, end the text. */
  if (!json_write_string(line, text, strlen(text))) text_buffer_byte(line, '"');
  text_buffer_text(line, "}\n");
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
