/* weir.body: request bodies. Where a part is a secret, the body is one too: a task token goes from
 * its item into a SendTaskSuccess body, and out through weir.http, without being a Lua string.
 *
 *   json(value) → JSON text, or a secret; weir.json's rules, so what JSON cannot hold raises
 *   raw(text or secret) → a part of json() that is JSON already, such as weir.dynamodb.encode's
 *       answer | nil, message, "InvalidJson"
 *   form(fields) → name=value&…, by name, as the query protocol wants it, or a secret
 *
 * Over host/core/json and host/core/aws/sigv4_uri.c. Memory: one buffer a Lua state, in an upvalue,
 * wiped after a secret. */
#include <stdlib.h>

#include "binding.h"
#include "core/aws/sigv4_uri.h"
#include "core/json/scan.h"
#include "core/json/write.h"
#include "json_lua.h"
#include "registry.h"

static const char RAW[] = "weir.body.raw";

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
  binding_expect_memory(L, !out->failed);
  binding_secret_push_text(L, out->data ? out->data : "", out->size, secret);
  if (secret) explicit_bzero(out->data, out->size);
  return 1;
}

static const char JSON_SIGNATURE[] = "weir.body.json(value)";

static int lua_body_json(lua_State *L) {
  bool secret = false;
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  binding_expect(L, lua_gettop(L) == 1, JSON_SIGNATURE);

  json_style style = {.sort = true, .special = write_part, .context = &secret};
  binding_buffer_begin(out);
  json_encode_value(L, 1, style, out);
  return push_body(L, out, secret);
}

static const char RAW_SIGNATURE[] = "weir.body.raw(text or secret)";

static int lua_body_raw(lua_State *L) {
  bool secret = false;
  size_t size;
  json_scan scan;
  binding_argument_most(L, 1, RAW_SIGNATURE);
  const char *text = binding_argument_secret(L, 1, &size, &secret, RAW_SIGNATURE);

  json_scan_begin(&scan, text, size);
  if (!json_scan_validate(&scan)) return binding_fail(L, "InvalidJson", "%s", scan.error);

  binding_owner_push(L, RAW, 0, 1); // text part
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static int lua_body_raw_tostring(lua_State *L) {
  binding_argument_self(L, RAW, "a part made by weir.body.raw");
  lua_getiuservalue(L, 1, 1);
  luaL_tolstring(L, -1, NULL);
  return 1;
}

static const char FORM_SIGNATURE[] = "weir.body.form{name = text, number, boolean or secret, …}";

typedef struct {
  sigv4_text name, value; /* kept alive by the table, numbers by a list beside it */
} field;

static int compare_fields(const void *left, const void *right) {
  return sigv4_text_compare(((const field *)left)->name, ((const field *)right)->name);
}

/* Reads the table at 1 into a block of fields, which it pushes. */
static field *collect_fields(lua_State *L, size_t *count, bool *secret) {
  *count = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) ++*count;
  field *fields = lua_newuserdatauv(L, (*count + 1) * sizeof *fields, 0);
  lua_newtable(L); // fields texts, of numbers and booleans
  size_t i = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1), i++) { // fields texts name value
    binding_expect(L, lua_type(L, -2) == LUA_TSTRING, FORM_SIGNATURE);
    fields[i].name.at = lua_tolstring(L, -2, &fields[i].name.size);
    int type = lua_type(L, -1);
    fields[i].value.at = type == LUA_TNUMBER || type == LUA_TBOOLEAN
                             ? luaL_tolstring(L, -1, &fields[i].value.size)
                             : binding_secret_text(L, -1, &fields[i].value.size, secret);
    binding_expect(L, fields[i].value.at != NULL, FORM_SIGNATURE);
    if (type == LUA_TNUMBER || type == LUA_TBOOLEAN)
      lua_rawseti(L, -4, (lua_Integer)i + 1); // fields texts name value
  }

  qsort(fields, *count, sizeof *fields, compare_fields);

  return fields;
}

static int lua_body_form(lua_State *L) {
  bool secret = false;
  size_t count;
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  binding_argument_most(L, 1, FORM_SIGNATURE);
  if (!lua_istable(L, 1)) binding_check_refuse(L, 1, NULL, "a table", FORM_SIGNATURE);
  const field *fields = collect_fields(L, &count, &secret);

  binding_buffer_begin(out);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) text_buffer_byte(out, '&');
    sigv4_uri_encode(out, fields[i].name, false);
    text_buffer_byte(out, '=');
    sigv4_uri_encode(out, fields[i].value, false);
  }

  return push_body(L, out, secret);
}

int luaopen_weir_body(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(body_raw, tostring), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(body, json), BINDING_FUNCTION(body, raw),
                                       BINDING_FUNCTION(body, form), BINDING_END};
  binding_type_register(L, RAW, metamethods, NULL);

  luaL_newlibtable(L, functions);
  binding_buffer_push(L); // module buffer
  luaL_setfuncs(L, functions, 1);
  return 1;
}
