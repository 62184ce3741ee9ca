/* weir.json: strict RFC 8259 in both directions.
 *
 *   decode(text[, {secrets=}]) → value | nil, message, "InvalidJson"
 *       secrets=true: strings that are secrets by their names come as such (json_lua.h)
 *       secrets="tags": only in lists of tags, {"Key": "TaskToken", "Value": …}
 *       a text that is a secret itself needs secrets
 *   encode(value[, {sort=, ascii=, indent=}]) → text; raises for what JSON cannot hold
 *       sort: members by name, true by default; ascii: everything else escaped, false by default;
 *       indent: spaces a level, 0 to 16; 0, the default, is compact
 *   validate(text or secret) → true | nil, message, "InvalidJson"
 *   array([list]) → the list, marked as an array (an empty table is an object otherwise)
 *   is_array(value) → whether it is marked
 *   null
 *
 * Over host/core/json. Memory: encode writes into one buffer a Lua state, in an upvalue. */
#include <string.h>

#include "binding.h"
#include "core/json/scan.h"
#include "json_lua.h"
#include "registry.h"

enum { INDENT_AT_MOST = 16 };

static json_scan begin_scan(lua_State *L, bool *secret, const char *signature) {
  json_scan scan;
  size_t size;
  const char *text = binding_argument_secret(L, 1, &size, secret, signature);
  json_scan_begin(&scan, text, size);

  return scan;
}

static int fail_scan(lua_State *L, const json_scan *scan) {
  size_t line, column;
  json_scan_place(scan, &line, &column);
  return binding_fail(L, "InvalidJson", "line %I, column %I: %s", (LUAI_UACINT)line,
                      (LUAI_UACINT)column, scan->error);
}

static const char DECODE_SIGNATURE[] =
    "weir.json.decode(text or secret[, {secrets=boolean or \"tags\"?}])";

static json_secrets read_secrets(lua_State *L) {
  static const char *const keys[] = {"secrets", NULL};
  if (!binding_check_options(L, 2, keys, DECODE_SIGNATURE)) return JSON_SECRETS_NONE;

  json_secrets secrets = JSON_SECRETS_NONE;
  int type = binding_check_push(L, 2, "secrets");
  if (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "tags") == 0)
    secrets = JSON_SECRETS_TAGS;
  else if (type != LUA_TNIL && binding_check_boolean(L, 2, "secrets", false, DECODE_SIGNATURE))
    secrets = JSON_SECRETS_NAMES;
  lua_pop(L, 1);

  return secrets;
}

static int lua_json_decode(lua_State *L) {
  bool secret = false;
  lua_settop(L, 2);
  json_scan scan = begin_scan(L, &secret, DECODE_SIGNATURE);
  json_secrets secrets = read_secrets(L);
  binding_expect(L, !secret || secrets != JSON_SECRETS_NONE, DECODE_SIGNATURE);

  if (!json_decode_push_hiding(L, &scan, secrets) || !json_scan_finish(&scan))
    return fail_scan(L, &scan);
  return 1;
}

static const char VALIDATE_SIGNATURE[] = "weir.json.validate(text or secret)";

static int lua_json_validate(lua_State *L) {
  bool secret = false;
  lua_settop(L, 1);
  json_scan scan = begin_scan(L, &secret, VALIDATE_SIGNATURE);

  if (!json_scan_validate(&scan)) return fail_scan(L, &scan);

  lua_pushboolean(L, true);
  return 1;
}

static const char ENCODE_SIGNATURE[] =
    "weir.json.encode(value[, {sort=boolean?, ascii=boolean?, indent=integer?}])";

static json_style read_style(lua_State *L) {
  static const char *const keys[] = {"sort", "ascii", "indent", NULL};
  json_style style = {.sort = true};
  if (!binding_check_options(L, 2, keys, ENCODE_SIGNATURE)) return style;

  style.sort = binding_check_boolean(L, 2, "sort", true, ENCODE_SIGNATURE);
  style.ascii = binding_check_boolean(L, 2, "ascii", false, ENCODE_SIGNATURE);
  style.indent = (int)binding_check_integer(L, 2, "indent", 0, INDENT_AT_MOST, 0, ENCODE_SIGNATURE);
  return style;
}

static int lua_json_encode(lua_State *L) {
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  binding_expect(L, lua_gettop(L) >= 1, ENCODE_SIGNATURE);
  binding_argument_most(L, 2, ENCODE_SIGNATURE);
  json_style style = read_style(L);

  binding_buffer_begin(out);
  json_encode_value(L, 1, style, out);
  lua_pushlstring(L, out->data, out->size);
  return 1;
}

static const char ARRAY_SIGNATURE[] = "weir.json.array([list])";

static int lua_json_array(lua_State *L) {
  binding_argument_most(L, 1, ARRAY_SIGNATURE);
  if (lua_isnone(L, 1)) lua_newtable(L);
  if (!lua_istable(L, 1)) binding_check_refuse(L, 1, NULL, "a list", ARRAY_SIGNATURE);

  json_decode_push_array_metatable(L);
  lua_setmetatable(L, 1);
  return 1;
}

static const char IS_ARRAY_SIGNATURE[] = "weir.json.is_array(value)";

static int lua_json_is_array(lua_State *L) {
  binding_expect(L, lua_gettop(L) >= 1, IS_ARRAY_SIGNATURE);

  bool marked = false;
  if (lua_istable(L, 1) && lua_getmetatable(L, 1)) {
    json_decode_push_array_metatable(L); // value metatable array
    marked = lua_rawequal(L, -1, -2);
  }

  lua_pushboolean(L, marked);

  return 1;
}

/* Light userdata share one metatable; only null has a name to print. No addresses are shown. */
static int lua_json_null_tostring(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1) ? "light userdata" : "json.null");
  return 1;
}

static void push_null(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(json_null, tostring), BINDING_END};
  lua_pushlightuserdata(L, NULL);
  luaL_newlib(L, metamethods);
  lua_setmetatable(L, -2);
}

int luaopen_weir_json(lua_State *L) {
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(json, decode),   BINDING_FUNCTION(json, validate),
      BINDING_FUNCTION(json, encode),   BINDING_FUNCTION(json, array),
      BINDING_FUNCTION(json, is_array), BINDING_END};
  luaL_newlibtable(L, functions);
  binding_buffer_push(L); // module buffer
  luaL_setfuncs(L, functions, 1);
  push_null(L); // module null
  lua_setfield(L, -2, "null");

  return 1;
}
