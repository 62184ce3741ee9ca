/* DynamoDB's JSON to Lua values. See dynamodb_decoder.h. Memory: the Lua state's and the caller's.
 */
#include "core/text/base64.h"
#include "dynamodb_decoder.h"

static bool fail_with(dynamodb_decoder *d, dynamodb_value_error error) {
  if (!d->error.code) d->error = error;
  return false;
}

bool dynamodb_decode_fail(dynamodb_decoder *d, const char *code, const char *message) {
  return fail_with(d, (dynamodb_value_error){code, message});
}

static bool push_value(dynamodb_decoder *d, bool secret);

/* The text of a string, unescaped. It stays valid until the next call. */
static const char *text_of(dynamodb_decoder *d, json_span string, size_t *size) {
  *size = string.size;
  if (!string.escaped) return string.at;
  d->scratch->size = 0;
  binding_expect_memory(d->L, text_buffer_reserve(d->scratch, string.size));
  *size = json_unescape(string, d->scratch->data);
  return d->scratch->data;
}

void dynamodb_decode_push_string(dynamodb_decoder *d, json_span string) {
  size_t size;
  const char *text = text_of(d, string, &size);
  lua_pushlstring(d->L, text, size);
}

static bool push_number(dynamodb_decoder *d, json_span string) {
  dynamodb_number number;
  int64_t integer;
  double real;
  size_t size;
  const char *text = text_of(d, string, &size);
  if (dynamodb_number_is_small(text, size, &integer)) {
    lua_pushinteger(d->L, (lua_Integer)integer);
    return true;
  }

  dynamodb_value_error error =
      dynamodb_value_number_error(dynamodb_number_parse(text, size, &number));
  if (error.code) return fail_with(d, error);
  switch (dynamodb_number_convert(&number, &integer, &real)) {
  case DYNAMODB_AS_INTEGER: lua_pushinteger(d->L, (lua_Integer)integer); break;
  case DYNAMODB_AS_DOUBLE: lua_pushnumber(d->L, real); break;
  default: dynamodb_value_push(d->L, DYNAMODB_NUMBER, text, size);
  }

  return true;
}

/* Decodes base64 in place: into the scratch buffer, behind the text if that is there too. */
static bool decode_binary(dynamodb_decoder *d, json_span string, const char **bytes, size_t *size) {
  size_t text_size;
  const char *text = text_of(d, string, &text_size);
  size_t offset = string.escaped ? text_size : 0;
  d->scratch->size = offset;
  binding_expect_memory(d->L, text_buffer_reserve(d->scratch, text_size));
  if (string.escaped) text = d->scratch->data;
  *bytes = d->scratch->data + offset;
  return base64_decode(text, text_size, d->scratch->data + offset, size) ||
         dynamodb_decode_fail(d, "InvalidBinary", "a binary value is not base64");
}

static bool push_binary(dynamodb_decoder *d, json_span string) {
  const char *bytes;
  size_t size;
  if (!decode_binary(d, string, &bytes, &size)) return false;
  dynamodb_value_push(d->L, DYNAMODB_BINARY, bytes, size);

  return true;
}

static bool push_scalar(dynamodb_decoder *d, dynamodb_type type, json_span string) {
  switch (type) {
  case DYNAMODB_N:
  case DYNAMODB_NS: return push_number(d, string);
  case DYNAMODB_B:
  case DYNAMODB_BS: return push_binary(d, string);
  default: dynamodb_decode_push_string(d, string); return true;
  }
}

/* The value of an attribute that was named as a secret. */
static bool push_secret(dynamodb_decoder *d, dynamodb_type type, json_span value) {
  size_t size;
  const char *bytes;
  if (type == DYNAMODB_NULL) {
    lua_pushlightuserdata(d->L, NULL);
    return true;
  }

  if (type == DYNAMODB_B) {
    if (!decode_binary(d, value, &bytes, &size)) return false;
  } else if (type == DYNAMODB_S || type == DYNAMODB_N) {
    bytes = text_of(d, value, &size);
  } else {
    return dynamodb_decode_fail(d, "InvalidSecret",
                                "a secret attribute must be a string, number or binary");
  }

  binding_secret_push(d->L, bytes, size);
  if (d->scratch->data) explicit_bzero(d->scratch->data, d->scratch->capacity);

  return true;
}

static bool push_set(dynamodb_decoder *d, dynamodb_type type) {
  json_span element;
  dynamodb_value_error error;
  lua_newtable(d->L);
  if (!json_scan_enter(&d->scan, JSON_ARRAY)) return false;
  for (lua_Integer i = 1; json_scan_element(&d->scan); i++) {
    if (!json_scan_value(&d->scan, &element)) return false;
    if (element.type != JSON_STRING)
      return dynamodb_decode_fail(d, "InvalidAttribute",
                                  "an element of a set must be written as a string");
    if (!push_scalar(d, type, element)) return false;
    lua_rawseti(d->L, -2, i);
  }

  if (d->scan.error) return false;
  dynamodb_value_set_type(d->L, lua_gettop(d->L), &error);
  if (error.code) return fail_with(d, error);
  luaL_setmetatable(d->L, DYNAMODB_SET);

  return true;
}

