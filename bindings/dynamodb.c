/* weir.dynamodb: straight between Lua tables and DynamoDB's JSON.
 *
 *   encode(item) → the item map as text | nil, message, code; a secret when a part was one
 *   size(item) → the bytes DynamoDB counts for it | nil, message, code
 *   decode(text[, {secret = {name…}}]) → item | nil, message, code
 *   decode_reply(text or secret[, options]) → a whole reply, its items decoded | nil, message, code
 *   number(text or number) → a number value | nil, message, code
 *   set(list) → a set | nil, message, code
 *   binary(bytes) → a binary value
 *   list([table]) → the table, marked as a list (an empty table is a map otherwise)
 *   null
 *
 * Memory: one buffer a Lua state, in an upvalue. */
#include "dynamodb_lua.h"

#include <stdio.h>

#include "core/json/write.h"
#include "json_lua.h"
#include "registry.h"

typedef struct {
  size_t size;
  char bytes[];
} value;

void dynamodb_push_value(lua_State *L, const char *metatable, const char *bytes, size_t size) {
  value *v = lua_newuserdatauv(L, sizeof *v + size, 0);
  v->size = size;
  memcpy(v->bytes, bytes, size);
  luaL_setmetatable(L, metatable);
}

const char *dynamodb_value(lua_State *L, int index, const char *metatable, size_t *size) {
  const value *v = luaL_testudata(L, index, metatable);
  if (!v) return NULL;
  *size = v->size;
  return v->bytes;
}

dynamodb_error dynamodb_number_error(dynamodb_number_status status) {
  switch (status) {
  case DYNAMODB_NUMBER_MALFORMED:
    return (dynamodb_error){"InvalidNumber", "the text is not a decimal number"};
  case DYNAMODB_NUMBER_TOO_PRECISE:
    return (dynamodb_error){"NumberTooPrecise", "a number may have 38 significant digits"};
  case DYNAMODB_NUMBER_OUT_OF_RANGE:
    return (dynamodb_error){"NumberOutOfRange",
                            "a number must be zero or between 1E-130 and 9.99E+125 in magnitude"};
  default: return (dynamodb_error){NULL, NULL};
  }
}

enum { NUMBER_TEXT = 32 }; /* the shortest form of any double or integer fits */

/* The text of a Lua number that loses no digit; 3, not 3.0. Its size, or 0: it is not finite. */
static size_t write_lua_number(lua_State *L, int index, char text[NUMBER_TEXT]) {
  int whole;
  lua_Integer integer = lua_tointegerx(L, index, &whole);
  if (whole) /* a float too, when it is one */
    return (size_t)snprintf(text, NUMBER_TEXT, "%lld", (long long)integer);
  text_buffer shortest = {0};
  bool finite = json_write_double(&shortest, lua_tonumber(L, index));
  size_t size = finite && shortest.size < NUMBER_TEXT ? shortest.size : 0;
  if (size > 0) memcpy(text, shortest.data, size);
  text_buffer_free(&shortest);
  return size;
}

dynamodb_error dynamodb_number_at(lua_State *L, int index, dynamodb_number *number) {
  char text[NUMBER_TEXT];
  size_t size;
  const char *kept = dynamodb_value(L, index, DYNAMODB_NUMBER, &size);
  if (kept) return dynamodb_number_error(dynamodb_number_parse(kept, size, number));
  size = write_lua_number(L, index, text);
  if (size == 0) return (dynamodb_error){"InvalidNumber", "DynamoDB has no NaN and no infinity"};
  return dynamodb_number_error(dynamodb_number_parse(text, size, number));
}

