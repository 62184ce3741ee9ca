/* See secret_walk.h. */
#include "secret_walk.h"

#include <string.h>

#include "binding.h"
#include "core/json/block.h"
#include "core/secret/name.h"
#include "json_lua.h"

/* Shorter than any object with a named secret; what is longer than the other is not looked into. */
enum { LEAST_CANDIDATE = sizeof "{\"token\":\"x\"}" - 1, MOST_CANDIDATE = 256 * 1024 };

/* Values in values. Deeper than JSON, for what is put around an event. */
enum { MOST_NESTED = JSON_MAX_DEPTH + 32 };

static void enter(lua_State *L, int depth) {
  if (depth > MOST_NESTED) luaL_error(L, "the value is nested deeper than %d", MOST_NESTED);
  luaL_checkstack(L, 6, NULL);
}

static bool is_one_of(char c, const char *characters) {
  return c && strchr(characters, c);
}

static bool begins_as_base64_of_json(const char *text) {
  char first = text[0], second = text[1];
  return (first == 'e' || first == 'W' || first == 'I') &&
         ((second >= 'w' && second <= 'z') || is_one_of(second, "+/_-0123456789"));
}

/* Of texts in quotes, as ETags are, only those that hold more. */
static bool may_hold_json(const char *text, size_t size) {
  return is_one_of(text[1], "eWI%") || memchr(text, '{', size) || memchr(text, '\\', size);
}

static bool is_candidate(const char *text, size_t size) {
  if (size < LEAST_CANDIDATE || size > MOST_CANDIDATE) return false;
  if (is_one_of(text[0], "{[% \t\r\n") || begins_as_base64_of_json(text)) return true;
  if (text[0] == '"' && may_hold_json(text, size)) return true;
  if (memchr(text, '=', size)) return true;
  const char *brace = memchr(text, '{', size); /* most have none: a search for both takes longer */

  return brace && memmem(brace, size - (size_t)(brace - text), "{\"", 2);
}

static void collect(lua_State *L, int list, int depth) {
  size_t size;
  int type = lua_type(L, -1);
  bool found = type == LUA_TUSERDATA && binding_secret(L, -1, NULL);
  if (type == LUA_TSTRING) {
    const char *text = lua_tolstring(L, -1, &size);
    found = is_candidate(text, size);
  } else if (type == LUA_TTABLE) {
    enter(L, depth);
    for (lua_pushnil(L); lua_next(L, -2);) collect(L, list, depth + 1);
  }

  if (found)
    lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
  else
    lua_pop(L, 1);
}

void secret_walk_candidates(lua_State *L, int list) {
  collect(L, lua_absindex(L, list), 0);
}

typedef struct {
  const secret_value *known;
  size_t count;
  int array;   /* index of the arrays' metatable */
  int members; /* of the table copied last: lists hold tables that are alike */
} copier;

static bool is_plain_text(copier *self, const char *text, size_t size) {
  /* A URL's parameters have names, which are not looked at here. */
  return secret_is_harmless(text, size, self->known, self->count) && !memchr(text, '?', size);
}

static bool is_plain_name(lua_State *L, copier *self, int index) {
  size_t size;
  if (lua_type(L, index) != LUA_TSTRING) return true;
  const char *name = lua_tolstring(L, index, &size);
  return is_plain_text(self, name, size) && !secret_name(name, size);
}

static bool copy_value(lua_State *L, copier *self, int depth);

/* Whether the table on the top of the stack is shown as it is: it has a metatable of its own. */
static bool is_special(lua_State *L, copier *self, bool *is_array) {
  *is_array = false;
  if (!lua_getmetatable(L, -1)) return false;
  *is_array = lua_rawequal(L, -1, self->array);
  lua_pop(L, 1);

  return !*is_array;
}

/* The table on the top of the stack is replaced by its copy. */
static bool copy_table(lua_State *L, copier *self, int depth) {
  bool is_array;
  enter(L, depth);
  if (is_special(L, self, &is_array)) return true;

  int table = lua_gettop(L), copy = table + 1;
  int items = (int)lua_rawlen(L, table), count = 0;
  lua_createtable(L, items, items > 0 ? 0 : self->members);
  for (lua_pushnil(L); lua_next(L, table);) { // table copy key value
    if (!is_plain_name(L, self, -2) || !copy_value(L, self, depth + 1)) return false;
    lua_pushvalue(L, -2);
    lua_insert(L, -2); // table copy key key value
    lua_rawset(L, copy);
    count++;
  }

  if (items == 0) self->members = count;
  if (is_array) {
    lua_pushvalue(L, self->array);
    lua_setmetatable(L, copy);
  }

  lua_replace(L, table);

  return true;
}

