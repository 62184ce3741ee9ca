/* Lua values to JSON text. See json_lua.h.
 *
 * Iterative. Each open table keeps its place on the Lua stack, and above it its members, key and
 * value, while they are few: their names are in the pool. Of many the names are in a block, and
 * each value is looked up. Memory: the Lua state's; the text goes into the caller's buffer. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "core/json/write.h"
#include "json_lua.h"

typedef struct {
  const char *at; /* a string that the table keeps alive */
  size_t size;
  int value; /* stack index; 0 where it is looked up */
} name;

/* POOL: enough for what is not deep or wide. FEW: sorted faster by insertion than by qsort. */
enum { POOL = 64, FEW = 12 };

typedef struct {
  int table;   /* stack index; the members, or the block of names, are above */
  name *names; /* NULL for an array */
  size_t next, count;
} container;

typedef struct {
  lua_State *L;
  text_buffer *out;
  json_style style;
  int open;
  size_t pooled; /* names in the pool, of all open tables */
  name pool[POOL];
  container containers[JSON_MAX_DEPTH];
} encoder;

/* Raises with the place of the value: "json.encode: cannot encode a function at .rules[2].run". */
static void refuse(encoder *self, const char *what) {
  lua_State *L = self->L;
  luaL_Buffer place;
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  luaL_buffinit(L, &place);
  for (int i = 0; i < self->open && i < 20; i++) {
    const container *outer = &self->containers[i];
    if (outer->names) {
      luaL_addchar(&place, '.');
      luaL_addlstring(&place, outer->names[outer->next - 1].at, outer->names[outer->next - 1].size);
    } else {
      lua_pushfstring(L, "[%d]", (int)outer->next);
      luaL_addvalue(&place);
    }
  }

  luaL_pushresult(&place);
  bool nowhere = lua_rawlen(L, -1) == 0;
  luaL_error(L, "json.encode: %s%s%s%s", what, nowhere ? "" : " at ", lua_tostring(L, -1),
             self->open > 20 ? "…" : "");
}

static void new_line(encoder *self, int level) {
  if (self->style.indent == 0) return;
  text_buffer_byte(self->out, '\n');
  for (int i = level * self->style.indent; i > 0; i--) text_buffer_byte(self->out, ' ');
}

static void write_text(encoder *self, const char *bytes, size_t size) {
  bool valid = self->style.ascii ? json_write_string(self->out, bytes, size)
                                 : json_write_string_utf8(self->out, bytes, size);
  if (!valid) refuse(self, "a string is not valid UTF-8");
}

static int compare_names(const void *left, const void *right) {
  const name *a = left, *b = right;
  size_t shorter = a->size < b->size ? a->size : b->size;
  int order = memcmp(a->at, b->at, shorter);
  return order ? order : (a->size > b->size) - (a->size < b->size);
}

static void check_key(encoder *self) {
  if (lua_type(self->L, -2) != LUA_TSTRING)
    refuse(self, "a table has keys other than strings, and is not a list,");
}

/* An array has exactly the keys 1 to its length, which is the answer. */
static size_t count_elements(encoder *self, int table) {
  lua_State *L = self->L;
  size_t count = 0;
  lua_Unsigned length = lua_rawlen(L, table);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), count++)
    if (!lua_isinteger(L, -2) || (lua_Unsigned)lua_tointeger(L, -2) - 1 >= length)
      refuse(self, "a list has keys other than 1, 2, 3 …");
  if (count != length) refuse(self, "a list has holes (json.null fills them)");

  return count;
}

static void sort_names(name *names, size_t count) {
  if (count > FEW) {
    qsort(names, count, sizeof *names, compare_names);
    return;
  }

  for (size_t i = 1; i < count; i++) {
    name moving = names[i];
    size_t at = i;
    for (; at > 0 && compare_names(&names[at - 1], &moving) > 0; at--) names[at] = names[at - 1];
    names[at] = moving;
  }
}

/* Pushes the members and puts their names into the pool. False, with nothing pushed, where that is
 * too small. */
static bool push_members(encoder *self, container *inner) {
  lua_State *L = self->L;
  size_t room = POOL - self->pooled;
  name *names = self->pool + self->pooled;
  for (lua_pushnil(L); lua_next(L, inner->table); lua_pushvalue(L, -2)) {
    if (inner->count == room) {
      lua_settop(L, inner->table);
      return false;
    }

    check_key(self);
    name *next = &names[inner->count++];
    next->at = lua_tolstring(L, -2, &next->size);
    next->value = lua_gettop(L);
  }

  self->pooled += inner->count;
  inner->names = names;

  return true;
}

/* Pushes a block with the names of all members. */
static void push_names(encoder *self, container *inner) {
  lua_State *L = self->L;
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, inner->table); lua_pop(L, 1), count++) check_key(self);

  inner->names = lua_newuserdatauv(L, count * sizeof *inner->names, 0);
  inner->count = count;
  name *next = inner->names;
  for (lua_pushnil(L); lua_next(L, inner->table); lua_pop(L, 1), next++) {
    next->at = lua_tolstring(L, -2, &next->size);
    next->value = 0;
  }
}

