/* See repeated.h. */
#include "core/recording/repeated.h"

/* The span of a text that begins at `from`, for the same text that begins at `to`. */
static json_span moved(json_span span, const char *from, const char *to) {
  if (span.at) span.at = to + (span.at - from);
  return span;
}

static bool is_within(json_span span, const char *begin, const char *end) {
  return !span.at || (span.at >= begin && span.at < end);
}

void recording_repeated_keep(recording_repeated *repeated, const recording_line *line,
                             const char *begin, const char *end) {
  text_buffer *text = &repeated->text;
  text_buffer_clear(text);
  bool is_whole = is_within(line->kind, begin, end) && is_within(line->params, begin, end) &&
                  is_within(line->overrides, begin, end);
  if (!is_whole || *begin != ',' || *end != ',') return;

  text_buffer_append(text, begin, (size_t)(end + 1 - begin));
  if (text->failed) return;
  repeated->kind = moved(line->kind, begin, text->data);
  repeated->params = moved(line->params, begin, text->data);
  repeated->overrides = moved(line->overrides, begin, text->data);
}

bool recording_repeated_pass(const recording_repeated *repeated, json_scan *scan,
                             recording_line *line) {
  const text_buffer *text = &repeated->text;
  size_t size = text->size;
  const char *at = scan->at;
  if (size == 0 || scan->entered || scan->error || (size_t)(scan->end - at) < size) return false;
  if (memcmp(at, text->data, size) != 0) return false;
  if (line->kind.at || line->params.at || line->overrides.at) return false;

  line->kind = moved(repeated->kind, text->data, at);
  line->params = moved(repeated->params, text->data, at);
  line->overrides = moved(repeated->overrides, text->data, at);
  scan->at += size - 1; /* the next member begins with the comma */

  return true;
}