static bool copy_value(lua_State *L, copier *self, int depth) {
  size_t size;
  const char *text;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: text = lua_tolstring(L, -1, &size); return is_plain_text(self, text, size);
  case LUA_TTABLE: return copy_table(L, self, depth);
  case LUA_TUSERDATA: return !binding_secret(L, -1, NULL);
  default: return true;
  }
}

bool secret_walk_copy(lua_State *L, const secret_value *known, size_t count) {
  int value = lua_gettop(L);
  luaL_checkstack(L, 6, NULL);
  json_decode_push_array_metatable(L);
  copier self = {known, count, value + 1, 0};
  lua_pushvalue(L, value);
  bool copied = copy_value(L, &self, 0);
  if (!copied) lua_pushnil(L);
  lua_replace(L, value);
  lua_settop(L, value);

  return copied;
}

/* ── Facts as JSON ── */

/* A text with escapes, or a mark that something was hidden, needs a closer look. */
static bool is_clean_text(copier *self, json_span text) {
  static const char mark[] = "[redacted]";
  if (text.escaped || !is_plain_text(self, text.at, text.size)) return false;
  return text.size != sizeof mark - 1 || memcmp(text.at, mark, text.size) != 0;
}

static bool is_clean_name(copier *self, json_span name) {
  return is_clean_text(self, name) && !secret_name(name.at, name.size);
}

static bool is_clean_value(copier *self, json_scan *scan) {
  json_type type;
  json_span text;
  if (!json_scan_peek(scan, &type)) return false;
  if (type < JSON_OBJECT) {
    if (!json_scan_value(scan, &text)) return false;
    if (type != JSON_STRING) return true;
    return is_clean_text(self, text) && !is_candidate(text.at, text.size);
  }

  if (!json_scan_enter(scan, type)) return false;
  while (type == JSON_OBJECT ? json_scan_member(scan, &text) : json_scan_element(scan)) {
    if (type == JSON_OBJECT && !is_clean_name(self, text)) return false;
    if (!is_clean_value(self, scan)) return false;
  }

  return !scan->error;
}

bool secret_walk_is_clean(json_span text, const secret_value *known, size_t count) {
  copier self = {known, count, 0, 0};
  json_scan scan;
  json_scan_begin(&scan, text.at, text.size);
  return is_clean_value(&self, &scan) && json_scan_finish(&scan);
}

/* ── Events, by their bytes ──
 * Without escapes every quote begins or ends a string, and no string holds an object. */

static bool has_one_of(json_span text, const char *bytes) {
  for (; *bytes; bytes++)
    if (memchr(text.at, *bytes, text.size)) return true;
  return false;
}

static bool is_harmless_name(secret_walk_names *names, const char *text, size_t size) {
  if (size == 0) return true;
  unsigned slot = (unsigned)size;
  for (size_t i = 0; i < 3; i++) slot = slot * 31 + (unsigned char)text[i * (size - 1) / 2];
  secret_walk_name *known = &names->known[slot % SECRET_WALK_NAMES];
  if (known->size == size && memcmp(known->text, text, size) == 0) return true;
  if (secret_name(text, size)) return false;
  if (size <= sizeof known->text) {
    known->size = (unsigned char)size;
    memcpy(known->text, text, size);
  }

  return true;
}

/* What the bytes of the whole event do not tell of one of its strings. */
static bool is_clean_string(const char *text, size_t size, bool is_name, secret_walk_names *names) {
  enum { SHORT = 256 }; /* no run of base64 is too long in it */
  if (size >= SHORT && !secret_is_harmless(text, size, NULL, 0)) return false;
  if (*text == '[') return false; /* as "[redacted]" does, and arrays */
  if (is_name) return is_harmless_name(names, text, size);
  return size < LEAST_CANDIDATE ||
         (*text != '{' && *text != ' ' && !begins_as_base64_of_json(text));
}

/* The quote that ends a string without escapes, or `end`. */
static const char *quote_after(const char *at, const char *end) {
  while ((at = json_plain_end(at, end)) < end && *at != '"') at++;
  return at;
}

static bool is_white(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool are_clean_strings(const char *at, const char *end, secret_walk_names *names) {
  for (;;) {
    while (at < end && *at != '"') at++;
    if (at == end) return true;
    const char *string = at + 1;
    at = quote_after(string, end);
    size_t size = (size_t)(at - string);
    for (at += at < end; at < end && is_white(*at);) at++;
    if (!is_clean_string(string, size, at < end && *at == ':', names)) return false;
  }
}

bool secret_walk_is_clean_event(json_span event, secret_walk_names *names) {
  bool plain = !has_one_of(event, "\\?%&=") && !secret_has_start(event.at, event.size);
  return (plain && are_clean_strings(event.at, event.at + event.size, names)) ||
         secret_walk_is_clean(event, NULL, 0);
}
