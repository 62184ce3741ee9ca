/* Lua tables to DynamoDB's JSON, one walk, which also counts the item's size. See
 * dynamodb_encode.h. Memory: the caller's buffer. */
#include <stdio.h>

#include "core/json/write.h"
#include "core/text/base64.h"
#include "dynamodb_encode.h"
#include "json_lua.h"

/* Where the walk is: a chain of frames on the C stack, read only to report an error. */
typedef struct place {
  const struct place *outer;
  const char *name; /* NULL for an element of a list */
  lua_Integer index;
} place;

typedef struct {
  lua_State *L;
  text_buffer *out;
  size_t bytes; /* by DynamoDB's rules */
  int depth;
  bool secret; /* a part was a secret */
  dynamodb_value_error error;
  char where[DYNAMODB_PLACE_SHOWN];
} encoder;

/* Writes ".owner.tags[3]", the innermost part at the end; what does not fit is cut off. */
static size_t write_place(char *out, const place *at) {
  if (!at) return 0;
  size_t used = write_place(out, at->outer);
  if (used >= DYNAMODB_PLACE_SHOWN - 1) return used;
  size_t left = DYNAMODB_PLACE_SHOWN - used;
  int written = at->name ? snprintf(out + used, left, ".%s", at->name)
                         : snprintf(out + used, left, "[%lld]", (long long)at->index);
  return used + (written > 0 ? (size_t)written : 0);
}

static bool fail_with(encoder *e, const place *at, dynamodb_value_error error) {
  if (e->error.code) return false;
  e->error = error;
  e->where[0] = 0;
  write_place(e->where, at);

  return false;
}

static bool fail(encoder *e, const place *at, const char *code, const char *message) {
  return fail_with(e, at, (dynamodb_value_error){code, message});
}

static bool write_value(encoder *e, const place *at);

static bool write_string(encoder *e, const place *at, const char *bytes, size_t size) {
  e->bytes += size;
  return json_write_string_utf8(e->out, bytes, size) ||
         fail(e, at, "InvalidString", "a string must be UTF-8: wrap bytes in dynamodb.binary");
}

/* The digits of the number on top of the stack, without a tag. */
static bool write_number(encoder *e, const place *at) {
  dynamodb_number number;
  dynamodb_value_error error = dynamodb_value_number(e->L, -1, &number);
  if (error.code) return fail_with(e, at, error);
  e->bytes += dynamodb_number_size(&number);
  size_t size;
  const char *kept = dynamodb_value_bytes(e->L, -1, DYNAMODB_NUMBER, &size);
  int whole = 0;
  lua_Integer integer = kept ? 0 : lua_tointegerx(e->L, -1, &whole);
  text_buffer_byte(e->out, '"');
  if (kept)
    text_buffer_append(e->out, kept, size);
  else if (whole) /* 3, not 3.0 */
    json_write_integer(e->out, integer);
  else
    json_write_double(e->out, lua_tonumber(e->L, -1));
  text_buffer_byte(e->out, '"');

  return true;
}

static void write_binary(encoder *e, const char *bytes, size_t size) {
  e->bytes += size;
  text_buffer_byte(e->out, '"');
  base64_encode(e->out, bytes, size);
  text_buffer_byte(e->out, '"');
}

static bool write_set(encoder *e, const place *at) {
  lua_State *L = e->L;
  dynamodb_value_error error;
  int index = lua_gettop(L);
  dynamodb_type type = dynamodb_value_set_type(L, index, &error);
  if (error.code) return fail_with(e, at, error);
  text_buffer_text(e->out, type == DYNAMODB_SS   ? "{\"SS\":["
                           : type == DYNAMODB_NS ? "{\"NS\":["
                                                 : "{\"BS\":[");
  bool fine = true;
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  for (lua_Integer i = 1; i <= count && fine; i++) {
    place element = {at, NULL, i};
    size_t size;
    if (i > 1) text_buffer_byte(e->out, ',');
    lua_rawgeti(L, index, i);
    const char *bytes = type == DYNAMODB_NS   ? NULL
                        : type == DYNAMODB_SS ? lua_tolstring(L, -1, &size)
                                              : dynamodb_value_bytes(L, -1, DYNAMODB_BINARY, &size);
    if (type == DYNAMODB_NS)
      fine = write_number(e, &element);
    else if (type == DYNAMODB_SS)
      fine = write_string(e, &element, bytes, size);
    else
      write_binary(e, bytes, size);
    lua_pop(L, 1);
  }

  text_buffer_text(e->out, "]}");

  return fine;
}

static bool has_metatable(lua_State *L, const char *name) {
  if (!lua_getmetatable(L, -1)) return false;
  luaL_getmetatable(L, name);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);

  return same;
}

/* The members of the map on top of the stack, in braces. */
static bool write_map(encoder *e, const place *at) {
  lua_State *L = e->L;
  bool first = true;
  text_buffer_byte(e->out, '{');
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      lua_pop(L, 2);
      return fail(e, at, "InvalidMap", "a table has keys other than strings, and is not a list");
    }

    size_t size;
    const char *name = lua_tolstring(L, -2, &size);
    place member = {at, name, 0};
    if (!first) text_buffer_byte(e->out, ',');
    first = false;
    bool fine = size > 0 && size <= DYNAMODB_NAME_BYTES
                    ? write_string(e, &member, name, size)
                    : fail(e, &member, "InvalidName", "an attribute name has 1 to 65535 bytes");
    text_buffer_byte(e->out, ':');
    if (!fine || !write_value(e, &member)) {
      lua_pop(L, 2);
      return false;
    }
  }

  text_buffer_byte(e->out, '}');

  return true;
}

