/* Whole texts from DynamoDB: an item, or a reply with items in it. See dynamodb_decoder.h. */
#include "dynamodb_decoder.h"
#include "json_lua.h"

static bool push_items(dynamodb_decoder *d) {
  if (!json_scan_enter(&d->scan, JSON_ARRAY)) return false;
  lua_newtable(d->L);
  for (lua_Integer i = 1; json_scan_element(&d->scan); i++) {
    if (!dynamodb_decode_push_map(d, false)) return false;
    lua_rawseti(d->L, -2, i);
  }
  return !d->scan.error;
}

/* The members of a BatchGetItem reply's Responses: table name to items. */
static bool push_responses(dynamodb_decoder *d) {
  json_span table;
  if (!json_scan_enter(&d->scan, JSON_OBJECT)) return false;
  lua_newtable(d->L);
  while (json_scan_member(&d->scan, &table)) {
    json_type next;
    dynamodb_decode_push_string(d, table);
    if (!json_scan_peek(&d->scan, &next)) return false;
    if (next != JSON_ARRAY)
      return dynamodb_decode_fail(d, "InvalidReply", "Responses holds something but lists");
    if (!push_items(d)) return false;
    lua_rawset(d->L, -3);
  }
  return !d->scan.error;
}

/* What is only ever sent back stays the text it is. */
static bool push_text(dynamodb_decoder *d) {
  json_span value;
  if (!json_scan_value(&d->scan, &value)) return false;
  lua_pushlstring(d->L, value.at, value.size);
  return true;
}

static bool key_is(json_span key, const char *expected) {
  return json_string_equals(key, expected, strlen(expected));
}

static bool push_reply_member(dynamodb_decoder *d, json_span key) {
  json_type next;
  if (!json_scan_peek(&d->scan, &next)) return false;
  if (next == JSON_ARRAY && key_is(key, "Items")) return push_items(d);
  if (next == JSON_OBJECT) {
    if (key_is(key, "Item") || key_is(key, "Attributes") || key_is(key, "LastEvaluatedKey"))
      return dynamodb_decode_push_map(d, false);
    if (key_is(key, "Responses")) return push_responses(d);
    if (key_is(key, "UnprocessedItems") || key_is(key, "UnprocessedKeys")) return push_text(d);
  }
  return json_decode_push(d->L, &d->scan);
}

static bool push_reply(dynamodb_decoder *d) {
  json_span key;
  if (!json_scan_enter(&d->scan, JSON_OBJECT)) return false;
  lua_createtable(d->L, 0, 4);
  while (json_scan_member(&d->scan, &key)) {
    dynamodb_decode_push_string(d, key);
    if (!push_reply_member(d, key)) return false;
    lua_rawset(d->L, -3);
  }
  return !d->scan.error;
}

static void read_secrets(dynamodb_decoder *d, const char *signature) {
  static const char *const allowed[] = {"secret", NULL};
  lua_State *L = d->L;
  if (lua_isnoneornil(L, 2)) return;
  binding_expect(L, lua_istable(L, 2), signature);
  binding_check_keys(L, 2, allowed, signature);
  int type = lua_getfield(L, 2, "secret");
  binding_expect(L, type == LUA_TTABLE && lua_rawlen(L, -1) <= DYNAMODB_SECRETS, signature);
  for (lua_Unsigned i = 1; i <= lua_rawlen(L, -1); i++) {
    binding_expect(L, lua_rawgeti(L, -1, (lua_Integer)i) == LUA_TSTRING, signature);
    dynamodb_name *secret = &d->secrets[d->secret_count++];
    secret->at = lua_tolstring(L, -1, &secret->size);
    lua_pop(L, 1); // the list keeps the string
  }
}

static int report(lua_State *L, const dynamodb_decoder *d) {
  size_t line, column;
  json_scan_place(&d->scan, &line, &column);
  const char *message = d->scan.error ? d->scan.error : d->error.message;
  return binding_fail(L, d->scan.error ? "InvalidJson" : d->error.code, "line %I, column %I: %s",
                      (LUAI_UACINT)line, (LUAI_UACINT)column, message);
}

/* An item is what a secret may be made of, and stays closed; a reply is what secrets come in. */
static int decode(lua_State *L, const char *signature, bool (*push)(dynamodb_decoder *d)) {
  dynamodb_decoder d = {.L = L, .scratch = lua_touserdata(L, lua_upvalueindex(1))};
  size_t size;
  bool hidden = false;
  const char *text = binding_secret_text(L, 1, &size, &hidden);
  binding_expect(L, text && lua_gettop(L) <= 2 && (!hidden || push == push_reply), signature);
  luaL_checkstack(L, 8 * DYNAMODB_DEPTH, "no room to decode an item");
  read_secrets(&d, signature);
  binding_buffer_begin(d.scratch);
  json_decode_push_array_metatable(L);
  d.array_metatable = lua_gettop(L);
  lua_createtable(L, DYNAMODB_NAMES, 0);
  d.names_index = lua_gettop(L);
  json_scan_begin(&d.scan, text, size);
  json_type type;
  if (json_scan_peek(&d.scan, &type) && type != JSON_OBJECT)
    dynamodb_decode_fail(&d, "InvalidAttribute", "an item must be a JSON object");
  else if (!d.scan.error && push(&d) && json_scan_finish(&d.scan))
    return 1;
  return report(L, &d);
}

static bool push_item(dynamodb_decoder *d) {
  return dynamodb_decode_push_map(d, false);
}

int dynamodb_reply_decode_call(lua_State *L) {
  return decode(L, "weir.dynamodb.decode(text[, {secret = {name…}}])", push_item);
}

int dynamodb_reply_decode(lua_State *L) {
  return decode(L, "weir.dynamodb.decode_reply(text[, {secret = {name…}}])", push_reply);
}
