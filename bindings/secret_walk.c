/* See secret_walk.h. */
#include "secret_walk.h"

#include <string.h>

#include "binding.h"
#include "core/secret/name.h"
#include "json_lua.h"

/* Shorter than any object with a named secret; what is longer than the other is not looked into. */
enum { LEAST_CANDIDATE = SECRET_WALK_LEAST, MOST_CANDIDATE = 256 * 1024 };

/* Values in values. Deeper than JSON, for what is put around an event. */
enum { MOST_NESTED = JSON_MAX_DEPTH + 32 };

static void enter(lua_State *L, int depth) {
  if (depth > MOST_NESTED) luaL_error(L, "the value is nested deeper than %d", MOST_NESTED);
  luaL_checkstack(L, 6, NULL);
}

static bool is_one_of(char c, const char *characters) {
  return c && strchr(characters, c);
}

bool secret_walk_begins_as_base64(const char *text) {
  char first = text[0], second = text[1];
  return (first == 'e' || first == 'W' || first == 'I') &&
         ((second >= 'w' && second <= 'z') || is_one_of(second, "+/_-0123456789"));
}

/* Of texts in quotes, as ETags are, only those that hold more. */
static bool may_hold_json(const char *text, size_t size) {
  return is_one_of(text[1], "eWI%") || memchr(text, '{', size) || memchr(text, '\\', size);
}

bool secret_walk_is_candidate(const char *text, size_t size) {
  if (size < LEAST_CANDIDATE || size > MOST_CANDIDATE) return false;
  if (is_one_of(text[0], "{[% \t\r\n") || secret_walk_begins_as_base64(text)) return true;
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
    found = secret_walk_is_candidate(text, size);
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

/* A URL's parameters have names, which are not looked at here. */
bool secret_walk_is_plain(const char *text, size_t size, const secret_value *known, size_t count) {
  return secret_is_harmless(text, size, known, count) && !memchr(text, '?', size);
}

static bool is_plain_text(copier *self, const char *text, size_t size) {
  return secret_walk_is_plain(text, size, self->known, self->count);
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