static bool is_whole_list(lua_State *L, lua_Unsigned count) {
  lua_Unsigned keys = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), keys++) {
    if (lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < count) continue;
    lua_pop(L, 2);
    return false;
  }

  return keys == count;
}

static bool write_list(encoder *e, const place *at) {
  lua_State *L = e->L;
  lua_Unsigned count = lua_rawlen(L, -1);
  if (!is_whole_list(L, count))
    return fail(e, at, "InvalidList", "a list has keys other than 1, 2, 3 … or has holes");
  text_buffer_byte(e->out, '[');
  for (lua_Unsigned i = 1; i <= count; i++) {
    place element = {at, NULL, (lua_Integer)i};
    if (i > 1) text_buffer_byte(e->out, ',');
    lua_rawgeti(L, -1, (lua_Integer)i);
    bool fine = write_value(e, &element);
    lua_pop(L, 1);
    if (!fine) return false;
    e->bytes += DYNAMODB_ELEMENT_BYTES;
  }

  text_buffer_byte(e->out, ']');

  return true;
}

static bool write_table(encoder *e, const place *at) {
  lua_State *L = e->L;
  if (has_metatable(L, DYNAMODB_SET)) return write_set(e, at);
  if (e->depth == DYNAMODB_DEPTH)
    return fail(e, at, "NestingTooDeep", "lists and maps nest at most 32 deep in an item");
  bool list = lua_rawlen(L, -1) > 0 || has_metatable(L, JSON_ARRAY_METATABLE);
  e->bytes += DYNAMODB_CONTAINER_BYTES;
  e->depth++;
  text_buffer_text(e->out, list ? "{\"L\":" : "{\"M\":");
  bool fine = list ? write_list(e, at) : write_map(e, at);
  text_buffer_byte(e->out, '}');
  e->depth--;

  return fine;
}

static bool write_userdata(encoder *e, const place *at) {
  size_t size;
  const char *bytes = dynamodb_value_bytes(e->L, -1, DYNAMODB_BINARY, &size);
  if (bytes) {
    text_buffer_text(e->out, "{\"B\":");
    write_binary(e, bytes, size);
    text_buffer_byte(e->out, '}');
    return true;
  }

  bytes = binding_secret(e->L, -1, &size);
  bool number = !bytes && dynamodb_value_bytes(e->L, -1, DYNAMODB_NUMBER, &size);
  if (!bytes && !number)
    return fail(e, at, "UnsupportedType", "DynamoDB has no attribute type for this userdata");
  text_buffer_text(e->out, number ? "{\"N\":" : "{\"S\":");
  e->secret = e->secret || !number;
  bool fine = number ? write_number(e, at) : write_string(e, at, bytes, size);
  text_buffer_byte(e->out, '}');

  return fine;
}

/* Writes the value on top of the stack with its type tag. */
static bool write_value(encoder *e, const place *at) {
  lua_State *L = e->L;
  bool fine = true;
  size_t size;
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: {
    const char *bytes = lua_tolstring(L, -1, &size);
    text_buffer_text(e->out, "{\"S\":");
    fine = write_string(e, at, bytes, size);
    text_buffer_byte(e->out, '}');
    break;
  }
  case LUA_TNUMBER:
    text_buffer_text(e->out, "{\"N\":");
    fine = write_number(e, at);
    text_buffer_byte(e->out, '}');
    break;
  case LUA_TBOOLEAN:
    e->bytes++;
    text_buffer_text(e->out, lua_toboolean(L, -1) ? "{\"BOOL\":true}" : "{\"BOOL\":false}");
    break;
  case LUA_TTABLE: fine = write_table(e, at); break;
  case LUA_TUSERDATA: fine = write_userdata(e, at); break;
  case LUA_TLIGHTUSERDATA:
    if (lua_touserdata(L, -1))
      return fail(e, at, "UnsupportedType", "DynamoDB has no attribute type for light userdata");
    e->bytes++;
    text_buffer_text(e->out, "{\"NULL\":true}");
    break;
  default:
    fine = fail(e, at, "UnsupportedType",
                "DynamoDB has no attribute type for functions and coroutines");
  }

  return fine;
}

dynamodb_encoded dynamodb_encode_item(lua_State *L, int index, text_buffer *out) {
  int top = lua_gettop(L);
  encoder e = {.L = L, .out = out};
  luaL_checkstack(L, 8 * DYNAMODB_DEPTH, "no room to encode an item");
  lua_pushvalue(L, index);
  binding_buffer_begin(out);
  bool fine = write_map(&e, NULL);
  if (fine) binding_expect_memory(L, !out->failed);
  lua_settop(L, top);
  dynamodb_encoded result = {.bytes = e.bytes, .secret = e.secret, .error = e.error};
  memcpy(result.where, e.where, sizeof result.where);

  return result;
}
