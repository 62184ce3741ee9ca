/* See csv.h. RFC 4180: a field in quotes may hold commas, line breaks and doubled quotes.
 */
#include "core/recording/csv.h"

#include <stdint.h>
#include <string.h>

#include "core/json/writer.h"

typedef struct {
  const char *at, *end;
  size_t line;       /* from 1, of `at` */
  bool is_last;      /* the field just read ended its row */
  text_buffer field; /* the field just read, without quotes */
} csv;

/* Appends up to and with the closing quote, or to the end of the text. */
static void read_quoted(csv *c) {
  while (c->at < c->end) {
    const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
    const char *stop = quote ? quote : c->end;
    for (const char *at = c->at; at < stop; at++) c->line += *at == '\n';
    text_buffer_append(&c->field, c->at, (size_t)(stop - c->at));
    c->at = quote ? quote + 1 : c->end;
    if (c->at == c->end || *c->at != '"') return;
    text_buffer_byte(&c->field, '"');
    c->at++;
  }
}

/* Reads one field and what ends it. */
static void read_field(csv *c) {
  c->field.size = 0;
  if (c->at < c->end && *c->at == '"') {
    c->at++;
    read_quoted(c);
  }

  const char *begin = c->at;
  while (c->at < c->end && *c->at != ',' && *c->at != '\n') c->at++;
  size_t size = (size_t)(c->at - begin);
  if (size > 0 && begin[size - 1] == '\r') size--;
  text_buffer_append(&c->field, begin, size);

  c->is_last = c->at == c->end || *c->at == '\n';
  if (c->at == c->end) return;
  c->line += *c->at == '\n';
  c->at++;
}

static bool is_message(const text_buffer *field) {
  const char *name = field->data;
  size_t size = field->size;
  if (size > 0 && *name == '@') name++, size--;
  return size == 7 && memcmp(name, "message", 7) == 0;
}

/* Reads the header; the column of the messages, or SIZE_MAX. */
static size_t message_column(csv *c) {
  size_t found = SIZE_MAX;
  for (size_t column = 0;; column++) {
    read_field(c);
    if (is_message(&c->field) && found == SIZE_MAX) found = column;
    if (c->is_last) return found;
  }
}

static csv begin(const char *text, size_t size) {
  return (csv){.at = text, .end = text + size, .line = 1};
}

bool recording_csv_begins(const char *text, size_t size) {
  const char *newline = memchr(text, '\n', size);
  size_t first = newline ? (size_t)(newline - text) : size;
  if (memchr(text, '{', first)) return false; /* a log line that has a message */

  csv c = begin(text, first);
  bool begins = message_column(&c) != SIZE_MAX;
  text_buffer_free(&c.field);
  return begins;
}

/* Appends {"message":…} as the line with the row's number. */
static void append_row(const text_buffer *message, size_t row_line, size_t *next_line,
                       text_buffer *lines) {
  for (; *next_line < row_line; ++*next_line) text_buffer_byte(lines, '\n');
  json_writer writer = json_writer_to(lines);
  json_writer_object(&writer, NULL);
  json_writer_bytes(&writer, "message", message->data, message->size);
  json_writer_end(&writer);
  text_buffer_byte(lines, '\n');
  ++*next_line;
}

static void read_row(csv *c, size_t column, size_t *next_line, text_buffer *lines) {
  size_t row_line = c->line, at = 0;
  bool is_empty = true;

  do {
    read_field(c);
    if (c->field.size > 0) is_empty = false;
    if (at++ == column && !is_empty) append_row(&c->field, row_line, next_line, lines);
  } while (!c->is_last);
}

void recording_csv_lines(const char *text, size_t size, text_buffer *lines) {
  csv c = begin(text, size);
  size_t column = message_column(&c), next_line = 1;

  while (c.at < c.end && !c.field.failed) read_row(&c, column, &next_line, lines);
  if (c.field.failed) lines->failed = true;
  text_buffer_free(&c.field);
}
