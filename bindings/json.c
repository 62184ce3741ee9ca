/* weir.json: strict RFC 8259 in both directions.
 *   decode(text[, {secrets=}]) → value | nil, message, "InvalidJson"
 *     secrets=true: strings that are secrets by their names come as such (json_lua.h)
 *     (a text that is a secret needs it: what is one in there stays one)
 *     secrets="tags": only in lists of tags, {"Key": "TaskToken", "Value": …}
 *   encode(value[, {sort=, ascii=, indent=}]) → text, raising for what JSON cannot hold
 *   validate(text) → true | nil, message, "InvalidJson"
 *   null, array([list]) → list, is_array(value) → boolean
 * Memory: encode writes into one buffer per state, freed with it. */
#include <string.h>

#include "binding.h"
#include "core/json/scan.h"
#include "json_lua.h"
#include "registry.h"

enum { KEEP_AT_MOST = 1 << 20, INDENT_AT_MOST = 16 };

static const char *const decode_signature = "json.decode(text[, {secrets=boolean or \"tags\"}])";
static const char *const validate_signature = "json.validate(text)";
static const char *const encode_signature =
    "json.encode(value[, {sort=boolean, ascii=boolean, indent=integer}])";

static json_scan begin_scan(lua_State *L, const char *signature) {
  json_scan scan;
  size_t size;
  bool secret;
  const char *text = binding_secret_text(L, 1, &size, &secret);
  binding_expect(L, text != NULL, signature);
  json_scan_begin(&scan, text, size);
  return scan;
}

static int fail_scan(lua_State *L, const json_scan *scan) {
  size_t line, column;
  json_scan_place(scan, &line, &column);
  return binding_fail(L, "InvalidJson", "line %I, column %I: %s", (LUAI_UACINT)line,
                      (LUAI_UACINT)column, scan->error);
}

static json_secrets read_secrets(lua_State *L) {
  static const char *const allowed[] = {"secrets", NULL};
  if (lua_isnoneornil(L, 2)) return JSON_SECRETS_NONE;
  binding_expect(L, lua_istable(L, 2), decode_signature);
  binding_check_keys(L, 2, allowed, decode_signature);
  int type = lua_getfield(L, 2, "secrets");
  bool tags = type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "tags") == 0;
  binding_expect(L, tags || type == LUA_TBOOLEAN || type == LUA_TNIL, decode_signature);
  bool all = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return tags ? JSON_SECRETS_TAGS : all ? JSON_SECRETS_NAMES : JSON_SECRETS_NONE;
}

static int decode(lua_State *L) {
  json_scan scan = begin_scan(L, decode_signature);
  json_secrets secrets = read_secrets(L);
  bool opens_a_secret = binding_secret(L, 1, NULL) && secrets == JSON_SECRETS_NONE;
  binding_expect(L, !opens_a_secret, decode_signature);
  if (!json_decode_push_hiding(L, &scan, secrets) || !json_scan_finish(&scan))
    return fail_scan(L, &scan);
  return 1;
}

static int validate(lua_State *L) {
  json_scan scan = begin_scan(L, validate_signature);
  if (!json_scan_validate(&scan)) return fail_scan(L, &scan);
  lua_pushboolean(L, true);
  return 1;
}

static bool flag_option(lua_State *L, const char *key, bool otherwise) {
  int type = lua_getfield(L, 2, key);
  binding_expect(L, type == LUA_TNIL || type == LUA_TBOOLEAN, encode_signature);
  bool value = type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static json_style read_style(lua_State *L) {
  static const char *const allowed[] = {"sort", "ascii", "indent", NULL};
  json_style style = {.sort = true};
  if (lua_isnoneornil(L, 2)) return style;
  binding_expect(L, lua_istable(L, 2), encode_signature);
  binding_check_keys(L, 2, allowed, encode_signature);
  style.sort = flag_option(L, "sort", true);
  style.ascii = flag_option(L, "ascii", false);
  if (lua_getfield(L, 2, "indent") != LUA_TNIL) {
    lua_Integer indent = lua_tointeger(L, -1);
    binding_expect(L, lua_isinteger(L, -1) && indent >= 0 && indent <= INDENT_AT_MOST,
                   encode_signature);
    style.indent = (int)indent;
  }
  lua_pop(L, 1);
  return style;
}

static int free_buffer(lua_State *L) {
  text_buffer_free(lua_touserdata(L, 1));
  return 0;
}

/* The buffer is the first upvalue: a raise in the middle loses nothing. */
static int encode(lua_State *L) {
  binding_expect(L, lua_gettop(L) >= 1 && lua_gettop(L) <= 2, encode_signature);
  json_style style = read_style(L);
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  if (out->failed || out->capacity > KEEP_AT_MOST) text_buffer_free(out);
  out->size = 0;
  json_encode_value(L, 1, style, out);
  lua_pushlstring(L, out->data, out->size);
  return 1;
}

static int array(lua_State *L) {
  if (lua_isnone(L, 1)) lua_newtable(L);
  binding_expect(L, lua_istable(L, 1) && lua_gettop(L) == 1, "json.array([list])");
  json_decode_push_array_metatable(L);
  lua_setmetatable(L, 1);
  return 1;
}

static int is_array(lua_State *L) {
  luaL_checkany(L, 1);
  bool marked = false;
  if (lua_istable(L, 1) && lua_getmetatable(L, 1)) {
    json_decode_push_array_metatable(L);
    marked = lua_rawequal(L, -1, -2);
  }
  lua_pushboolean(L, marked);
  return 1;
}

/* Light userdata share one metatable; only null has a name to print. No addresses are shown. */
static int light_to_text(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1) ? "light userdata" : "json.null");
  return 1;
}

static void push_null(lua_State *L) {
  lua_pushlightuserdata(L, NULL);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, light_to_text);
  lua_setfield(L, -2, "__tostring");
  lua_setmetatable(L, -2);
}

static void push_encode(lua_State *L) {
  text_buffer *buffer = lua_newuserdatauv(L, sizeof *buffer, 0);
  *buffer = (text_buffer){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, free_buffer);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pushcclosure(L, encode, 1);
}

int luaopen_weir_json(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", decode},
                                       {"validate", validate},
                                       {"array", array},
                                       {"is_array", is_array},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  push_encode(L);
  lua_setfield(L, -2, "encode");
  push_null(L);
  lua_setfield(L, -2, "null");
  return 1;
}
