/* See secret_clean.h. */
#include "secret_clean.h"

#include <string.h>

#include "core/json/block.h"
#include "core/secret/name.h"
#include "json_lua.h"
#include "secret_walk.h"

/* A part of the text that is known to be clean. */
typedef struct {
  size_t at, size;
} clean_part;

enum { MOST_PARTS = 4 };

typedef struct {
  const secret_value *known;
  size_t count;
  clean_part parts[MOST_PARTS]; /* in their order */
  size_t part_count, part;      /* part: the next */
} cleaner;

/* A text with escapes, or a mark that something was hidden, needs a closer look. */
static bool is_clean_text(const cleaner *self, json_span text) {
  static const char mark[] = "[redacted]";
  if (text.escaped || !secret_walk_is_plain(text.at, text.size, self->known, self->count))
    return false;
  return text.size != sizeof mark - 1 || memcmp(text.at, mark, text.size) != 0;
}

static bool is_clean_name(const cleaner *self, json_span name) {
  return is_clean_text(self, name) && !secret_name(name.at, name.size);
}

/* Goes on behind the part that begins here, if one does. */
static bool skip_part(cleaner *self, json_scan *scan) {
  const clean_part *part = &self->parts[self->part];
  if (self->part == self->part_count || scan->at != scan->begin + part->at) return false;
  json_scan_pass(scan, part->size);
  self->part++;
  return true;
}

static bool is_clean_value(cleaner *self, json_scan *scan) {
  json_type type;
  json_span text;
  if (!json_scan_peek(scan, &type)) return false;
  if (type < JSON_OBJECT) {
    if (!json_scan_value(scan, &text)) return false;
    if (type != JSON_STRING) return true;
    return is_clean_text(self, text) && !secret_walk_is_candidate(text.at, text.size);
  }

  if (skip_part(self, scan)) return true;
  if (!json_scan_enter(scan, type)) return false;
  while (type == JSON_OBJECT ? json_scan_member(scan, &text) : json_scan_element(scan)) {
    if (type == JSON_OBJECT && !is_clean_name(self, text)) return false;
    if (!is_clean_value(self, scan)) return false;
  }

  return !scan->error;
}

static bool is_clean(cleaner *self, const char *text, size_t size) {
  json_scan scan;
  json_scan_begin(&scan, text, size);
  return is_clean_value(self, &scan) && json_scan_finish(&scan);
}

bool secret_clean_is(json_span text, const secret_value *known, size_t count) {
  return is_clean(&(cleaner){.known = known, .count = count}, text.at, text.size);
}

/* ── Events, by their bytes ──
 * Without escapes every quote begins or ends a string, and no string holds an object. */

static bool has_one_of(json_span text, const char *bytes) {
  for (; *bytes; bytes++)
    if (memchr(text.at, *bytes, text.size)) return true;
  return false;
}

static bool is_harmless_name(secret_clean_names *names, const char *text, size_t size) {
  if (size == 0) return true;
  unsigned slot = (unsigned)size;
  for (size_t i = 0; i < 3; i++) slot = slot * 31 + (unsigned char)text[i * (size - 1) / 2];
  secret_clean_name *known = &names->known[slot % SECRET_CLEAN_NAMES];
  if (known->size == size && memcmp(known->text, text, size) == 0) return true;
  if (secret_name(text, size)) return false;
  if (size <= sizeof known->text) {
    known->size = (unsigned char)size;
    memcpy(known->text, text, size);
  }

  return true;
}

/* What the bytes of the whole event do not tell of one of its strings. */
static bool is_clean_piece(const char *text, size_t size, bool is_name, secret_clean_names *names) {
  enum { SHORT = 256 }; /* no run of base64 is too long in it */
  if (size >= SHORT && !secret_is_harmless(text, size, NULL, 0)) return false;
  if (*text == '[') return false; /* as "[redacted]" does, and arrays */
  if (is_name) return is_harmless_name(names, text, size);
  return size < SECRET_WALK_LEAST ||
         (*text != '{' && *text != ' ' && !secret_walk_begins_as_base64(text));
}

/* The quote that ends a string without escapes, or `end`. */
static const char *quote_after(const char *at, const char *end) {
  while ((at = json_plain_end(at, end)) < end && *at != '"') at++;
  return at;
}

static bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool are_clean_strings(const char *at, const char *end, secret_clean_names *names) {
  for (;;) {
    while (at < end && *at != '"') at++;
    if (at == end) return true;
    const char *string = at + 1;
    at = quote_after(string, end);
    size_t size = (size_t)(at - string);
    for (at += at < end; at < end && is_white(*at);) at++;
    if (!is_clean_piece(string, size, at < end && *at == ':', names)) return false;
  }
}

bool secret_clean_is_event(json_span event, secret_clean_names *names) {
  bool plain = !has_one_of(event, "\\?%&=") && !secret_has_start(event.at, event.size);
  return (plain && are_clean_strings(event.at, event.at + event.size, names)) ||
         secret_clean_is(event, NULL, 0);
}

/* The string that is the value of the member whose name's closing quote is at `at`; size 0 of any
 * other. */
static json_span text_of_member(const char *at, const char *end) {
  json_span text = {0};
  for (at++; at < end && is_white(*at);) at++;
  if (at == end || *at++ != ':') return text;
  while (at < end && is_white(*at)) at++;
  if (at == end || *at++ != '"') return text;
  text.at = at;
  text.size = (size_t)(quote_after(at, end) - at);

  return text;
}

bool secret_clean_has_secret_tag(json_span event) {
  const char *end = event.at + event.size;
  if (!memmem(event.at, event.size, "alue\"", 5)) return false;
  for (const char *at = event.at + 1; (at = memmem(at, (size_t)(end - at), "ey\"", 3)); at++) {
    if (at - event.at < 2 || at[-2] != '"' || (at[-1] != 'K' && at[-1] != 'k')) continue;
    json_span text = text_of_member(at + 2, end);
    if (secret_name(text.at, text.size)) return true;
  }

  return false;
}

/* ── Facts ── */

typedef struct {
  cleaner clean;
  int parts;
} part_writer;

/* For json_encode_value: writes the table on top of the stack, if it is one of the parts. */
static bool write_part(lua_State *L, text_buffer *out, void *context) {
  part_writer *self = context;
  cleaner *clean = &self->clean;
  if (clean->part_count == MOST_PARTS) return false;
  lua_pushvalue(L, -1);
  bool found = lua_rawget(L, self->parts) == LUA_TSTRING;
  if (found) {
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    clean->parts[clean->part_count++] = (clean_part){out->size, size};
    text_buffer_append(out, text, size);
  }

  lua_pop(L, 1);

  return found;
}

bool secret_clean_encode(lua_State *L, int index, int parts, const secret_value *known,
                         size_t count, secret_clean_names *names, text_buffer *out) {
  part_writer self = {.clean = {.known = known, .count = count}, .parts = parts};
  json_style style = {.sort = true, .context = &self};
  if (parts) style.special = write_part;
  json_encode_value(L, index, style, out);
  if (count == 0 && self.clean.part_count == 0)
    return secret_clean_is_event((json_span){.at = out->data, .size = out->size}, names);
  return is_clean(&self.clean, out->data, out->size);
}
