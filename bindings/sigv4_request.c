/* The argument of sign and presign, taken out of its Lua table. See sigv4_request.h. */
#include "sigv4_request.h"

#include <math.h>
#include <time.h>

enum { SIGV4_EXPIRES_DEFAULT = 900 };

/* The members of the request lie on the stack behind its table, those of the credentials behind
 * them, both in the order of their names. */
static const char *const request_keys[] = {"method",  "url",     "headers",        "body",
                                           "service", "region",  "payload_hash",   "credentials",
                                           "time",    "expires", "content_sha256", NULL};
static const char *const credential_keys[] = {
    "access_key_id", "secret_access_key", "session_token", "expiration", "source", NULL};

enum {
  METHOD = 2,
  URL,
  HEADERS,
  BODY,
  SERVICE,
  REGION,
  PAYLOAD_HASH,
  CREDENTIALS,
  TIME,
  EXPIRES,
  CONTENT_SHA256,
  ACCESS_KEY_ID,
  SECRET_ACCESS_KEY,
  SESSION_TOKEN = SIGV4_REQUEST_TOKEN,
};

static const char *name_of(int member) {
  return member < ACCESS_KEY_ID ? request_keys[member - METHOD]
                                : credential_keys[member - ACCESS_KEY_ID];
}

/* A text, empty when it is absent. With a NULL `secret`, a secret is refused. */
static sigv4_text read_text(lua_State *L, int member, bool *secret, const char *signature) {
  sigv4_text text = {"", 0};
  if (lua_isnil(L, member)) return text;
  if (secret)
    text.at = binding_secret_text(L, member, &text.size, secret);
  else
    text.at = lua_type(L, member) == LUA_TSTRING ? lua_tolstring(L, member, &text.size) : NULL;
  if (!text.at)
    binding_check_refuse(L, member, name_of(member), secret ? "a string or a secret" : "a string",
                         signature);

  return text;
}

static bool is_of_type(lua_State *L, int member, int type, const char *wanted,
                       const char *signature) {
  if (lua_isnil(L, member)) return false;
  if (lua_type(L, member) != type)
    binding_check_refuse(L, member, name_of(member), wanted, signature);
  return true;
}

static void read_credentials(lua_State *L, sigv4_request *request, bool *secret,
                             const char *signature) {
  bool key_is_secret = false;
  if (!lua_istable(L, CREDENTIALS))
    binding_check_refuse(L, CREDENTIALS, "credentials", "a table", signature);

  binding_check_members(L, CREDENTIALS, credential_keys, signature);
  request->access_key_id = read_text(L, ACCESS_KEY_ID, &key_is_secret, signature);
  request->secret_access_key = read_text(L, SECRET_ACCESS_KEY, &key_is_secret, signature);
  request->session_token = read_text(L, SESSION_TOKEN, secret, signature);
}

static bool read_time(lua_State *L, sigv4_request *request, char text[SIGV4_TIME],
                      const char *signature) {
  int type = lua_type(L, TIME);
  if (type == LUA_TSTRING) {
    request->time.at = lua_tolstring(L, TIME, &request->time.size);
    return sigv4_time_check(request->time);
  }

  if (type != LUA_TNUMBER && type != LUA_TNIL)
    binding_check_refuse(L, TIME, "time", "a number or a string", signature);
  lua_Number seconds = type == LUA_TNIL ? (lua_Number)time(NULL) : floor(lua_tonumber(L, TIME));
  request->time = (sigv4_text){text, SIGV4_TIME - 1};

  return seconds >= 0 && seconds < 1e12 && sigv4_time_format((int64_t)seconds, text);
}

/* One value of a header, on top of the stack. */
static sigv4_text header_value(lua_State *L, bool *secret, const char *signature) {
  sigv4_text value;
  if (lua_type(L, -1) == LUA_TNUMBER) {
    value.at = luaL_tolstring(L, -1, &value.size);
    lua_replace(L, -2);
  } else {
    value.at = binding_secret_text(L, -1, &value.size, secret);
  }

  if (!value.at) luaL_error(L, "a header must be text or a list of texts; expected %s", signature);

  return value;
}

