/* DynamoDB's values in Lua. See dynamodb_value.h. Memory: the Lua state's. */
#include "dynamodb_value.h"

#include <stdio.h>

#include "core/json/write.h"

typedef struct {
  size_t size;
  char bytes[];
} value;

void dynamodb_value_push(lua_State *L, const char *metatable, const char *bytes, size_t size) {
  value *v = lua_newuserdatauv(L, sizeof *v + size, 0);
  v->size = size;
  memcpy(v->bytes, bytes, size);
  luaL_setmetatable(L, metatable);
}

const char *dynamodb_value_bytes(lua_State *L, int index, const char *metatable, size_t *size) {
  const value *v = luaL_testudata(L, index, metatable);
  if (!v) return NULL;
  *size = v->size;
  return v->bytes;
}

dynamodb_value_error dynamodb_value_number_error(dynamodb_number_status status) {
  switch (status) {
  case DYNAMODB_NUMBER_MALFORMED:
    return (dynamodb_value_error){"InvalidNumber", "the text is not a decimal number"};
  case DYNAMODB_NUMBER_TOO_PRECISE:
    return (dynamodb_value_error){"NumberTooPrecise", "a number may have 38 significant digits"};
  case DYNAMODB_NUMBER_OUT_OF_RANGE:
    return (dynamodb_value_error){
        "NumberOutOfRange", "a number must be zero or between 1E-130 and 9.99E+125 in magnitude"};
  default: return (dynamodb_value_error){NULL, NULL};
  }
}

size_t dynamodb_value_write_number(lua_State *L, int index, char text[DYNAMODB_VALUE_NUMBER_TEXT]) {
  int whole;
  lua_Integer integer = lua_tointegerx(L, index, &whole);
  if (whole) /* a float too, when it is one */
    return (size_t)snprintf(text, DYNAMODB_VALUE_NUMBER_TEXT, "%lld", (long long)integer);
  text_buffer shortest = {0};
  bool finite = json_write_double(&shortest, lua_tonumber(L, index));
  size_t size = finite && shortest.size < DYNAMODB_VALUE_NUMBER_TEXT ? shortest.size : 0;
  if (size > 0) memcpy(text, shortest.data, size);
  text_buffer_free(&shortest);

  return size;
}

dynamodb_value_error dynamodb_value_number(lua_State *L, int index, dynamodb_number *number) {
  char text[DYNAMODB_VALUE_NUMBER_TEXT];
  size_t size;
  const char *kept = dynamodb_value_bytes(L, index, DYNAMODB_NUMBER, &size);
  if (kept) return dynamodb_value_number_error(dynamodb_number_parse(kept, size, number));
  size = dynamodb_value_write_number(L, index, text);
  if (size == 0)
    return (dynamodb_value_error){"InvalidNumber", "DynamoDB has no NaN and no infinity"};
  return dynamodb_value_number_error(dynamodb_number_parse(text, size, number));
}

/* Pushes what makes an element of a set equal to another: its bytes, or a number's value. */
static dynamodb_type push_identity(lua_State *L, dynamodb_value_error *error) {
  size_t size;
  const char *bytes;
  if (lua_type(L, -1) == LUA_TSTRING) {
    lua_pushvalue(L, -1);
    return DYNAMODB_SS;
  }

  bytes = dynamodb_value_bytes(L, -1, DYNAMODB_BINARY, &size);
  if (bytes) {
    lua_pushlstring(L, bytes, size);
    return DYNAMODB_BS;
  }

  if (lua_type(L, -1) == LUA_TNUMBER || dynamodb_value_bytes(L, -1, DYNAMODB_NUMBER, &size)) {
    dynamodb_number number = {0};
    *error = dynamodb_value_number(L, -1, &number);
    char text[DYNAMODB_DIGITS + 16];
    int written = snprintf(text, sizeof text, "%s%.*se%d", number.negative ? "-" : "", number.count,
                           number.digits, number.scale);
    lua_pushlstring(L, text, (size_t)written);

    return DYNAMODB_NS;
  }

  lua_pushnil(L);

  return DYNAMODB_UNKNOWN;
}

/* An element behind a hole, or under a name, would be dropped silently. */
static dynamodb_value_error check_set_keys(lua_State *L, int index, lua_Integer count) {
  lua_Integer keys = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) keys++;
  if (keys != count)
    return (dynamodb_value_error){"InvalidSet",
                                  "a set is a list: it has keys 1, 2, 3 … and no others"};
  if (count == 0)
    return (dynamodb_value_error){"EmptySet", "a set must not be empty: leave it out"};
  return (dynamodb_value_error){NULL, NULL};
}

