/* Skips a whole object or array, checking every byte of it. See token.h.
 *
 * Iterative: the brackets still to be closed stand in a fixed array. */
#include "core/json/token.h"

typedef struct {
  json_scan *scan;
  const char *end;                  /* of the text */
  int open, room;                   /* containers open, and how many may be */
  bool empty;                       /* the container opened last closes at once */
  char closers[JSON_MAX_DEPTH + 1]; /* closers[1] closes the outermost container */
} skipper;

static const char *skip_word(skipper *self, const char *at) {
  json_type type;
  if (*at == 'n' || *at == 't' || *at == 'f') return json_read_word(self->scan, at, &type);
  return json_refuse_value(self->scan, at);
}

static inline const char *skip_key(skipper *self, const char *at) {
  bool escaped;
  at = json_skip_space(at, self->end);
  if (at == self->end || *at != '"') return json_refuse_key(self->scan, at);
  at = json_read_string(self->scan, at, &escaped);

  return at ? json_read_colon(self->scan, at) : NULL;
}

/* Behind an opening bracket: up to the first value, or through the bracket that closes it. */
static inline const char *open_container(skipper *self, const char *at) {
  if (self->open == self->room) return json_refuse(self->scan, at, "nested deeper than 1000");
  char closer = (char)(*at + 2); /* in ASCII each bracket closes two places further on */
  self->closers[++self->open] = closer;
  at = json_skip_space(at + 1, self->end);
  if (at == self->end) return json_refuse_separator(self->scan, at, closer);
  self->empty = *at == closer;
  if (self->empty) return at;

  return closer == '}' ? skip_key(self, at) : at;
}

/* Behind a value: closes what is closed here, then passes the comma and, in an object, the name.
 * `open` reaches 0 when the outermost container is closed. */
static inline const char *next_value(skipper *self, const char *at) {
  for (;;) {
    char closer = self->closers[self->open];
    at = json_skip_space(at, self->end);
    if (at == self->end) return json_refuse_separator(self->scan, at, closer);
    if (*at == ',') return closer == '}' ? skip_key(self, at + 1) : at + 1;
    if (*at != closer) return json_refuse_separator(self->scan, at, closer);
    at++;
    if (--self->open == 0) return at;
  }
}

static const char *skip_values(skipper *self, const char *at) {
  bool escaped;
  do {
    at = json_skip_space(at, self->end);
    if (at == self->end) return json_refuse_value(self->scan, at);
    if (*at == '"') {
      at = json_read_string(self->scan, at, &escaped);
    } else if (*at >= '-' && *at <= '9') { /* '.' and '/' are among them, and refused there */
      at = json_read_number(self->scan, at);
    } else if (*at == '{' || *at == '[') {
      at = open_container(self, at);
      if (at && !self->empty) continue;
    } else {
      at = skip_word(self, at);
    }

    if (at) at = next_value(self, at);
  } while (at && self->open > 0);
  return at;
}

const char *json_read_container(json_scan *scan, const char *at) {
  skipper self; /* the arrays are filled as far as they are needed */
  self.scan = scan;
  self.end = scan->end;
  self.open = 0;
  self.empty = false;
  self.room = JSON_MAX_DEPTH - scan->depth;

  return skip_values(&self, at);
}
