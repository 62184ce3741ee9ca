/* weir.secret: values that must not be seen. A secret prints, logs, concatenates, formats and
 * encodes as "[redacted]"; only a request opens it, in C (binding.h states the rule).
 *
 *   wrap(text) → a secret with a copy of the text; a secret is returned as it is
 *   environment(name) → the variable as a secret that never was a Lua string, or nothing: it is
 *       unset or empty
 *   is(value) → whether the value is a secret
 *   equal(a, b) → whether two secrets or strings are the same, compared in constant time
 *   hide(text, secret) → the text with "[redacted]" for every piece of the secret, escaped or in
 *       base64 as well: services like to quote what they refuse
 *   redact(text, {secret, …}) → the text with "[redacted]" for every secret of the list, and for
 *       whatever looks like a task token, escaped or in base64 as well
 *   candidates(value) → a list of what a decoded value holds that is a secret, or a text that may
 *       hold one: a parameter, or JSON as it is, percent-encoded, in base64 or behind some words
 *   copy(value, {secret, …}) → a deep copy of a decoded value, or nil when something in it must be
 *       hidden, or needs a closer look
 *   is_clean(json, {secret, …}) → whether a JSON text holds nothing that candidates would list or
 *       copy would hide; false as well of a text with escapes, or one that is not JSON
 *   clean_json(value, {secret, …}[, {[table] = text}]) → the value as weir.json encodes it, or nil
 *       where is_clean is false of that; the JSON of tables in it may be given, which is clean
 *   names(name) → whether a value of this name is a secret: host/core/secret/name.c has the list
 *   size(secret) → its length in bytes
 *   digest(secret) → its SHA-256 in hexadecimal digits, to tell secrets apart by
 *   made_of(secret, characters) → whether all its bytes are among these
 *
 * None of them fails. Lua still owns the string that was given to wrap: drop it.
 * Memory: the Lua state's; the bytes of a secret are wiped when it is collected. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "core/secret/name.h"
#include "core/secret/redact.h"
#include "core/secret/text.h"
#include "core/system/sha256.h"
#include "registry.h"
#include "secret_clean.h"
#include "secret_walk.h"

/* A secret and nothing else. */
static const char *check_secret(lua_State *L, int index, size_t *size, const char *signature) {
  const char *bytes = binding_secret(L, index, size);
  if (!bytes) binding_check_refuse(L, index, NULL, "a secret", signature);
  return bytes;
}

static const char WRAP_SIGNATURE[] = "weir.secret.wrap(text)";

static int lua_secret_wrap(lua_State *L) {
  bool secret = false;
  size_t size;
  lua_settop(L, 1);
  const char *text = binding_argument_secret(L, 1, &size, &secret, WRAP_SIGNATURE);

  if (!secret) binding_secret_push(L, text, size);
  return 1;
}

static const char ENVIRONMENT_SIGNATURE[] = "weir.secret.environment(name)";

static int lua_secret_environment(lua_State *L) {
  lua_settop(L, 1);
  const char *name = binding_argument_name(L, 1, ENVIRONMENT_SIGNATURE);

  const char *value = getenv(name);
  if (!value || !*value) return 0;

  binding_secret_push(L, value, strlen(value));
  return 1;
}

static const char IS_SIGNATURE[] = "weir.secret.is(value)";

static int lua_secret_is(lua_State *L) {
  binding_expect(L, lua_gettop(L) >= 1, IS_SIGNATURE);
  lua_pushboolean(L, binding_secret(L, 1, NULL) != NULL);
  return 1;
}

static const char EQUAL_SIGNATURE[] = "weir.secret.equal(secret or text, secret or text)";

static int lua_secret_equal(lua_State *L) {
  lua_settop(L, 2);
  for (int index = 1; index <= 2; index++) {
    bool secret = false;
    size_t size;
    const char *text = binding_argument_secret(L, index, &size, &secret, EQUAL_SIGNATURE);
    if (secret) continue;
    binding_secret_push(L, text, size);
    lua_replace(L, index);
  }

  lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPEQ));
  return 1;
}

static const char HIDE_SIGNATURE[] = "weir.secret.hide(text, secret)";

static int lua_secret_hide(lua_State *L) {
  size_t size, secret_size = 0;
  lua_settop(L, 2);
  const char *text = binding_argument_text(L, 1, &size, HIDE_SIGNATURE);
  const char *secret = check_secret(L, 2, &secret_size, HIDE_SIGNATURE);

  text_buffer *out = binding_buffer_push(L);
  if (!secret_hide(out, text, size, secret, secret_size) && !out->failed) {
    lua_settop(L, 1);
    return 1;
  }

  binding_buffer_finish(L, out);
  return 1;
}

static const char REDACT_SIGNATURE[] = "weir.secret.redact(text, {secret, …})";

enum { FEW_SECRETS = 16 };

/* The secrets of the list at index, in `few` or in a block that is pushed; the list keeps their
 * bytes alive. */
static secret_value *read_known(lua_State *L, int index, size_t *count,
                                secret_value few[FEW_SECRETS], const char *signature) {
  *count = (size_t)binding_check_list(L, index, NULL, signature);
  secret_value *known = few;
  if (*count > FEW_SECRETS) known = lua_newuserdatauv(L, *count * sizeof *known, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    known[i].bytes = binding_secret(L, -1, &known[i].size);
    if (!known[i].bytes) binding_check_refuse(L, index, NULL, "a list of secrets", signature);
    lua_pop(L, 1);
  }

  return known;
}

