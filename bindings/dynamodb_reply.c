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

bool dynamodb_reply_push(dynamodb_decoder *d) {
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

bool dynamodb_reply_push_item(dynamodb_decoder *d) {
  return dynamodb_decode_push_map(d, false);
}
