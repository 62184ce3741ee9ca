/* JSON text to Lua values. See json_lua.h.
 *
 * Iterative. A table is made with room for as many values as the one before had, whose text is
 * mostly alike, within LEAST_ROOM and MOST_ROOM; it grows by itself.
 *
 * The Value of a tag is kept as a secret until its Key is known, in whichever order they come. When
 * the Key names no secret, the Value becomes a string as its object closes.
 * Memory: the Lua state's. */
#include <lauxlib.h>
#include <string.h>

#include "binding.h"
#include "core/secret/name.h"
#include "json_lua.h"

enum { LEAST_ROOM = 4, MOST_ROOM = 16 };

typedef enum { MEMBER_PLAIN, MEMBER_SECRET, MEMBER_KEY, MEMBER_VALUE } member_kind;
typedef enum { TAG_UNKNOWN, TAG_HARMLESS, TAG_SECRET } tag_kind;

typedef struct {
  json_type type;
  int table;          /* stack index */
  bool secret;        /* every string inside is */
  bool undecided;     /* a Value waits for its Key */
  member_kind member; /* whose value comes next */
  tag_kind tag;       /* by the Key */
  int count;          /* of the values in the table */
} container;

typedef struct {
  lua_State *L;
  json_scan *scan;
  json_secrets secrets;
  int metatable;         /* stack index of the arrays' metatable */
  int members, elements; /* of the last object and the last array that closed */
  int open;
  container containers[JSON_MAX_DEPTH];
} decoder;

/* Found by an address, which takes no search for a name. */
void json_decode_push_array_metatable(lua_State *L) {
  static const char address;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &address) == LUA_TTABLE) return;
  lua_pop(L, 1);
  luaL_newmetatable(L, JSON_ARRAY_METATABLE);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &address);
}

static int room(int count) {
  return count < LEAST_ROOM ? LEAST_ROOM : count > MOST_ROOM ? MOST_ROOM : count;
}

/* Puts the value on top of the stack into the innermost container, an object's behind its name. */
static void store(decoder *self) {
  if (self->open == 0) return;
  container *inner = &self->containers[self->open - 1];
  inner->count++;
  if (inner->type == JSON_OBJECT)
    lua_rawset(self->L, inner->table); /* of two members with one name the last stays */
  else
    lua_rawseti(self->L, inner->table, inner->count);
}

/* Whether a string that comes next, or all strings of a container, are secrets. */
static bool is_hidden(const decoder *self) {
  if (self->secrets == JSON_SECRETS_NONE || self->open == 0) return false;
  const container *inner = &self->containers[self->open - 1];
  return inner->secret || inner->member == MEMBER_SECRET ||
         (inner->member == MEMBER_VALUE && inner->tag == TAG_SECRET);
}

static bool open_container(decoder *self, json_type type) {
  if (!json_scan_enter(self->scan, type)) return false;
  lua_State *L = self->L;
  luaL_checkstack(L, 8, "JSON nested too deep");
  bool secret = is_hidden(self);
  if (type == JSON_OBJECT) {
    lua_createtable(L, 0, room(self->members));
  } else {
    lua_createtable(L, room(self->elements), 0);
    lua_pushvalue(L, self->metatable);
    lua_setmetatable(L, -2);
  }

  self->containers[self->open++] =
      (container){.type = type, .table = lua_gettop(L), .secret = secret};
  return true;
}

/* The table on top is whole. Its Value becomes a string: the Key names no secret, or is absent. */
static void decide_value(lua_State *L) {
  static const char *const names[] = {"Value", "value"};
  for (int i = 0; i < 2; i++) {
    size_t size;
    lua_pushstring(L, names[i]);
    lua_rawget(L, -2); // table value
    const char *bytes = binding_secret(L, -1, &size);
    if (bytes) {
      lua_pushstring(L, names[i]);
      lua_pushlstring(L, bytes, size); // table value name string
      lua_rawset(L, -4);
    }

    lua_pop(L, 1);
  }
}

