/* The tokens of JSON, shared by the files of the scanner and by no one else.
 * Each json_read_… takes `at` on the token's first byte and returns the byte after the token, or
 * NULL when it has set scan->error and scan->at.
 * Memory: none. Callers: json_scan.c, json_skip.c. */
#ifndef WEIR_JSON_TOKEN_H
#define WEIR_JSON_TOKEN_H

#include "core/json_block.h"
#include "core/json_scan.h"

#define JSON_COLD __attribute__((cold, noinline))

/* Sets the error, if none is set yet, and returns NULL. */
JSON_COLD const char *json_refuse(json_scan *scan, const char *at, const char *error);

/* Explain why no value, no member's name, no colon stands at `at`. */
JSON_COLD const char *json_refuse_value(json_scan *scan, const char *at);
JSON_COLD const char *json_refuse_key(json_scan *scan, const char *at);
JSON_COLD const char *json_refuse_colon(json_scan *scan, const char *at);

/* Whatever the short cuts below do not decide. */
const char *json_read_any_string(json_scan *scan, const char *at, bool *escaped);
const char *json_read_any_number(json_scan *scan, const char *at);

/* null, true or false. */
const char *json_read_word(json_scan *scan, const char *at, json_type *type);

/* A whole object or array. */
const char *json_read_container(json_scan *scan, const char *at);

static inline const char *json_skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
  return at;
}

static inline bool json_is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

/* A string with its quotes. *escaped becomes true when it holds a backslash. */
static inline const char *json_read_string(json_scan *scan, const char *at, bool *escaped) {
  const char *after = json_string_end(at + 1, scan->end);
  *escaped = false;
  return after ? after : json_read_any_string(scan, at, escaped);
}

static inline const char *json_read_number(json_scan *scan, const char *at) {
  const char *after = json_number_end(at, scan->end);
  return after ? after : json_read_any_number(scan, at);
}

/* A member's name and its colon, up to the value; *key is the name's span. */
static inline const char *json_read_key(json_scan *scan, const char *at, json_span *key) {
  const char *end = scan->end;
  if (at == end || *at != '"') return json_refuse_key(scan, at);
  key->at = at + 1;
  key->type = JSON_STRING;
  at = json_read_string(scan, at, &key->escaped);
  if (!at) return NULL;
  key->size = (size_t)(at - 1 - key->at);
  at = json_skip_space(at, end);
  if (at == end || *at != ':') return json_refuse_colon(scan, at);
  return json_skip_space(at + 1, end);
}

#endif
