/* weir.secret: values that must not be seen. A secret prints, logs, concatenates, formats and
 * encodes as "[redacted]"; only a request opens it, in C (binding.h states the rule).
 *
 *   wrap(text)         a secret with a copy of the text; a secret is returned as it is
 *   environment(name)  the variable as a secret that never was a Lua string, or nil
 *   is(value)          whether a value is a secret
 *   equal(a, b)        constant-time comparison of secrets or strings
 *   hide(text, secret) the text with "[redacted]" for every piece of the secret, escaped or in
 *                      base64 as well: services like to quote what they refuse
 *   redact(text, list) the text with "[redacted]" for every secret of the list, and for whatever
 *                      looks like a task token, escaped or in base64 as well
 *   names(name)        whether a value of this name is a secret: the one list there is
 *   size(secret)       how many bytes it has
 *   digest(secret)     its SHA-256 in hexadecimal digits, to tell secrets apart by
 *   made_of(secret, characters)  whether all its bytes are among these
 *
 * Lua still owns the string that was given to wrap: drop it. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "core/secret/name.h"
#include "core/secret/redact.h"
#include "core/secret/text.h"
#include "core/system/sha256.h"
#include "registry.h"

#define REDACT_SIGNATURE "weir.secret.redact(text, list of secrets)"

static int secret_wrap(lua_State *L) {
  bool secret = false;
  size_t size;
  const char *text = binding_secret_text(L, 1, &size, &secret);
  binding_expect(L, text != NULL, "weir.secret.wrap(text)");
  if (secret)
    lua_settop(L, 1);
  else
    binding_secret_push(L, text, size);
  return 1;
}

static int secret_environment(lua_State *L) {
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "weir.secret.environment(name)");
  const char *value = getenv(lua_tostring(L, 1));
  if (!value || !*value) return 0;
  binding_secret_push(L, value, strlen(value));
  return 1;
}

static int secret_is(lua_State *L) {
  lua_pushboolean(L, binding_secret(L, 1, NULL) != NULL);
  return 1;
}

static int secret_equal(lua_State *L) {
  for (int index = 1; index <= 2; index++) {
    bool secret = false;
    size_t size;
    const char *text = binding_secret_text(L, index, &size, &secret);
    binding_expect(L, text != NULL, "weir.secret.equal(secret or text, secret or text)");
    if (secret) continue;
    binding_secret_push(L, text, size);
    lua_replace(L, index);
  }
  lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPEQ));
  return 1;
}

static int secret_hide_(lua_State *L) {
  size_t size, secret_size = 0;
  const char *secret = binding_secret(L, 2, &secret_size);
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING && secret, "weir.secret.hide(text, secret)");
  const char *text = lua_tolstring(L, 1, &size);
  text_buffer *out = binding_buffer_push(L);
  if (!secret_hide(out, text, size, secret, secret_size) && !out->failed) {
    lua_settop(L, 1);
    return 1;
  }
  if (out->failed) return luaL_error(L, "not enough memory");
  lua_pushlstring(L, out->data, out->size);
  return 1;
}

/* The values are valid while the list holds them. */
static secret_value *read_known(lua_State *L, int index, size_t *count) {
  *count = lua_rawlen(L, index);
  secret_value *known = lua_newuserdatauv(L, (*count + 1) * sizeof *known, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    known[i].bytes = binding_secret(L, -1, &known[i].size);
    binding_expect(L, known[i].bytes != NULL, REDACT_SIGNATURE);
    lua_pop(L, 1);
  }
  return known;
}

static int secret_redact_(lua_State *L) {
  size_t size, count;
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING && lua_istable(L, 2), REDACT_SIGNATURE);
  const char *text = lua_tolstring(L, 1, &size);
  text_buffer *out = binding_buffer_push(L);
  const secret_value *known = read_known(L, 2, &count);
  if (!secret_redact(out, text, size, known, count)) {
    lua_settop(L, 1);
    return 1;
  }
  if (out->failed) return luaL_error(L, "not enough memory");
  lua_pushlstring(L, out->data, out->size);
  return 1;
}

static int secret_names(lua_State *L) {
  size_t size;
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "weir.secret.names(name)");
  const char *name = lua_tolstring(L, 1, &size);
  lua_pushboolean(L, secret_name(name, size));
  return 1;
}

static int secret_size(lua_State *L) {
  size_t size;
  binding_expect(L, binding_secret(L, 1, &size) != NULL, "weir.secret.size(secret)");
  lua_pushinteger(L, (lua_Integer)size);
  return 1;
}

static int secret_digest(lua_State *L) {
  size_t size;
  char digits[SHA256_HEX];
  const char *bytes = binding_secret(L, 1, &size);
  binding_expect(L, bytes != NULL, "weir.secret.digest(secret)");
  sha256_text(bytes, size, digits);
  lua_pushstring(L, digits);
  return 1;
}

static int secret_made_of(lua_State *L) {
  size_t size, count;
  const char *bytes = binding_secret(L, 1, &size);
  binding_expect(L, bytes && lua_type(L, 2) == LUA_TSTRING,
                 "weir.secret.made_of(secret, characters)");
  const char *characters = lua_tolstring(L, 2, &count);
  bool all = true;
  for (size_t i = 0; i < size; i++) all = all && memchr(characters, bytes[i], count);
  lua_pushboolean(L, all);
  return 1;
}

int luaopen_weir_secret(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"wrap", secret_wrap},
      {"environment", secret_environment},
      {"is", secret_is},
      {"equal", secret_equal},
      {"hide", secret_hide_},
      {"names", secret_names},
      {"size", secret_size},
      {"made_of", secret_made_of},
      {"redact", secret_redact_},
      {"digest", secret_digest},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
