/* The tokens of JSON, shared by the files of the scanner and by no one else.
 * Each json_read_… takes `at` on the token's first byte and returns the byte after the token, or
 * NULL when it has set scan->error and scan->at.
 * Memory: none. */
#ifndef WEIR_CORE_JSON_TOKEN_H
#define WEIR_CORE_JSON_TOKEN_H

#include "core/json/block.h"
#include "core/json/scan.h"

#define JSON_COLD __attribute__((cold, noinline))

/* Sets the error, if none is set yet, and returns NULL. */
JSON_COLD const char *json_refuse(json_scan *scan, const char *at, const char *error);

/* Explain why no value, no member's name, no colon, no comma or closer stands at `at`. */
JSON_COLD const char *json_refuse_value(json_scan *scan, const char *at);
JSON_COLD const char *json_refuse_key(json_scan *scan, const char *at);
JSON_COLD const char *json_refuse_colon(json_scan *scan, const char *at);
JSON_COLD const char *json_refuse_separator(json_scan *scan, const char *at, char closer);

/* Whatever the short cuts below do not decide. */
const char *json_read_any_string(json_scan *scan, const char *at, bool *escaped);
const char *json_read_any_number(json_scan *scan, const char *at);

/* A backslash and what it escapes; both halves of a surrogate pair. */
const char *json_read_escape(json_scan *scan, const char *at);

/* null, true or false. */
const char *json_read_word(json_scan *scan, const char *at, json_type *type);

/* A whole object or array. */
const char *json_read_container(json_scan *scan, const char *at);

static inline const char *json_skip_space(const char *at, const char *end) {
  if (at < end && (unsigned char)*at > ' ') return at;
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
  return at;
}

static inline bool json_is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

/* A string with its quotes. *escaped becomes true when it holds a backslash. */
static inline const char *json_read_string(json_scan *scan, const char *at, bool *escaped) {
  *escaped = false;
#if JSON_HAS_VECTORS
  if (scan->end - at > 32) {
    const char *after = json_string_end(json_masks32(at + 1).stops, at + 1, scan->end);
    if (after) return after;
  }
#endif
  return json_read_any_string(scan, at, escaped);
}

static inline const char *json_read_number(json_scan *scan, const char *at) {
#if JSON_HAS_VECTORS
  if (scan->end - at > 32) {
    json_masks masks = json_masks32(at);
    const char *after = json_number_end(masks.digits, masks.numeric, 32, at, scan->end);
    if (after) return after;
  }
#endif
  return json_read_any_number(scan, at);
}

/* The colon after a member's name, up to the value. */
static inline const char *json_read_colon(json_scan *scan, const char *at) {
  at = json_skip_space(at, scan->end);
  if (at == scan->end || *at != ':') return json_refuse_colon(scan, at);
  return json_skip_space(at + 1, scan->end);
}

#endif