/* Pushes what makes an element of a set equal to another: its bytes, or a number's value. */
static dynamodb_type push_identity(lua_State *L, dynamodb_error *error) {
  size_t size;
  const char *bytes;
  if (lua_type(L, -1) == LUA_TSTRING) {
    lua_pushvalue(L, -1);
    return DYNAMODB_SS;
  }
  bytes = dynamodb_value(L, -1, DYNAMODB_BINARY, &size);
  if (bytes) {
    lua_pushlstring(L, bytes, size);
    return DYNAMODB_BS;
  }
  if (lua_type(L, -1) == LUA_TNUMBER || dynamodb_value(L, -1, DYNAMODB_NUMBER, &size)) {
    dynamodb_number number = {0};
    *error = dynamodb_number_at(L, -1, &number);
    char text[DYNAMODB_DIGITS + 16];
    int written = snprintf(text, sizeof text, "%s%.*se%d", number.negative ? "-" : "", number.count,
                           number.digits, number.scale);
    lua_pushlstring(L, text, (size_t)written);
    return DYNAMODB_NS;
  }
  lua_pushnil(L);
  return DYNAMODB_UNKNOWN;
}

/* What no element stands at would be lost without a word. */
static dynamodb_error check_set_keys(lua_State *L, int index, lua_Integer count) {
  lua_Integer keys = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) keys++;
  if (keys != count)
    return (dynamodb_error){"InvalidSet", "a set is a list: it has keys 1, 2, 3 … and no others"};
  if (count == 0) return (dynamodb_error){"EmptySet", "a set must not be empty: leave it out"};
  return (dynamodb_error){NULL, NULL};
}

/* Whether a set's elements come once each is found out by a table of those seen. */
dynamodb_type dynamodb_set_type(lua_State *L, int index, dynamodb_error *error) {
  int top = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  dynamodb_type type = DYNAMODB_UNKNOWN;
  *error = check_set_keys(L, index, count);
  lua_createtable(L, 0, count < 1024 ? (int)count : 1024); // seen
  for (lua_Integer i = 1; i <= count && !error->code; i++) {
    lua_rawgeti(L, index, i);                        // seen, element
    dynamodb_type element = push_identity(L, error); // seen, element, identity
    if (!error->code && (element == DYNAMODB_UNKNOWN || (i > 1 && element != type)))
      *error = (dynamodb_error){"InvalidSet",
                                "a set holds only strings, only numbers or only binary values"};
    if (error->code) break;
    type = element;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, top + 1) != LUA_TNIL)
      *error = (dynamodb_error){"DuplicateElement", "a set holds an element only once"};
    lua_pop(L, 1);
    lua_pushboolean(L, true); // seen, element, identity, true
    lua_rawset(L, top + 1);
    lua_settop(L, top + 1);
  }
  lua_settop(L, top);
  return type;
}

static int new_number(lua_State *L) {
  dynamodb_number number;
  char digits[NUMBER_TEXT];
  size_t size;
  const char *text;
  if (lua_type(L, 1) == LUA_TSTRING) {
    text = lua_tolstring(L, 1, &size);
  } else if (lua_type(L, 1) == LUA_TNUMBER) {
    text = digits;
    size = write_lua_number(L, 1, digits);
    if (size == 0)
      return binding_fail(L, "InvalidNumber", "%s", "DynamoDB has no NaN and no infinity");
  } else {
    text = dynamodb_value(L, 1, DYNAMODB_NUMBER, &size);
    binding_expect(L, text != NULL, "weir.dynamodb.number(text or number)");
  }
  dynamodb_error error = dynamodb_number_error(dynamodb_number_parse(text, size, &number));
  if (error.code) return binding_fail(L, error.code, "%s", error.message);
  dynamodb_push_value(L, DYNAMODB_NUMBER, text, size);
  return 1;
}

static int new_binary(lua_State *L) {
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "weir.dynamodb.binary(bytes)");
  size_t size;
  const char *bytes = lua_tolstring(L, 1, &size);
  dynamodb_push_value(L, DYNAMODB_BINARY, bytes, size);
  return 1;
}

