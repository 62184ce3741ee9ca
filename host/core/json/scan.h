/* One pass over JSON text: a strict RFC 8259 reader that builds nothing and allocates nothing.
 *
 * Strict: valid UTF-8, no raw control characters, no leading zeros, no lone surrogate escapes,
 * nesting at most JSON_MAX_DEPTH. Duplicate keys are not its business: it reports every member.
 * Iterative: hostile nesting cannot exhaust the C stack.
 *
 * Memory: spans point into the caller's text, which must outlive them. The text need not end in
 * NUL, and no byte at or after `end` is read. */
#ifndef WEIR_CORE_JSON_SCAN_H
#define WEIR_CORE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { JSON_MAX_DEPTH = 1000 };

typedef enum {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_NUMBER,
  JSON_STRING,
  JSON_OBJECT,
  JSON_ARRAY,
} json_type;

/* A piece of the text. For a string: what is between the quotes, still escaped.
 * For a number, literal, object or array: the whole value. */
typedef struct {
  const char *at;
  size_t size;
  json_type type;
  bool escaped; /* a string that contains at least one backslash */
} json_span;

typedef struct {
  const char *begin; /* first byte of the text */
  const char *at;    /* next byte to read */
  const char *end;   /* one past the last byte */
  const char *error; /* NULL, or what is wrong at `at`; once set every call returns false */
  int depth;         /* containers entered and not yet left */
  bool entered;      /* nothing was read since json_scan_enter: no comma is due */
} json_scan;

void json_scan_begin(json_scan *scan, const char *text, size_t size);

/* The type of the value that comes next (skips white space first). False on error or end. */
bool json_scan_peek(json_scan *scan, json_type *type);

/* Reads one whole value of any type; containers are checked in full and skipped.
 * This is the hot path: it must run at memory speed on containers and long strings. */
bool json_scan_value(json_scan *scan, json_span *value);

/* Goes on behind a container that comes next and was read before: it is taken for well-formed. */
void json_scan_pass(json_scan *scan, size_t size);

/* Walking into a container:
 *     json_scan_enter(scan, JSON_OBJECT);
 *     while (json_scan_member(scan, &key)) json_scan_value(scan, &value);
 *     if (scan->error) …
 * json_scan_member and json_scan_element return false at the closing bracket (which they
 * consume) and on error. The first call after enter is told apart from later ones by the
 * scanner itself; between two calls the caller must read exactly one value. */
bool json_scan_enter(json_scan *scan, json_type type);
bool json_scan_member(json_scan *scan, json_span *key);
bool json_scan_element(json_scan *scan);

/* True when nothing but white space is left. Sets an error otherwise. */
bool json_scan_finish(json_scan *scan);

/* Checks a whole text: one value, then nothing. */
bool json_scan_validate(json_scan *scan);

/* Where `at` stands, for messages: line and column (in bytes) from 1. */
void json_scan_place(const json_scan *scan, size_t *line, size_t *column);

/* Unescapes the inside of a string that the scanner accepted. `out` must hold span.size bytes
 * (unescaping never grows). Returns the size written. */
size_t json_unescape(json_span string, char *out);

/* How many bytes json_unescape writes. */
size_t json_unescaped_size(json_span string);

bool json_escaped_equals(json_span string, const char *bytes, size_t size);

/* True when an accepted string span equals these bytes after unescaping. */
static inline bool json_string_equals(json_span string, const char *bytes, size_t size) {
  if (string.escaped) return json_escaped_equals(string, bytes, size);
  return string.size == size && (size == 0 || memcmp(string.at, bytes, size) == 0);
}

typedef enum { JSON_NUMBER_INTEGER, JSON_NUMBER_DOUBLE, JSON_NUMBER_OVERFLOW } json_number_kind;

/* Converts an accepted number. Integer literals (no '.', 'e', 'E') that fit 64 bits are exact
 * integers; "-0" is the double -0.0; everything else is the nearest double.
 * OVERFLOW: beyond the largest double (1e999). Locale never matters. */
json_number_kind json_number_parse(json_span number, int64_t *integer, double *real);

#endif
