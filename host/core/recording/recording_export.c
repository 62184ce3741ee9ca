/* See recording_export.h. */
#include "core/recording/recording_export.h"

#include <string.h>

#include "core/json/scan.h"

typedef struct {
  json_scan scan;
  text_buffer *lines;
  const char *counted; /* the newlines of the text are counted up to here */
  size_t at_line;      /* of the text, from 1, at `counted` */
  size_t next_line;    /* the number of the line that is appended next */
} walk;

static size_t count_newlines(const char *at, const char *end) {
  size_t count = 0;
  for (; (at = memchr(at, '\n', (size_t)(end - at))); at++) count++;
  return count;
}

/* Line breaks inside an event stand between tokens only: blanks do as well. */
static void append_event(walk *w, json_span event) {
  const char *end = event.at + event.size, *stop;
  w->at_line += count_newlines(w->counted, event.at);
  w->counted = event.at;
  for (; w->next_line < w->at_line; w->next_line++) text_buffer_byte(w->lines, '\n');
  for (const char *at = event.at; at < end; at = stop + 1) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    stop = newline ? newline : end;
    text_buffer_append(w->lines, at, (size_t)(stop - at));
    text_buffer_byte(w->lines, newline ? ' ' : '\n');
  }
  w->next_line++;
}

static bool walk_events(walk *w) {
  json_span event;
  if (!json_scan_enter(&w->scan, JSON_ARRAY)) return false;
  while (json_scan_element(&w->scan) && json_scan_value(&w->scan, &event))
    if (event.type == JSON_OBJECT) append_event(w, event);
  return !w->scan.error;
}

/* One document; the scanner stands behind it afterwards. */
static bool walk_document(walk *w) {
  json_span key, value;
  json_type type;
  bool found = false;
  if (!json_scan_enter(&w->scan, JSON_OBJECT)) return false;
  while (json_scan_member(&w->scan, &key)) {
    if (json_string_equals(key, "schema", 6)) return false; /* a decision line */
    bool named = json_string_equals(key, "events", 6) || json_string_equals(key, "logEvents", 9);
    if (named && json_scan_peek(&w->scan, &type) && type == JSON_ARRAY) {
      found = true;
      if (!walk_events(w)) return false;
    } else if (!json_scan_value(&w->scan, &value)) {
      return false;
    }
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
