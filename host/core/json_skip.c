/* Skips a whole object or array, checking every byte of it. Iterative: the brackets still to be
 * closed stand in a fixed array. See json_token.h. */
#include "core/json_token.h"

/* Anything but a container. */
static inline const char *read_scalar(json_scan *scan, const char *at) {
  bool escaped;
  json_type type;
  if (at == scan->end) return json_refuse_value(scan, at);
  switch (*at) {
  case '"': return json_read_string(scan, at, &escaped);
  case '-':
  case '0':
  case '1':
  case '2':
  case '3':
  case '4':
  case '5':
  case '6':
  case '7':
  case '8':
  case '9': return json_read_number(scan, at);
  case 'n':
  case 't':
  case 'f': return json_read_word(scan, at, &type);
  default: return json_refuse_value(scan, at);
  }
}

static const char *refuse_after_value(json_scan *scan, const char *at, char closer) {
  if (at == scan->end)
    return json_refuse(scan, at,
                       closer == '}' ? "the text ends inside an object"
                                     : "the text ends inside an array");
  return json_refuse(scan, at, closer == '}' ? "',' or '}' is expected" : "',' or ']' is expected");
}

/* Between values: closes what is closed here, then passes the comma and, in an object, the name,
 * up to the next value. *open reaches 0 when the outermost container is closed. */
static inline const char *next_value(json_scan *scan, const char *at, const char *closers,
                                     int *open) {
  const char *end = scan->end;
  json_span key;
  for (;;) {
    at = json_skip_space(at, end);
    if (at == end) return refuse_after_value(scan, at, closers[*open]);
    if (*at == ',') break;
    if (*at != closers[*open]) return refuse_after_value(scan, at, closers[*open]);
    at++;
    if (--*open == 0) return at;
  }
  at = json_skip_space(at + 1, end);
  return closers[*open] == '}' ? json_read_key(scan, at, &key) : at;
}

const char *json_read_container(json_scan *scan, const char *at) {
  char closers[JSON_MAX_DEPTH + 1]; /* closers[1] closes the outermost */
  const char *end = scan->end;
  int open = 0, room = JSON_MAX_DEPTH - scan->depth;
  json_span key;
  for (;;) {
    if (at < end && (*at == '{' || *at == '[')) {
      if (open == room) return json_refuse(scan, at, "nested deeper than 1000");
      closers[++open] = (char)(*at + 2); /* in ASCII each bracket closes two places further on */
      at = json_skip_space(at + 1, end);
      if (at == end || *at != closers[open]) {
        if (closers[open] == '}') at = json_read_key(scan, at, &key);
        if (!at) return NULL;
        continue;
      }
      at++;
      if (--open == 0) return at;
    } else {
      at = read_scalar(scan, at);
      if (!at) return NULL;
    }
    at = next_value(scan, at, closers, &open);
    if (!at || open == 0) return at;
  }
}