/* The table on top of the stack is whole. */
static void close_container(decoder *self) {
  const container *inner = &self->containers[--self->open];
  if (inner->type == JSON_OBJECT)
    self->members = inner->count;
  else
    self->elements = inner->count;
  if (inner->undecided && inner->tag != TAG_SECRET && !inner->secret) decide_value(self->L);
  store(self);
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

/* The name or the value of a tag, unescaped, against the list of secret names. */
static bool names_secret(lua_State *L, json_span string) {
  if (!string.escaped) return secret_name(string.at, string.size);
  char *name = lua_newuserdatauv(L, string.size + 1, 0);
  bool secret = secret_name(name, json_unescape(string, name));
  lua_pop(L, 1);

  return secret;
}

static void push_secret(lua_State *L, json_span string) {
  if (!string.escaped) {
    binding_secret_push(L, string.at, string.size);
    return;
  }

  char *bytes = lua_newuserdatauv(L, string.size + 1, 0);
  binding_secret_push(L, bytes, json_unescape(string, bytes));
  explicit_bzero(bytes, string.size);
  lua_remove(L, -2);
}

/* Two spellings of one length; most keys are longer or shorter. */
static bool is_one_of(json_span key, const char *first, const char *second) {
  size_t size = strlen(first);
  if (key.size != size && !key.escaped) return false;
  return json_string_equals(key, first, size) || json_string_equals(key, second, size);
}

static member_kind classify(const decoder *self, json_span key) {
  if (is_one_of(key, "Key", "key")) return MEMBER_KEY;
  if (is_one_of(key, "Value", "value")) return MEMBER_VALUE;
  bool secret = self->secrets == JSON_SECRETS_NAMES && names_secret(self->L, key);
  return secret ? MEMBER_SECRET : MEMBER_PLAIN;
}

/* A string where secrets may be. */
static void push_guarded(decoder *self, json_span string) {
  container *inner = self->open > 0 ? &self->containers[self->open - 1] : NULL;
  bool waits = inner && inner->member == MEMBER_VALUE && inner->tag == TAG_UNKNOWN;
  if (inner && inner->member == MEMBER_KEY && inner->tag != TAG_SECRET)
    inner->tag = names_secret(self->L, string) ? TAG_SECRET : TAG_HARMLESS;
  if (waits) inner->undecided = true;
  if (waits || is_hidden(self))
    push_secret(self->L, string);
  else
    push_string(self->L, string);
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
  case JSON_STRING:
    if (self->secrets == JSON_SECRETS_NONE)
      push_string(self->L, value);
    else
      push_guarded(self, value);
    return true;
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
    if (object ? json_scan_member(self->scan, &key) : json_scan_element(self->scan)) {
      if (object) push_string(self->L, key);
      if (object && self->secrets) inner->member = classify(self, key);
      return true;
    }

    if (self->scan->error) return false;
    close_container(self);
  }

  return false;
}

static void push_value(decoder *self) {
  json_type type;
  do {
    if (!json_scan_peek(self->scan, &type)) return;
    if (type == JSON_OBJECT || type == JSON_ARRAY) {
      if (!open_container(self, type)) return;
    } else {
      if (!push_scalar(self)) return;
      store(self);
    }
  } while (next_value(self));
}

bool json_decode_push(lua_State *L, json_scan *scan) {
  return json_decode_push_hiding(L, scan, JSON_SECRETS_NONE);
}

bool json_decode_push_hiding(lua_State *L, json_scan *scan, json_secrets secrets) {
  decoder self;
  luaL_checkstack(L, 8, "JSON nested too deep");
  json_decode_push_array_metatable(L);
  int metatable = lua_gettop(L);
  self.L = L;
  self.scan = scan;
  self.secrets = secrets;
  self.metatable = metatable;
  self.open = 0; /* the containers are filled as they open */
  self.members = MOST_ROOM;
  self.elements = LEAST_ROOM;
  push_value(&self);
  if (scan->error) {
    lua_settop(L, metatable - 1);
    return false;
  }

  lua_remove(L, metatable);

  return true;
}