/* A table of the elements seen so far tells whether one comes twice. */
dynamodb_type dynamodb_value_set_type(lua_State *L, int index, dynamodb_value_error *error) {
  int top = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  dynamodb_type type = DYNAMODB_UNKNOWN;
  *error = check_set_keys(L, index, count);
  lua_createtable(L, 0, count < 1024 ? (int)count : 1024); // seen
  for (lua_Integer i = 1; i <= count && !error->code; i++) {
    lua_rawgeti(L, index, i);                        // seen, element
    dynamodb_type element = push_identity(L, error); // seen, element, identity
    if (!error->code && (element == DYNAMODB_UNKNOWN || (i > 1 && element != type)))
      *error = (dynamodb_value_error){
          "InvalidSet", "a set holds only strings, only numbers or only binary values"};
    if (error->code) break;
    type = element;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, top + 1) != LUA_TNIL)
      *error = (dynamodb_value_error){"DuplicateElement", "a set holds an element only once"};
    lua_pop(L, 1);
    lua_pushboolean(L, true); // seen, element, identity, true
    lua_rawset(L, top + 1);
    lua_settop(L, top + 1);
  }

  lua_settop(L, top);

  return type;
}

/* ── What Lua does with a value by itself: print it, measure it, compare it ── */

/* The number or binary value that a metamethod was called for. */
static const value *check_value(lua_State *L) {
  const value *v = luaL_testudata(L, 1, DYNAMODB_NUMBER);
  if (!v) v = luaL_testudata(L, 1, DYNAMODB_BINARY);
  binding_expect(L, v != NULL, "a number or binary value of weir.dynamodb");
  return v;
}

static int lua_dynamodb_value_tostring(lua_State *L) {
  const value *v = check_value(L);
  lua_pushlstring(L, v->bytes, v->size);
  return 1;
}

static int lua_dynamodb_value_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_value(L)->size);
  return 1;
}

static int lua_dynamodb_binary_eq(lua_State *L) {
  size_t a_size, b_size;
  const char *a = dynamodb_value_bytes(L, 1, DYNAMODB_BINARY, &a_size);
  const char *b = dynamodb_value_bytes(L, 2, DYNAMODB_BINARY, &b_size);
  lua_pushboolean(L, a && b && a_size == b_size && memcmp(a, b, a_size) == 0);

  return 1;
}

/* Compares two numbers, of which one at least is a number value. */
static int compare_numbers(lua_State *L) {
  dynamodb_number sides[2];
  for (int i = 0; i < 2; i++) {
    size_t size;
    if (lua_type(L, i + 1) != LUA_TNUMBER &&
        !dynamodb_value_bytes(L, i + 1, DYNAMODB_NUMBER, &size))
      return luaL_error(L, "attempt to compare a DynamoDB number with a %s",
                        luaL_typename(L, i + 1));
    dynamodb_value_error error = dynamodb_value_number(L, i + 1, &sides[i]);
    if (error.code) return luaL_error(L, "attempt to compare a DynamoDB number: %s", error.message);
  }

  return dynamodb_number_compare(&sides[0], &sides[1]);
}

static int lua_dynamodb_number_eq(lua_State *L) {
  size_t size;
  bool both = dynamodb_value_bytes(L, 1, DYNAMODB_NUMBER, &size) &&
              dynamodb_value_bytes(L, 2, DYNAMODB_NUMBER, &size);
  lua_pushboolean(L, both && compare_numbers(L) == 0);
  return 1;
}

static int lua_dynamodb_number_lt(lua_State *L) {
  lua_pushboolean(L, compare_numbers(L) < 0);
  return 1;
}

static int lua_dynamodb_number_le(lua_State *L) {
  lua_pushboolean(L, compare_numbers(L) <= 0);
  return 1;
}

void dynamodb_value_register(lua_State *L) {
  static const luaL_Reg of_number[] = {BINDING_METAMETHOD(dynamodb_value, tostring),
                                       BINDING_METAMETHOD(dynamodb_number, eq),
                                       BINDING_METAMETHOD(dynamodb_number, lt),
                                       BINDING_METAMETHOD(dynamodb_number, le), BINDING_END};
  static const luaL_Reg of_binary[] = {BINDING_METAMETHOD(dynamodb_value, tostring),
                                       BINDING_METAMETHOD(dynamodb_value, len),
                                       BINDING_METAMETHOD(dynamodb_binary, eq), BINDING_END};
  static const luaL_Reg of_set[] = {BINDING_END};
  binding_type_register(L, DYNAMODB_NUMBER, of_number, NULL);
  binding_type_register(L, DYNAMODB_BINARY, of_binary, NULL);
  binding_type_register(L, DYNAMODB_SET, of_set, NULL);
}