static void collect_members(encoder *self, container *inner) {
  if (!push_members(self, inner)) push_names(self, inner);
  if (self->style.sort) sort_names(inner->names, inner->count);
}

static bool is_pooled(const encoder *self, const name *names) {
  return names >= self->pool && names < self->pool + POOL;
}

/* Whether the table on top of the stack is marked as an array. */
static bool is_marked(lua_State *L) {
  if (!lua_getmetatable(L, -1)) return false;
  json_decode_push_array_metatable(L);
  bool marked = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);

  return marked;
}

/* Opens the table on top of the stack. */
static void open_table(encoder *self, bool marked) {
  lua_State *L = self->L;
  int table = lua_gettop(L);
  if (self->open == JSON_MAX_DEPTH) refuse(self, "nested deeper than 1000, or a cycle,");
  luaL_checkstack(L, 2 * POOL + 8, "JSON nested too deep");
  bool array = marked || lua_rawlen(L, table) > 0;
  container *inner = &self->containers[self->open];
  *inner = (container){.table = table};
  if (array)
    inner->count = count_elements(self, table);
  else
    collect_members(self, inner);
  if (inner->count == 0) {
    text_buffer_text(self->out, array ? "[]" : "{}");
    lua_pop(L, 1);
    return;
  }

  self->open++;
  text_buffer_byte(self->out, array ? '[' : '{');
}

/* A value that the caller writes itself, or that says what it encodes as: the string __json of
 * its metatable. A table that is marked as an array has none. */
static bool write_stand_in(encoder *self, bool marked) {
  if (self->style.special && self->style.special(self->L, self->out, self->style.context))
    return true;
  if (marked || luaL_getmetafield(self->L, -1, "__json") == LUA_TNIL) return false;
  size_t size;
  const char *text = lua_tolstring(self->L, -1, &size);
  if (!text) refuse(self, "the metafield __json must be a string");
  write_text(self, text, size);
  lua_pop(self->L, 1);

  return true;
}

static void write_number(encoder *self) {
  if (lua_isinteger(self->L, -1))
    json_write_integer(self->out, lua_tointeger(self->L, -1));
  else if (!json_write_double(self->out, lua_tonumber(self->L, -1)))
    refuse(self, "cannot encode NaN or infinity");
}

/* Writes the value on top of the stack and pops it, or opens it. */
static void write_value(encoder *self) {
  lua_State *L = self->L;
  size_t size;
  int type = lua_type(L, -1);
  bool marked = type == LUA_TTABLE && is_marked(L);
  switch (type) {
  case LUA_TSTRING: {
    const char *bytes = lua_tolstring(L, -1, &size);
    write_text(self, bytes, size);
    break;
  }
  case LUA_TNUMBER: write_number(self); break;
  case LUA_TBOOLEAN: text_buffer_text(self->out, lua_toboolean(L, -1) ? "true" : "false"); break;
  case LUA_TTABLE:
    if (write_stand_in(self, marked)) break;
    open_table(self, marked);
    return;
  case LUA_TLIGHTUSERDATA:
    if (lua_touserdata(L, -1)) refuse(self, "cannot encode a light userdata");
    text_buffer_text(self->out, "null");
    break;
  default:
    if (type == LUA_TUSERDATA && write_stand_in(self, false)) break;
    refuse(self, lua_pushfstring(L, "cannot encode a %s", lua_typename(L, type)));
  }

  lua_pop(L, 1);
}

static void push_member(lua_State *L, const container *inner, const name *key) {
  if (key->value) {
    lua_pushvalue(L, key->value);
  } else {
    lua_pushlstring(L, key->at, key->size);
    lua_rawget(L, inner->table);
  }
}

/* Pushes the next value of the innermost table, closing what has none. False at the very end. */
static bool push_next(encoder *self) {
  lua_State *L = self->L;
  while (self->open > 0) {
    container *inner = &self->containers[self->open - 1];
    if (inner->next == inner->count) {
      new_line(self, --self->open);
      text_buffer_byte(self->out, inner->names ? '}' : ']');
      if (is_pooled(self, inner->names)) self->pooled -= inner->count;
      lua_settop(L, inner->table - 1);
      continue;
    }

    if (inner->next++ > 0) text_buffer_byte(self->out, ',');
    new_line(self, self->open);
    if (!inner->names) {
      lua_rawgeti(L, inner->table, (lua_Integer)inner->next);
      return true;
    }

    const name *key = &inner->names[inner->next - 1];
    write_text(self, key->at, key->size);
    text_buffer_text(self->out, self->style.indent ? ": " : ":");
    push_member(L, inner, key);

    return true;
  }

  return false;
}

void json_encode_value(lua_State *L, int index, json_style style, text_buffer *out) {
  encoder self; /* the containers and the pool are filled as tables open */
  self.L = L;
  self.out = out;
  self.style = style;
  self.open = 0;
  self.pooled = 0;
  luaL_checkstack(L, 8, "no room");
  lua_pushvalue(L, index);
  do write_value(&self);
  while (push_next(&self));
  if (out->failed) luaL_error(L, "json.encode: not enough memory");
}
