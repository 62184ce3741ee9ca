/* The tokens of JSON, shared by the files of the scanner and by no one else.
 * Each json_read_… takes `at` on the token's first byte and returns the byte after the token, or
 * NULL when it has set scan->error and scan->at.
 * Memory: none. Callers: json_scan.c, json_skip.c. */
#ifndef WEIR_JSON_TOKEN_H
#define WEIR_JSON_TOKEN_H

#include "core/json_scan.h"

/* Sets the error, if none is set yet, and returns NULL. */
__attribute__((cold, noinline)) const char *json_refuse(json_scan *scan, const char *at,
                                                        const char *error);

/* Explains why no value starts at `at`. */
__attribute__((cold, noinline)) const char *json_refuse_value(json_scan *scan, const char *at);

/* A string with its quotes. *escaped becomes true when it holds a backslash. */
const char *json_read_string(json_scan *scan, const char *at, bool *escaped);
const char *json_read_number(json_scan *scan, const char *at);

/* null, true or false. */
const char *json_read_word(json_scan *scan, const char *at, json_type *type);

/* A whole object or array. */
const char *json_read_container(json_scan *scan, const char *at);

/* A member's name and its colon, up to the value; *key is the name's span. */
const char *json_read_key(json_scan *scan, const char *at, json_span *key);

static inline const char *json_skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
  return at;
}

static inline bool json_is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

#endif