static int lua_secret_redact(lua_State *L) {
  size_t size, count;
  lua_settop(L, 2);
  const char *text = binding_argument_text(L, 1, &size, REDACT_SIGNATURE);
  secret_value few[FEW_SECRETS];
  const secret_value *known = read_known(L, 2, &count, few, REDACT_SIGNATURE);
  if (secret_is_harmless(text, size, known, count)) {
    lua_settop(L, 1);
    return 1;
  }

  text_buffer *out = binding_buffer_push(L);
  if (!secret_redact(out, text, size, known, count) && !out->failed) {
    lua_settop(L, 1);
    return 1;
  }

  binding_buffer_finish(L, out);
  return 1;
}

static const char CANDIDATES_SIGNATURE[] = "weir.secret.candidates(value)";

static int lua_secret_candidates(lua_State *L) {
  binding_expect(L, lua_gettop(L) >= 1, CANDIDATES_SIGNATURE);
  lua_settop(L, 1);
  lua_newtable(L); // value list
  lua_pushvalue(L, 1);
  secret_walk_candidates(L, 2);

  return 1;
}

static const char COPY_SIGNATURE[] = "weir.secret.copy(value, {secret, …})";

static int lua_secret_copy(lua_State *L) {
  size_t count;
  secret_value few[FEW_SECRETS];
  lua_settop(L, 2);
  const secret_value *known = read_known(L, 2, &count, few, COPY_SIGNATURE);

  lua_pushvalue(L, 1);
  secret_walk_copy(L, known, count);
  return 1;
}

static const char IS_CLEAN_SIGNATURE[] = "weir.secret.is_clean(json, {secret, …})";

static int lua_secret_is_clean(lua_State *L) {
  size_t count;
  json_span text = {0};
  secret_value few[FEW_SECRETS];
  lua_settop(L, 2);
  text.at = binding_argument_text(L, 1, &text.size, IS_CLEAN_SIGNATURE);
  const secret_value *known = read_known(L, 2, &count, few, IS_CLEAN_SIGNATURE);

  lua_pushboolean(L, secret_clean_is(text, known, count));
  return 1;
}

static const char CLEAN_JSON_SIGNATURE[] =
    "weir.secret.clean_json(value, {secret, …}[, {[table]=text}])";

static int lua_secret_clean_json(lua_State *L) {
  size_t count;
  secret_value few[FEW_SECRETS];
  text_buffer *out = lua_touserdata(L, lua_upvalueindex(1));
  secret_clean_names *names = lua_touserdata(L, lua_upvalueindex(2));
  lua_settop(L, 3);
  const secret_value *known = read_known(L, 2, &count, few, CLEAN_JSON_SIGNATURE);
  bool has_parts = !lua_isnil(L, 3);
  if (has_parts && !lua_istable(L, 3))
    binding_check_refuse(L, 3, NULL, "a table", CLEAN_JSON_SIGNATURE);

  binding_buffer_begin(out);
  if (!secret_clean_encode(L, 1, has_parts ? 3 : 0, known, count, names, out)) return 0;

  lua_pushlstring(L, out->data, out->size);
  return 1;
}

static const char NAMES_SIGNATURE[] = "weir.secret.names(name)";

static int lua_secret_names(lua_State *L) {
  size_t size;
  lua_settop(L, 1);
  const char *name = binding_argument_text(L, 1, &size, NAMES_SIGNATURE);

  lua_pushboolean(L, secret_name(name, size));
  return 1;
}

static const char SIZE_SIGNATURE[] = "weir.secret.size(secret)";

static int lua_secret_size(lua_State *L) {
  size_t size;
  lua_settop(L, 1);
  check_secret(L, 1, &size, SIZE_SIGNATURE);

  lua_pushinteger(L, (lua_Integer)size);
  return 1;
}

static const char DIGEST_SIGNATURE[] = "weir.secret.digest(secret)";

static int lua_secret_digest(lua_State *L) {
  size_t size;
  char digits[SHA256_HEX];
  lua_settop(L, 1);
  const char *bytes = check_secret(L, 1, &size, DIGEST_SIGNATURE);

  sha256_text(bytes, size, digits);
  lua_pushstring(L, digits);
  return 1;
}

static const char MADE_OF_SIGNATURE[] = "weir.secret.made_of(secret, characters)";

static int lua_secret_made_of(lua_State *L) {
  size_t size, count;
  lua_settop(L, 2);
  const char *bytes = check_secret(L, 1, &size, MADE_OF_SIGNATURE);
  const char *characters = binding_argument_text(L, 2, &count, MADE_OF_SIGNATURE);

  bool all = true;
  for (size_t i = 0; i < size; i++) all = all && memchr(characters, bytes[i], count);
  lua_pushboolean(L, all);
  return 1;
}

int luaopen_weir_secret(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(secret, wrap),
                                       BINDING_FUNCTION(secret, environment),
                                       BINDING_FUNCTION(secret, is),
                                       BINDING_FUNCTION(secret, equal),
                                       BINDING_FUNCTION(secret, hide),
                                       BINDING_FUNCTION(secret, redact),
                                       BINDING_FUNCTION(secret, copy),
                                       BINDING_FUNCTION(secret, candidates),
                                       BINDING_FUNCTION(secret, is_clean),
                                       BINDING_FUNCTION(secret, clean_json),
                                       BINDING_FUNCTION(secret, names),
                                       BINDING_FUNCTION(secret, size),
                                       BINDING_FUNCTION(secret, digest),
                                       BINDING_FUNCTION(secret, made_of),
                                       BINDING_END};
  luaL_newlibtable(L, functions);
  binding_buffer_push(L);
  secret_clean_names *names = lua_newuserdatauv(L, sizeof *names, 0); // module buffer names
  memset(names, 0, sizeof *names);
  luaL_setfuncs(L, functions, 2);

  return 1;
}
