/* JSON text to Lua values. See json_lua.h.
 *
 * Iterative. The values of a container wait on the Lua stack until it closes, so that its table
 * is made at the right size; a container with more than WAIT_LIMIT values gets its table early
 * and is emptied into it from time to time. */
#include <lauxlib.h>

#include "binding.h"
#include "json_lua.h"

enum { WAIT_LIMIT = 64 };

typedef struct {
  json_type type;
  int base;         /* the stack's height below the container */
  bool has_table;   /* the table stands at base + 1 already */
  lua_Integer size; /* elements in the table */
} container;

typedef struct {
  lua_State *L;
  json_scan *scan;
  int metatable; /* stack index of the arrays' metatable */
  int open;
  container containers[JSON_MAX_DEPTH];
} decoder;

void json_push_array_metatable(lua_State *L) {
  luaL_newmetatable(L, JSON_ARRAY_METATABLE);
}

/* Moves what waits on the stack into the table. */
static void settle(decoder *self, container *into, bool last) {
  lua_State *L = self->L;
  int first = into->base + 1 + into->has_table, count = lua_gettop(L) - first + 1;
  bool object = into->type == JSON_OBJECT;
  if (!into->has_table) {
    int size = last ? count : 2 * count;
    lua_createtable(L, object ? 0 : size, object ? size / 2 : 0);
    if (!object) {
      lua_pushvalue(L, self->metatable);
      lua_setmetatable(L, -2);
    }
    lua_insert(L, first++);
    into->has_table = true;
  }
  int table = into->base + 1;
  if (object) {
    /* In order of the text: of two members with one name the last stays. */
    for (int at = first; at < first + count; at += 2) {
      lua_pushvalue(L, at);
      lua_pushvalue(L, at + 1);
      lua_rawset(L, table);
    }
  } else {
    for (int at = first + count - 1; at >= first; at--)
      lua_rawseti(L, table, into->size + 1 + at - first);
    into->size += count;
  }
  lua_settop(L, table);
}

static bool open_container(decoder *self, json_type type) {
  if (!json_scan_enter(self->scan, type)) return false;
  luaL_checkstack(self->L, WAIT_LIMIT + 8, "JSON nested too deep");
  self->containers[self->open++] = (container){.type = type, .base = lua_gettop(self->L)};
  return true;
}

static void push_string(lua_State *L, json_span string) {
  if (!string.escaped) {
    lua_pushlstring(L, string.at, string.size);
    return;
  }
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, string.size);
  luaL_pushresultsize(&buffer, json_unescape(string, out));
}

static bool push_number(decoder *self, json_span number) {
  int64_t integer;
  double real;
  switch (json_number_parse(number, &integer, &real)) {
  case JSON_NUMBER_INTEGER: lua_pushinteger(self->L, integer); return true;
  case JSON_NUMBER_DOUBLE: lua_pushnumber(self->L, real); return true;
  default:
    self->scan->at = number.at;
    self->scan->error = "a number is beyond the range of a double";
    return false;
  }
}

static bool push_scalar(decoder *self) {
  json_span value;
  if (!json_scan_value(self->scan, &value)) return false;
  switch (value.type) {
  case JSON_STRING: push_string(self->L, value); return true;
  case JSON_NUMBER: return push_number(self, value);
  case JSON_NULL: lua_pushlightuserdata(self->L, NULL); return true;
  default: lua_pushboolean(self->L, value.type == JSON_TRUE); return true;
  }
}

/* Goes on to where the next value is read: past a comma and a name, closing what ends here.
 * False at the end of the outermost container and on error. */
static bool next_value(decoder *self) {
  while (self->open > 0) {
    container *inner = &self->containers[self->open - 1];
    json_span key;
    bool object = inner->type == JSON_OBJECT;
    if (lua_gettop(self->L) - inner->base >= WAIT_LIMIT) settle(self, inner, false);
    if (object ? json_scan_member(self->scan, &key) : json_scan_element(self->scan)) {
      if (object) push_string(self->L, key);
      return true;
    }
    if (self->scan->error) return false;
    settle(self, inner, true);
    self->open--;
  }
  return false;
}

static void push_value(decoder *self) {
  json_type type;
  do {
    if (!json_scan_peek(self->scan, &type)) return;
    if (type == JSON_OBJECT || type == JSON_ARRAY) {
      if (!open_container(self, type)) return;
    } else if (!push_scalar(self)) {
      return;
    }
  } while (next_value(self));
}

bool json_push_value(lua_State *L, json_scan *scan) {
  decoder self;
  luaL_checkstack(L, WAIT_LIMIT + 8, "JSON nested too deep");
  json_push_array_metatable(L);
  int metatable = lua_gettop(L);
  self.L = L;
  self.scan = scan;
  self.metatable = metatable;
  self.open = 0; /* the containers are filled as they open */
  push_value(&self);
  if (scan->error) {
    lua_settop(L, metatable - 1);
    return false;
  }
  lua_remove(L, metatable);
  return true;
}
