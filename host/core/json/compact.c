/* See compact.h. Recursion is bounded by the scanner's depth limit. */
#include "core/json/compact.h"

#include <string.h>

#include "core/json/block.h"
#include "core/json/write.h"

static bool copy_text(json_span text, text_buffer *out, text_buffer *scratch) {
  if (!text.escaped) return json_write_string(out, text.at, text.size);
  scratch->size = 0;
  if (!text_buffer_reserve(scratch, text.size)) return false;
  return json_write_string(out, scratch->data, json_unescape(text, scratch->data));
}

static bool copy_value(json_scan *scan, text_buffer *out, text_buffer *scratch) {
  json_type type;
  json_span key, value;
  if (!json_scan_peek(scan, &type)) return false;
  if (type < JSON_OBJECT) {
    if (!json_scan_value(scan, &value)) return false;
    if (type == JSON_STRING) return copy_text(value, out, scratch);
    text_buffer_append(out, value.at, value.size);
    return true;
  }

  bool first = true, is_object = type == JSON_OBJECT;
  if (!json_scan_enter(scan, type)) return false;
  text_buffer_byte(out, is_object ? '{' : '[');
  while (is_object ? json_scan_member(scan, &key) : json_scan_element(scan)) {
    if (!first) text_buffer_byte(out, ',');
    first = false;
    if (is_object) {
      if (!copy_text(key, out, scratch)) return false;
      text_buffer_byte(out, ':');
    }

    if (!copy_value(scan, out, scratch)) return false;
  }

  text_buffer_byte(out, is_object ? '}' : ']');

  return !scan->error;
}

bool json_compact(const char *text, size_t size, text_buffer *out) {
  json_scan scan;
  text_buffer scratch = {0};
  json_scan_begin(&scan, text, size);
  bool ok = copy_value(&scan, out, &scratch) && json_scan_finish(&scan);
  text_buffer_free(&scratch);

  return ok && !out->failed;
}

/* Looks at what is between strings byte by byte, and at the strings in blocks. Without escapes
 * every quote begins or ends a string. */
bool json_is_compact(const char *text, size_t size) {
  const char *at = text, *end = text + size;
  while (at < end) {
    if (*at <= ' ') return false;
    if (*at++ != '"') continue;
    at = json_plain_end(at, end);
    if (at == end || *at++ != '"') return false;
  }

  return !memchr(text, 0x7F, size); /* DEL: plain, but not printable */
}
