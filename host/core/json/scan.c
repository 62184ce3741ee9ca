/* Walking through JSON text. See scan.h. */
#include "core/json/scan.h"

#include <string.h>

#include "core/json/token.h"

void json_scan_begin(json_scan *scan, const char *text, size_t size) {
  *scan = (json_scan){.begin = text, .at = text, .end = text + size};
}

/* The type that a value's first byte announces; -1 when no value starts so. */
static int type_of(char byte) {
  switch (byte) {
  case '{': return JSON_OBJECT;
  case '[': return JSON_ARRAY;
  case '"': return JSON_STRING;
  case 't': return JSON_TRUE;
  case 'f': return JSON_FALSE;
  case 'n': return JSON_NULL;
  default: return byte == '-' || json_is_digit(byte) ? JSON_NUMBER : -1;
  }
}

bool json_scan_peek(json_scan *scan, json_type *type) {
  if (scan->error) return false;
  scan->at = json_skip_space(scan->at, scan->end);
  int found = scan->at == scan->end ? -1 : type_of(*scan->at);
  if (found < 0) {
    json_refuse_value(scan, scan->at);
    return false;
  }

  *type = (json_type)found;
  return true;
}

#if JSON_HAS_VECTORS

/* Short cuts for members as programs write them: short, without escapes and white space. What they
 * do not take stays unread for the general functions. */
enum { SHORT_ROOM = 36 }; /* a comma, a quote, a vector of 32 bytes and what follows it */

static inline bool read_short_value(json_scan *scan, json_span *value) {
  const char *at = scan->at, *after;
  if (scan->end - at < SHORT_ROOM || scan->error) return false;
  bool quoted = *at == '"';
  if (quoted) {
    after = json_string_end(json_masks32(at + 1).stops, at + 1, scan->end);
  } else {
    if (!json_is_digit(*at)) return false;
    json_masks masks = json_masks32(at);
    after = json_number_end(masks.digits, masks.numeric, 32, at, scan->end);
  }

  if (!after) return false;
  *value = (json_span){.at = at + quoted,
                       .size = (size_t)(after - at) - 2 * (size_t)quoted,
                       .type = quoted ? JSON_STRING : JSON_NUMBER};
  scan->at = after;

  return true;
}

static inline bool read_short_member(json_scan *scan, json_span *key) {
  const char *at = scan->at;
  if (scan->end - at < SHORT_ROOM || scan->error) return false;
  if (!scan->entered && *at++ != ',') return false;
  if (*at != '"') return false;
  const char *after = json_string_end(json_masks32(at + 1).stops, at + 1, scan->end);
  if (!after || *after != ':') return false;
  *key = (json_span){.at = at + 1, .size = (size_t)(after - at) - 2, .type = JSON_STRING};
  scan->entered = false;
  scan->at = json_skip_space(after + 1, scan->end);

  return true;
}

#endif

bool json_scan_value(json_scan *scan, json_span *value) {
#if JSON_HAS_VECTORS
  if (read_short_value(scan, value)) return true;
#endif
  if (!json_scan_peek(scan, &value->type)) return false;
  const char *first = scan->at, *after;
  value->escaped = false;
  switch (value->type) {
  case JSON_STRING: after = json_read_string(scan, first, &value->escaped); break;
  case JSON_NUMBER: after = json_read_number(scan, first); break;
  case JSON_OBJECT:
  case JSON_ARRAY: after = json_read_container(scan, first); break;
  default: after = json_read_word(scan, first, &value->type); break;
  }

  if (!after) return false;
  scan->at = after;
  bool quoted = value->type == JSON_STRING;
  value->at = first + quoted;
  value->size = (size_t)(after - first) - 2 * (size_t)quoted;

  return true;
}

void json_scan_pass(json_scan *scan, size_t size) {
  scan->at += size;
}

bool json_scan_enter(json_scan *scan, json_type type) {
  json_type found;
  if (!json_scan_peek(scan, &found)) return false;
  if (found != type)
    return json_refuse(scan, scan->at,
                       type == JSON_OBJECT ? "an object is expected" : "an array is expected");
  if (scan->depth == JSON_MAX_DEPTH) return json_refuse(scan, scan->at, "nested deeper than 1000");
  scan->at++;
  scan->depth++;
  scan->entered = true;

  return true;
}

/* Passes the comma before every member or element but the first. False at the closing bracket,
 * which it consumes, and on error. */
static bool pass_separator(json_scan *scan, char closer) {
  if (scan->error) return false;
  const char *at = json_skip_space(scan->at, scan->end);
  bool first = scan->entered;
  scan->entered = false;
  if (at < scan->end && *at == closer) {
    scan->at = at + 1;
    scan->depth--;
    return false;
  }

  if (!first || at == scan->end) {
    if (at == scan->end || *at != ',') return json_refuse_separator(scan, at, closer);
    at = json_skip_space(at + 1, scan->end);
  }

  scan->at = at;

  return true;
}

bool json_scan_member(json_scan *scan, json_span *key) {
#if JSON_HAS_VECTORS
  if (read_short_member(scan, key)) return true;
#endif
  if (!pass_separator(scan, '}')) return false;
  const char *name = scan->at;
  if (name == scan->end || *name != '"') return json_refuse_key(scan, name);
  const char *after = json_read_string(scan, name, &key->escaped);
  if (!after) return false;
  key->at = name + 1;
  key->size = (size_t)(after - 1 - key->at);
  key->type = JSON_STRING;
  after = json_read_colon(scan, after);
  if (!after) return false;
  scan->at = after;

  return true;
}

bool json_scan_element(json_scan *scan) {
  return pass_separator(scan, ']');
}

bool json_scan_finish(json_scan *scan) {
  if (scan->error) return false;
  scan->at = json_skip_space(scan->at, scan->end);
  if (scan->at == scan->end) return true;
  return json_refuse(scan, scan->at, "something follows the value");
}

bool json_scan_validate(json_scan *scan) {
  json_span value;
  return json_scan_value(scan, &value) && json_scan_finish(scan);
}

void json_scan_place(const json_scan *scan, size_t *line, size_t *column) {
  const char *start = scan->begin; /* of the line */
  *line = 1;
  while (start < scan->at) {
    const char *newline = memchr(start, '\n', (size_t)(scan->at - start));
    if (!newline) break;
    start = newline + 1;
    ++*line;
  }

  *column = (size_t)(scan->at - start) + 1;
}