static int new_set(lua_State *L) {
  dynamodb_error error;
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), "weir.dynamodb.set(list)");
  dynamodb_set_type(L, 1, &error);
  if (error.code) return binding_fail(L, error.code, "%s", error.message);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  lua_createtable(L, (int)count, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, i);
    lua_rawseti(L, -2, i);
  }
  luaL_setmetatable(L, DYNAMODB_SET);
  return 1;
}

static int mark_list(lua_State *L) {
  if (lua_isnone(L, 1)) lua_newtable(L);
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), "weir.dynamodb.list([table])");
  json_decode_push_array_metatable(L);
  lua_setmetatable(L, 1);
  return 1;
}

static int value_to_text(lua_State *L) {
  const value *v = lua_touserdata(L, 1);
  lua_pushlstring(L, v->bytes, v->size);
  return 1;
}

static int value_length(lua_State *L) {
  const value *v = lua_touserdata(L, 1);
  lua_pushinteger(L, (lua_Integer)v->size);
  return 1;
}

static int binary_equal(lua_State *L) {
  size_t a_size, b_size;
  const char *a = dynamodb_value(L, 1, DYNAMODB_BINARY, &a_size);
  const char *b = dynamodb_value(L, 2, DYNAMODB_BINARY, &b_size);
  lua_pushboolean(L, a && b && a_size == b_size && memcmp(a, b, a_size) == 0);
  return 1;
}

/* Compares two numbers, of which one at least is a number value. */
static int compare_numbers(lua_State *L) {
  dynamodb_number sides[2];
  for (int i = 0; i < 2; i++) {
    size_t size;
    if (lua_type(L, i + 1) != LUA_TNUMBER && !dynamodb_value(L, i + 1, DYNAMODB_NUMBER, &size))
      return luaL_error(L, "attempt to compare a DynamoDB number with a %s",
                        luaL_typename(L, i + 1));
    dynamodb_error error = dynamodb_number_at(L, i + 1, &sides[i]);
    if (error.code) return luaL_error(L, "attempt to compare a DynamoDB number: %s", error.message);
  }
  return dynamodb_number_compare(&sides[0], &sides[1]);
}

static int number_equal(lua_State *L) {
  size_t size;
  bool both =
      dynamodb_value(L, 1, DYNAMODB_NUMBER, &size) && dynamodb_value(L, 2, DYNAMODB_NUMBER, &size);
  lua_pushboolean(L, both && compare_numbers(L) == 0);
  return 1;
}

static int number_less(lua_State *L) {
  lua_pushboolean(L, compare_numbers(L) < 0);
  return 1;
}

static int number_at_most(lua_State *L) {
  lua_pushboolean(L, compare_numbers(L) <= 0);
  return 1;
}

static void new_metatable(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
}

int luaopen_weir_dynamodb(lua_State *L) {
  static const luaL_Reg number_methods[] = {{"__tostring", value_to_text},
                                            {"__eq", number_equal},
                                            {"__lt", number_less},
                                            {"__le", number_at_most},
                                            {NULL, NULL}};
  static const luaL_Reg binary_methods[] = {
      {"__tostring", value_to_text}, {"__eq", binary_equal}, {"__len", value_length}, {NULL, NULL}};
  static const luaL_Reg no_methods[] = {{NULL, NULL}};
  static const luaL_Reg functions[] = {{"encode", dynamodb_encode},
                                       {"size", dynamodb_encode_size},
                                       {"decode", dynamodb_reply_decode_call},
                                       {"decode_reply", dynamodb_reply_decode},
                                       {"number", new_number},
                                       {"binary", new_binary},
                                       {"set", new_set},
                                       {"list", mark_list},
                                       {NULL, NULL}};
  new_metatable(L, DYNAMODB_NUMBER, number_methods);
  new_metatable(L, DYNAMODB_BINARY, binary_methods);
  new_metatable(L, DYNAMODB_SET, no_methods);
  luaL_newlibtable(L, functions);
  binding_buffer_push(L);
  luaL_setfuncs(L, functions, 1);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  return 1;
}
