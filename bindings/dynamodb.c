/* weir.dynamodb: straight between Lua tables and DynamoDB's JSON. dynamodb_value.h says which Lua
 * value stands for which type.
 *
 *   encode(item) → the item map as text | nil, message, code; a secret when a part was one
 *   size(item) → the bytes DynamoDB counts for it | nil, message, code
 *   decode(text[, {secret = {name, …}}]) → item | nil, message, code
 *       the attributes of these names, at most 16, come as secrets wherever they are
 *   decode_reply(text or secret[, {secret = {name, …}}]) → a whole reply, its items decoded
 *       | nil, message, code
 *   number(text or number) → a number value | nil, message, code
 *   set(list) → a set | nil, message, code
 *   binary(bytes) → a binary value
 *   list([table]) → the table, marked as a list (an empty table is a map otherwise)
 *   null
 *
 * Codes: InvalidJson; InvalidAttribute, UnknownType, InvalidNumber, NumberTooPrecise,
 * NumberOutOfRange, InvalidBinary, InvalidString, InvalidSecret, InvalidSet, EmptySet,
 * DuplicateElement, InvalidList, InvalidMap, InvalidName, UnsupportedType, NestingTooDeep,
 * ItemTooLarge, InvalidReply.
 * Memory: one buffer a Lua state, in an upvalue: encoding writes into it, decoding unescapes in
 * it. */
#include "dynamodb_decoder.h"
#include "dynamodb_encode.h"
#include "json_lua.h"
#include "registry.h"

/* ── Encoding ── */

static int fail_encoded(lua_State *L, const dynamodb_encoded *item) {
  return binding_fail(L, item->error.code, "cannot encode the item%s%s: %s",
                      *item->where ? " at " : "", item->where, item->error.message);
}

static void check_item(lua_State *L, const char *signature) {
  binding_argument_most(L, 1, signature);
  if (!lua_istable(L, 1)) binding_check_refuse(L, 1, NULL, "a table", signature);
}

static const char ENCODE_SIGNATURE[] = "weir.dynamodb.encode(item)";

static int lua_dynamodb_encode(lua_State *L) {
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  check_item(L, ENCODE_SIGNATURE);

  dynamodb_encoded item = dynamodb_encode_item(L, 1, out);
  if (item.error.code) return fail_encoded(L, &item);
  if (item.bytes > DYNAMODB_ITEM_BYTES)
    return binding_fail(L, "ItemTooLarge",
                        "the item has %I bytes by DynamoDB's count; at most %d are allowed: keep "
                        "large values in S3 and their place in the item",
                        (LUAI_UACINT)item.bytes, (int)DYNAMODB_ITEM_BYTES);

  binding_secret_push_text(L, out->data, out->size, item.secret);
  if (item.secret) explicit_bzero(out->data, out->size);
  return 1;
}

static const char SIZE_SIGNATURE[] = "weir.dynamodb.size(item)";

static int lua_dynamodb_size(lua_State *L) {
  check_item(L, SIZE_SIGNATURE);

  dynamodb_encoded item = dynamodb_encode_item(L, 1, lua_touserdata(L, lua_upvalueindex(1)));
  if (item.error.code) return fail_encoded(L, &item);

  lua_pushinteger(L, (lua_Integer)item.bytes);
  return 1;
}

/* ── Decoding ── */

/* The names of the option `secret`: the list keeps the strings alive. */
static void read_secrets(lua_State *L, dynamodb_decoder *d, const char *signature) {
  static const char *const keys[] = {"secret", NULL};
  if (!binding_check_options(L, 2, keys, signature)) return;
  if (binding_check_push(L, 2, "secret") == LUA_TNIL) return;

  lua_Integer count = binding_check_list(L, -1, "secret", signature);
  if (count > DYNAMODB_SECRETS)
    luaL_error(L, "'secret' has more than %d names; expected %s", (int)DYNAMODB_SECRETS, signature);
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_rawgeti(L, -1, i) != LUA_TSTRING)
      binding_check_refuse(L, -1, "secret", "a list of strings", signature);
    dynamodb_name *secret = &d->secrets[d->secret_count++];
    secret->at = lua_tolstring(L, -1, &secret->size);
    lua_pop(L, 1);
  }
}

static int fail_decoding(lua_State *L, const dynamodb_decoder *d) {
  size_t line, column;
  json_scan_place(&d->scan, &line, &column);
  const char *message = d->scan.error ? d->scan.error : d->error.message;
  return binding_fail(L, d->scan.error ? "InvalidJson" : d->error.code, "line %I, column %I: %s",
                      (LUAI_UACINT)line, (LUAI_UACINT)column, message);
}

