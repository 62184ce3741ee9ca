/* weir.body: request bodies. Where a part is a secret, the body is one too: a task token goes from
 * its item into a SendTaskSuccess body, and out through weir.http, without being a Lua string.
 *
 *   json(value) → JSON text, or a secret; weir.json's rules, so what JSON cannot hold raises
 *   raw(text) → a part of json() that is JSON already, such as weir.dynamodb.encode's answer
 *             | nil, message, "InvalidJson"
 *   form(fields) → name=value&…, by name, as the query protocol wants it, or a secret
 *
 * Memory: one buffer a Lua state, in an upvalue. */
#include <stdlib.h>

#include "binding.h"
#include "core/aws/sigv4_uri.h"
#include "core/json/scan.h"
#include "core/json/write.h"
#include "json_lua.h"
#include "registry.h"

#define RAW "weir.body.raw"

/* json_style.special: secrets and raw parts. */
static bool write_part(lua_State *L, text_buffer *out, void *context) {
  bool *secret = context;
  size_t size;
  if (lua_type(L, -1) != LUA_TUSERDATA) return false;
  const char *bytes = binding_secret(L, -1, &size);
  if (bytes) {
    *secret = true;
    if (!json_write_string_utf8(out, bytes, size))
      luaL_error(L, "weir.body.json: a secret is not valid UTF-8");
    return true;
  }
  if (!luaL_testudata(L, -1, RAW)) return false;
  lua_getiuservalue(L, -1, 1);
  bytes = binding_secret_text(L, -1, &size, secret);
  text_buffer_append(out, bytes, size);
  lua_pop(L, 1);
  return true;
}

static int push_body(lua_State *L, text_buffer *out, bool secret) {
  if (out->failed) return luaL_error(L, "not enough memory for a request body");
  binding_secret_push_text(L, out->data, out->size, secret);
  if (secret) explicit_bzero(out->data, out->size);
  return 1;
}

static int body_json(lua_State *L) {
  bool secret = false;
  binding_expect(L, lua_gettop(L) == 1, "weir.body.json(value)");
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  binding_buffer_begin(out);
  json_style style = {.sort = true, .special = write_part, .context = &secret};
  json_encode_value(L, 1, style, out);
  return push_body(L, out, secret);
}

static int body_raw(lua_State *L) {
  bool secret = false;
  size_t size;
  json_scan scan;
  const char *text = binding_secret_text(L, 1, &size, &secret);
  binding_expect(L, text && lua_gettop(L) == 1, "weir.body.raw(text)");
  json_scan_begin(&scan, text, size);
  if (!json_scan_validate(&scan)) return binding_fail(L, "InvalidJson", "%s", scan.error);
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, RAW);
  return 1;
}

typedef struct {
  sigv4_text name, value; /* kept alive by the table, numbers by a list beside it */
} field;

static int compare_fields(const void *left, const void *right) {
  return sigv4_text_compare(((const field *)left)->name, ((const field *)right)->name);
}

/* Reads the table at 1 into a block of fields, which it pushes. */
static field *collect_fields(lua_State *L, size_t *count, bool *secret, const char *signature) {
  *count = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) ++*count;
  field *fields = lua_newuserdatauv(L, (*count + 1) * sizeof *fields, 0);
  lua_newtable(L); // texts of numbers and booleans
  size_t i = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1), i++) {
    binding_expect(L, lua_type(L, -2) == LUA_TSTRING, signature);
    fields[i].name.at = lua_tolstring(L, -2, &fields[i].name.size);
    int type = lua_type(L, -1);
    fields[i].value.at = type == LUA_TNUMBER || type == LUA_TBOOLEAN
                             ? luaL_tolstring(L, -1, &fields[i].value.size)
                             : binding_secret_text(L, -1, &fields[i].value.size, secret);
    binding_expect(L, fields[i].value.at != NULL, signature);
    if (type == LUA_TNUMBER || type == LUA_TBOOLEAN) lua_rawseti(L, -4, (lua_Integer)i + 1);
  }
  qsort(fields, *count, sizeof *fields, compare_fields);
  return fields;
}

static int body_form(lua_State *L) {
  static const char *const signature = "weir.body.form{name = text, number, boolean or secret, …}";
  bool secret = false;
  size_t count;
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), signature);
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  binding_buffer_begin(out);
  const field *fields = collect_fields(L, &count, &secret, signature);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) text_buffer_byte(out, '&');
    sigv4_uri_encode(out, fields[i].name, false);
    text_buffer_byte(out, '=');
    sigv4_uri_encode(out, fields[i].value, false);
  }
  if (count == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  return push_body(L, out, secret);
}

static int raw_to_text(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  luaL_tolstring(L, -1, NULL);
  return 1;
}

int luaopen_weir_body(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"json", body_json}, {"raw", body_raw}, {"form", body_form}, {NULL, NULL}};
  if (luaL_newmetatable(L, RAW)) {
    lua_pushcfunction(L, raw_to_text);
    lua_setfield(L, -2, "__tostring");
  }
  luaL_newlibtable(L, functions);
  binding_buffer_push(L);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
