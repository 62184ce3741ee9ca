/* See export.h. */
#include "core/recording/export.h"

#include <string.h>

#include "core/json/scan.h"

typedef struct {
  json_scan scan;
  text_buffer *lines;
  const char *counted; /* the newlines of the text are counted up to here */
  size_t at_line;      /* of the text, from 1, at `counted` */
  size_t next_line;    /* the number of the line that is appended next */
} walk;

static bool is_key(json_span key, const char *name) {
  return json_string_equals(key, name, strlen(name));
}

static size_t count_newlines(const char *at, const char *end) {
  size_t count = 0;
  for (; (at = memchr(at, '\n', (size_t)(end - at))); at++) count++;
  return count;
}

/* Appends empty lines until the next line has the number of the line where `at` is. */
static void begin_line(walk *w, const char *at) {
  w->at_line += count_newlines(w->counted, at);
  w->counted = at;
  for (; w->next_line < w->at_line; w->next_line++) text_buffer_byte(w->lines, '\n');
}

static void end_line(walk *w) {
  text_buffer_byte(w->lines, '\n');
  w->next_line++;
}

/* Line breaks inside an event stand between tokens only: blanks do as well. */
static void append_object(walk *w, json_span object) {
  const char *end = object.at + object.size, *stop;

  begin_line(w, object.at);
  for (const char *at = object.at; at < end; at = stop + 1) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    stop = newline ? newline : end;
    text_buffer_append(w->lines, at, (size_t)(stop - at));
    if (newline) text_buffer_byte(w->lines, ' ');
  }

  end_line(w);
}

static void append_message(walk *w, json_span message) {
  begin_line(w, message.at);
  text_buffer_text(w->lines, "{\"message\":\"");
  text_buffer_append(w->lines, message.at, message.size);
  text_buffer_text(w->lines, "\"}");
  end_line(w);
}

/* {"field": "@message", "value": "…"}: sets the message when the field is that one. */
static bool walk_field(walk *w, json_span *message) {
  json_span key, value, name = {0}, content = {0};
  if (!json_scan_enter(&w->scan, JSON_OBJECT)) return false;

  while (json_scan_member(&w->scan, &key) && json_scan_value(&w->scan, &value)) {
    if (is_key(key, "field")) name = value;
    if (is_key(key, "value")) content = value;
  }

  if (name.type == JSON_STRING && content.type == JSON_STRING &&
      (is_key(name, "@message") || is_key(name, "message")))
    *message = content;
  return !w->scan.error;
}

/* A row: a query's result, which is an array of fields, or what --query makes of an event, in which
 * texts are messages. */
static bool walk_row(walk *w) {
  json_span message = {0}, value;
  json_type type;
  if (!json_scan_enter(&w->scan, JSON_ARRAY)) return false;

  while (json_scan_element(&w->scan) && json_scan_peek(&w->scan, &type)) {
    if (type == JSON_OBJECT ? !walk_field(w, &message) : !json_scan_value(&w->scan, &value))
      return false;
    if (type == JSON_STRING) append_message(w, value);
  }

  if (message.at) append_message(w, message);
  return !w->scan.error;
}

/* An array of log events, of messages, or of rows. */
static bool walk_events(walk *w) {
  json_span event;
  json_type type;
  if (!json_scan_enter(&w->scan, JSON_ARRAY)) return false;

  while (json_scan_element(&w->scan) && json_scan_peek(&w->scan, &type)) {
    if (type == JSON_ARRAY ? !walk_row(w) : !json_scan_value(&w->scan, &event)) return false;
    if (type == JSON_OBJECT) append_object(w, event);
    if (type == JSON_STRING) append_message(w, event);
  }

  return !w->scan.error;
}

/* Reads the value of a document's member; *found when that is the list of events. */
static bool walk_member(walk *w, json_span key, bool *found) {
  json_span value;
  json_type type;
  bool is_array = json_scan_peek(&w->scan, &type) && type == JSON_ARRAY;
  bool is_list = is_key(key, "events") || is_key(key, "logEvents") || is_key(key, "results");
  if (!is_array || !is_list) return json_scan_value(&w->scan, &value);

  *found = true;
  return walk_events(w);
}

/* One document; the scanner stands behind it afterwards. */
static bool walk_document(walk *w) {
  json_span key;
  json_type type;
  bool found = false;
  if (!json_scan_peek(&w->scan, &type)) return false;
  if (type == JSON_ARRAY) return walk_events(w);
  if (!json_scan_enter(&w->scan, JSON_OBJECT)) return false;

  while (json_scan_member(&w->scan, &key)) {
    if (is_key(key, "schema")) return false; /* a decision line */
    if (!walk_member(w, key, &found)) return false;
  }

  return found && !w->scan.error;
}

/* White space alone may follow, or another document. */
static bool is_more(json_scan *scan) {
  while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4)) scan->at++;
  return scan->at < scan->end;
}

bool recording_export_lines(const char *text, size_t size, text_buffer *lines) {
  walk w = {.lines = lines, .counted = text, .at_line = 1, .next_line = 1};
  size_t before = lines->size;
  bool ok;

  json_scan_begin(&w.scan, text, size);
  do ok = walk_document(&w);
  while (ok && is_more(&w.scan));
  if (!ok) lines->size = before;

  return ok;
}