/* Adds the header whose name and value are on top of the stack. */
static const char *add_header(lua_State *L, sigv4_headers *headers, bool *secret,
                              const char *signature) {
  if (lua_type(L, -2) != LUA_TSTRING)
    luaL_error(L, "a header's name must be a string; expected %s", signature);
  sigv4_text name;
  name.at = lua_tolstring(L, -2, &name.size);
  if (lua_type(L, -1) != LUA_TTABLE)
    return sigv4_headers_add(headers, name, header_value(L, secret, signature));
  lua_Integer count = binding_check_list(L, -1, "headers", signature);
  if (count == 0) luaL_error(L, "header '%s' has an empty list; expected %s", name.at, signature);
  const char *wrong = NULL;
  for (lua_Integer i = 1; i <= count && !wrong; i++) {
    lua_rawgeti(L, -1, i);
    sigv4_text value = header_value(L, secret, signature);
    wrong = i == 1 ? sigv4_headers_add(headers, name, value) : sigv4_headers_append(headers, value);
    lua_pop(L, 1);
  }

  return wrong;
}

/* Puts the header just added into the result at index: as it was given, but for lists, which are
 * joined, and folded lines, which are unfolded. An earlier signature's headers are left out. */
static void keep_header(lua_State *L, int result, const sigv4_headers *headers, bool secret) {
  const sigv4_header *header = &headers->headers[headers->count - 1];
  if (headers->failed || header->role == SIGV4_REPLACED) return;
  sigv4_text name = sigv4_headers_name(headers, header);
  sigv4_text value = sigv4_headers_value(headers, header);
  size_t size;
  bool ignored = false;
  const char *given = binding_secret_text(L, -1, &size, &ignored);
  size_t key_size;
  const char *key = lua_tolstring(L, -2, &key_size);
  if (sigv4_text_compare((sigv4_text){key, key_size}, name) == 0)
    lua_pushvalue(L, -2); // … name value, key
  else
    lua_pushlstring(L, name.at, name.size);
  if (given && !memchr(given, '\n', size))
    lua_pushvalue(L, -2);
  else
    binding_secret_push_text(L, value.at, value.size, secret);
  lua_rawset(L, result); // … name value
}

const char *sigv4_request_read_headers(lua_State *L, sigv4_signer *signer, int result, bool *secret,
                                       const char *signature) {
  if (!is_of_type(L, HEADERS, LUA_TTABLE, "a table", signature)) return NULL;

  for (lua_pushnil(L); lua_next(L, HEADERS); lua_pop(L, 1)) {
    bool this_one = false;
    const char *wrong = add_header(L, &signer->headers, &this_one, signature);
    if (wrong) return lua_pushfstring(L, "header '%s': %s", lua_tostring(L, -2), wrong);
    if (result) keep_header(L, result, &signer->headers, this_one);
    *secret = *secret || this_one;
  }

  return NULL;
}

/* 0 is what presigning refuses with a message of its own: out of range, or a part of a second. */
static unsigned read_expires(lua_State *L, const char *signature) {
  if (!is_of_type(L, EXPIRES, LUA_TNUMBER, "a number", signature)) return SIGV4_EXPIRES_DEFAULT;
  lua_Number expires = lua_tonumber(L, EXPIRES);
  bool fine = expires >= 1 && expires <= SIGV4_EXPIRES_MAX && expires == floor(expires);
  return fine ? (unsigned)expires : 0;
}

bool sigv4_request_read(lua_State *L, sigv4_request *request, char time_text[SIGV4_TIME],
                        bool *secret, const char *signature) {
  bool body_is_secret = false;
  binding_argument_most(L, 1, signature);
  binding_expect(L, !lua_isnoneornil(L, 1), signature);
  binding_check_members(L, 1, request_keys, signature);

  request->method = read_text(L, METHOD, NULL, signature);
  request->url = read_text(L, URL, secret, signature);
  request->body = read_text(L, BODY, &body_is_secret, signature);
  request->payload_hash = read_text(L, PAYLOAD_HASH, NULL, signature);
  request->service = read_text(L, SERVICE, NULL, signature);
  request->region = read_text(L, REGION, NULL, signature);
  request->content_sha256 = binding_check_boolean(L, 1, "content_sha256", false, signature);
  request->expires = read_expires(L, signature);
  read_credentials(L, request, secret, signature);
  if (read_time(L, request, time_text, signature)) return true;

  binding_fail(L, "InvalidTime", "the time must be epoch seconds or YYYYMMDDTHHMMSSZ");
  return false;
}