/* How many places to begin a table with: what it grows to later is paid by the text it reads. */
static int room(int last) {
  const int at_most = 1024;
  return last < at_most ? last : at_most;
}

static bool push_list(dynamodb_decoder *d, bool secret) {
  int *elements = &d->elements[d->depth], count = 0;
  if (!json_scan_enter(&d->scan, JSON_ARRAY)) return false;
  lua_createtable(d->L, room(*elements), 0);
  while (json_scan_element(&d->scan)) {
    if (!push_value(d, secret)) return false;
    lua_rawseti(d->L, -2, ++count);
  }

  *elements = count;
  lua_pushvalue(d->L, d->array_metatable);
  lua_setmetatable(d->L, -2);

  return !d->scan.error;
}

static void push_name(dynamodb_decoder *d, json_span key) {
  if (key.escaped || key.size == 0) {
    dynamodb_decode_push_string(d, key);
    return;
  }

  size_t place = (key.size * 7 + (unsigned char)key.at[0] * 3 +
                  (unsigned char)key.at[key.size - 1] * 5 + (unsigned char)key.at[key.size / 2]) %
                 DYNAMODB_NAMES;
  dynamodb_name *kept = &d->names[place];
  if (kept->size == key.size && memcmp(kept->at, key.at, key.size) == 0) {
    lua_rawgeti(d->L, d->names_index, (lua_Integer)place + 1);
    return;
  }

  lua_pushlstring(d->L, key.at, key.size);
  lua_pushvalue(d->L, -1);
  lua_rawseti(d->L, d->names_index, (lua_Integer)place + 1);
  kept->at = lua_tolstring(d->L, -1, &kept->size);
}

static bool is_secret(const dynamodb_decoder *d, json_span key) {
  for (int i = 0; i < d->secret_count; i++)
    if (json_string_equals(key, d->secrets[i].at, d->secrets[i].size)) return true;
  return false;
}

bool dynamodb_decode_push_map(dynamodb_decoder *d, bool secret) {
  lua_State *L = d->L;
  json_span key;
  int *members = &d->members[d->depth], count = 0;
  if (!json_scan_enter(&d->scan, JSON_OBJECT)) return false;
  lua_createtable(L, 0, room(*members));
  for (; json_scan_member(&d->scan, &key); count++) {
    push_name(d, key);
    if (!push_value(d, secret || is_secret(d, key))) return false;
    lua_rawset(L, -3);
  }

  *members = count;
  return !d->scan.error;
}

static bool push_container(dynamodb_decoder *d, dynamodb_type type, bool secret) {
  if (type != DYNAMODB_M && type != DYNAMODB_L)
    return secret ? push_secret(d, type, (json_span){0}) : push_set(d, type);
  if (d->depth == DYNAMODB_DEPTH)
    return dynamodb_decode_fail(d, "NestingTooDeep",
                                "lists and maps nest at most 32 deep in an item");
  d->depth++;
  bool fine = type == DYNAMODB_M ? dynamodb_decode_push_map(d, secret) : push_list(d, secret);
  d->depth--;

  return fine;
}

static bool push_plain(dynamodb_decoder *d, dynamodb_type type, bool secret) {
  json_span value;
  if (!json_scan_value(&d->scan, &value)) return false;
  if (secret) return push_secret(d, type, value);
  if (type == DYNAMODB_BOOL)
    lua_pushboolean(d->L, value.type == JSON_TRUE);
  else if (type == DYNAMODB_NULL)
    lua_pushlightuserdata(d->L, NULL);
  else
    return push_scalar(d, type, value);
  return true;
}

/* One attribute value: an object with one member, whose name is the type. */
static bool push_value(dynamodb_decoder *d, bool secret) {
  json_span tag;
  dynamodb_type type;
  if (dynamodb_item_read_compact(&d->scan, &type, &tag))
    return secret ? push_secret(d, type, tag) : push_scalar(d, type, tag);
  json_type next;
  if (!json_scan_peek(&d->scan, &next)) return false;
  if (next != JSON_OBJECT)
    return dynamodb_decode_fail(d, "InvalidAttribute",
                                "an attribute value must be an object such as {\"S\": …}");
  if (!json_scan_enter(&d->scan, JSON_OBJECT)) return false;
  if (!json_scan_member(&d->scan, &tag))
    return dynamodb_decode_fail(d, "InvalidAttribute",
                                "an attribute value is empty: it needs a type such as S");
  type = dynamodb_item_type_of(tag);
  if (type == DYNAMODB_UNKNOWN)
    return dynamodb_decode_fail(d, "UnknownType",
                                "the attribute type is not one of S N B BOOL NULL M L SS NS BS");
  if (!json_scan_peek(&d->scan, &next)) return false;
  if (!dynamodb_item_type_holds(type, next))
    return dynamodb_decode_fail(d, "InvalidAttribute",
                                "the attribute's value does not fit its type");
  bool fine = next == JSON_ARRAY || next == JSON_OBJECT ? push_container(d, type, secret)
                                                        : push_plain(d, type, secret);
  if (!fine) return false;
  if (json_scan_member(&d->scan, &tag))
    return dynamodb_decode_fail(d, "InvalidAttribute", "an attribute value has more than one type");
  return !d->scan.error;
}