/* Reads text, with the names of secrets at 2. */
static int decode(lua_State *L, const char *text, size_t size, const char *signature,
                  bool (*push)(dynamodb_decoder *d)) {
  dynamodb_decoder d = {.L = L, .scratch = lua_touserdata(L, lua_upvalueindex(1))};
  luaL_checkstack(L, 8 * DYNAMODB_DEPTH, "no room to decode an item");
  read_secrets(L, &d, signature);

  binding_buffer_begin(d.scratch);
  json_decode_push_array_metatable(L); // … metatable
  d.array_metatable = lua_gettop(L);
  lua_createtable(L, DYNAMODB_NAMES, 0); // … metatable names
  d.names_index = lua_gettop(L);
  json_scan_begin(&d.scan, text, size);

  json_type type;
  if (json_scan_peek(&d.scan, &type) && type != JSON_OBJECT)
    dynamodb_decode_fail(&d, "InvalidAttribute", "an item must be a JSON object");
  else if (!d.scan.error && push(&d) && json_scan_finish(&d.scan))
    return 1;
  return fail_decoding(L, &d);
}

static const char DECODE_SIGNATURE[] = "weir.dynamodb.decode(text[, {secret={name, …}?}])";

/* Not from a secret: the values of one would become strings. */
static int lua_dynamodb_decode(lua_State *L) {
  size_t size;
  binding_argument_most(L, 2, DECODE_SIGNATURE);
  const char *text = binding_argument_text(L, 1, &size, DECODE_SIGNATURE);
  return decode(L, text, size, DECODE_SIGNATURE, dynamodb_reply_push_item);
}

static const char DECODE_REPLY_SIGNATURE[] =
    "weir.dynamodb.decode_reply(text or secret[, {secret={name, …}?}])";

/* A reply is what secrets come in. */
static int lua_dynamodb_decode_reply(lua_State *L) {
  size_t size;
  bool secret = false;
  binding_argument_most(L, 2, DECODE_REPLY_SIGNATURE);
  const char *text = binding_argument_secret(L, 1, &size, &secret, DECODE_REPLY_SIGNATURE);

  return decode(L, text, size, DECODE_REPLY_SIGNATURE, dynamodb_reply_push);
}

/* ── Making values ── */

static const char NUMBER_SIGNATURE[] = "weir.dynamodb.number(text or number)";

static int lua_dynamodb_number(lua_State *L) {
  dynamodb_number number;
  char digits[DYNAMODB_VALUE_NUMBER_TEXT];
  size_t size;
  const char *text = digits;
  lua_settop(L, 1);
  if (lua_type(L, 1) == LUA_TSTRING) {
    text = lua_tolstring(L, 1, &size);
  } else if (lua_type(L, 1) == LUA_TNUMBER) {
    size = dynamodb_value_write_number(L, 1, digits);
    if (size == 0)
      return binding_fail(L, "InvalidNumber", "%s", "DynamoDB has no NaN and no infinity");
  } else {
    text = dynamodb_value_bytes(L, 1, DYNAMODB_NUMBER, &size);
    if (!text) binding_check_refuse(L, 1, NULL, "a string or a number", NUMBER_SIGNATURE);
  }

  dynamodb_value_error error =
      dynamodb_value_number_error(dynamodb_number_parse(text, size, &number));
  if (error.code) return binding_fail(L, error.code, "%s", error.message);

  dynamodb_value_push(L, DYNAMODB_NUMBER, text, size);
  return 1;
}

static const char BINARY_SIGNATURE[] = "weir.dynamodb.binary(bytes)";

static int lua_dynamodb_binary(lua_State *L) {
  size_t size;
  lua_settop(L, 1);
  const char *bytes = binding_argument_text(L, 1, &size, BINARY_SIGNATURE);

  dynamodb_value_push(L, DYNAMODB_BINARY, bytes, size);
  return 1;
}

static const char SET_SIGNATURE[] = "weir.dynamodb.set(list)";

static int lua_dynamodb_set(lua_State *L) {
  dynamodb_value_error error;
  binding_argument_most(L, 1, SET_SIGNATURE);
  if (!lua_istable(L, 1)) binding_check_refuse(L, 1, NULL, "a list", SET_SIGNATURE);

  dynamodb_value_set_type(L, 1, &error);
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

static const char LIST_SIGNATURE[] = "weir.dynamodb.list([table])";

static int lua_dynamodb_list(lua_State *L) {
  binding_argument_most(L, 1, LIST_SIGNATURE);
  if (lua_isnone(L, 1)) lua_newtable(L);
  if (!lua_istable(L, 1)) binding_check_refuse(L, 1, NULL, "a table", LIST_SIGNATURE);

  json_decode_push_array_metatable(L);
  lua_setmetatable(L, 1);
  return 1;
}

int luaopen_weir_dynamodb(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(dynamodb, encode),
                                       BINDING_FUNCTION(dynamodb, size),
                                       BINDING_FUNCTION(dynamodb, decode),
                                       BINDING_FUNCTION(dynamodb, decode_reply),
                                       BINDING_FUNCTION(dynamodb, number),
                                       BINDING_FUNCTION(dynamodb, binary),
                                       BINDING_FUNCTION(dynamodb, set),
                                       BINDING_FUNCTION(dynamodb, list),
                                       BINDING_END};
  dynamodb_value_register(L);

  luaL_newlibtable(L, functions);
  binding_buffer_push(L); // module buffer
  luaL_setfuncs(L, functions, 1);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");

  return 1;
}
