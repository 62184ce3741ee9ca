/* weir.sigv4: Signature Version 4 for Lua.
 *
 *   sign{method, url, headers, body, payload_hash, service, region, credentials, time,
 *        content_sha256} → headers, details
 *   presign{…, expires} → url, details
 *   skew{code, date, age, sent, received, offset} → seconds, or nothing: the clock is right
 *   encode(text[, keep_slash]) → text, percent-encoded as AWS wants a path or query
 *
 * `url` is encoded as it goes over the wire. The headers returned are all that must be sent:
 * yours and the signature's, by lower-case name; reading one ignores case. `time` is epoch seconds
 * or YYYYMMDDTHHMMSSZ, now by default. Body, header values, the secret key and the token may be
 * secrets; what would show one (a presigned URL, details.canonical_request) is then a secret.
 * Details are canonical_request, string_to_sign, signature and payload_hash; who signs the same
 * body again, for another attempt, gives that hash and saves the hashing. Memory: one signer a Lua
 * state, in an upvalue. */
#include <ctype.h>
#include <math.h>

#include "registry.h"
#include "sigv4_lua.h"

#define SIGNER "weir.sigv4.signer"
#define HEADERS "weir.sigv4.headers"
#define SIGN_SIGNATURE                                                                             \
  "weir.sigv4.sign{method=, url=, service=, region=, credentials=, [headers=, body=, "             \
  "payload_hash=, time=, content_sha256=]}"
#define PRESIGN_SIGNATURE                                                                          \
  "weir.sigv4.presign{method=, url=, service=, region=, credentials=, [expires=, headers=, "       \
  "body=, payload_hash=, time=]}"
#define SKEW_SIGNATURE                                                                             \
  "weir.sigv4.skew{code=, date=, received=, [sent=, age=, offset=]} with times in epoch seconds"

static sigv4_signer *begin(lua_State *L) {
  sigv4_signer *signer = lua_touserdata(L, lua_upvalueindex(1));
  sigv4_signer_clear(signer);
  return signer;
}

static void set_text(lua_State *L, const char *key, const char *bytes, size_t size, bool secret) {
  binding_secret_push_text(L, bytes, size, secret);
  lua_setfield(L, -2, key);
}

static void push_details(lua_State *L, const sigv4_signer *signer, bool secret) {
  lua_createtable(L, 0, 4);
  set_text(L, "canonical_request", signer->canonical_request.data, signer->canonical_request.size,
           secret);
  set_text(L, "string_to_sign", signer->string_to_sign.data, signer->string_to_sign.size, false);
  set_text(L, "signature", signer->signature, SHA256_HEX - 1, false);
  set_text(L, "payload_hash", signer->payload_hash, strlen(signer->payload_hash), false);
}

/* Adds the signature's own headers to the table on top of the stack; what the caller gave stays. */
static void set_signing_headers(lua_State *L, const sigv4_signer *signer, bool token_is_secret) {
  static const char *const added[] = {"x-amz-security-token", "host", "x-amz-date",
                                      "x-amz-content-sha256"};
  for (int i = 0; i < 4; i++) {
    const sigv4_header *header = sigv4_headers_find(&signer->headers, added[i]);
    lua_pushstring(L, added[i]);
    bool given = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 1);
    if (!header || given) continue;
    sigv4_text value = sigv4_headers_value(&signer->headers, header);
    set_text(L, added[i], value.at, value.size, i == 0 && token_is_secret);
  }
  set_text(L, "authorization", signer->result.data, signer->result.size, false);
}

static int sigv4_sign_call(lua_State *L) {
  sigv4_signer *signer = begin(L);
  sigv4_request request;
  char time_text[SIGV4_TIME];
  bool secret = false;
  if (!sigv4_request_read(L, &request, time_text, &secret, SIGN_SIGNATURE)) return 3;
  bool token_is_secret = secret;
  lua_createtable(L, 0, 8);
  luaL_setmetatable(L, HEADERS);
  int result = lua_gettop(L);
  const char *wrong = sigv4_request_read_headers(L, signer, result, &secret, SIGN_SIGNATURE);
  if (wrong) return binding_fail(L, "InvalidHeader", "%s", wrong);
  sigv4_error error = sigv4_sign(signer, &request);
  if (error.code) return binding_fail(L, error.code, "cannot sign: %s", error.message);
  lua_settop(L, result);
  set_signing_headers(L, signer, token_is_secret);
  push_details(L, signer, secret);
  return 2;
}

static int sigv4_presign_call(lua_State *L) {
  sigv4_signer *signer = begin(L);
  sigv4_request request;
  char time_text[SIGV4_TIME];
  bool secret = false;
  if (!sigv4_request_read(L, &request, time_text, &secret, PRESIGN_SIGNATURE)) return 3;
  const char *wrong = sigv4_request_read_headers(L, signer, 0, &secret, PRESIGN_SIGNATURE);
  if (wrong) return binding_fail(L, "InvalidHeader", "%s", wrong);
  sigv4_error error = sigv4_presign(signer, &request);
  if (error.code) return binding_fail(L, error.code, "cannot presign: %s", error.message);
  binding_secret_push_text(L, signer->result.data, signer->result.size, secret);
  push_details(L, signer, secret);
  return 2;
}

/* A number of skew's argument; NaN says that it must be there. */
static lua_Number number_field(lua_State *L, const char *key, lua_Number otherwise) {
  int type = lua_getfield(L, 1, key);
  binding_expect(L, type == LUA_TNUMBER || (type == LUA_TNIL && !isnan(otherwise)), SKEW_SIGNATURE);
  return type == LUA_TNIL ? otherwise : lua_tonumber(L, -1);
}

static int sigv4_skew_call(lua_State *L) {
  static const char *const keys[] = {"code", "date", "age", "sent", "received", "offset", NULL};
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), SKEW_SIGNATURE);
  binding_check_keys(L, 1, keys, SKEW_SIGNATURE);
  sigv4_text code = sigv4_request_text_field(L, 1, "code", NULL, SKEW_SIGNATURE);
  sigv4_text date = sigv4_request_text_field(L, 1, "date", NULL, SKEW_SIGNATURE);
  lua_Number received = number_field(L, "received", NAN);
  lua_Number sent = number_field(L, "sent", received);
  lua_Number in_use = number_field(L, "offset", 0);
  int64_t offset;
  /* An Age header tells of a cached answer, whose date is old. */
  if (lua_getfield(L, 1, "age") != LUA_TNIL ||
      !sigv4_time_skew(code, date, sent, received, in_use, &offset))
    return 0;
  lua_pushinteger(L, (lua_Integer)offset);
  return 1;
}

static int sigv4_encode_call(lua_State *L) {
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, "weir.sigv4.encode(text[, keep_slash])");
  sigv4_signer *signer = lua_touserdata(L, lua_upvalueindex(1));
  sigv4_text text;
  text.at = lua_tolstring(L, 1, &text.size);
  signer->result.size = 0;
  sigv4_uri_encode(&signer->result, text, lua_toboolean(L, 2));
  if (signer->result.failed) return luaL_error(L, "not enough memory");
  lua_pushlstring(L, signer->result.data, signer->result.size);
  return 1;
}

static int collect_signer(lua_State *L) {
  sigv4_signer_free(luaL_checkudata(L, 1, SIGNER));
  return 0;
}

/* __index of returned headers: HTTP header names ignore case. */
static int find_header(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  size_t size;
  const char *name = lua_tolstring(L, 2, &size);
  luaL_Buffer lower;
  char *bytes = luaL_buffinitsize(L, &lower, size);
  for (size_t i = 0; i < size; i++) bytes[i] = (char)tolower((unsigned char)name[i]);
  luaL_pushresultsize(&lower, size);
  lua_rawget(L, 1);
  return 1;
}

int luaopen_weir_sigv4(lua_State *L) {
  static const luaL_Reg functions[] = {{"sign", sigv4_sign_call},
                                       {"presign", sigv4_presign_call},
                                       {"skew", sigv4_skew_call},
                                       {"encode", sigv4_encode_call},
                                       {NULL, NULL}};
  if (luaL_newmetatable(L, HEADERS)) {
    lua_pushcfunction(L, find_header);
    lua_setfield(L, -2, "__index");
  }
  luaL_newlibtable(L, functions);
  sigv4_signer *signer = lua_newuserdatauv(L, sizeof *signer, 0);
  memset(signer, 0, sizeof *signer);
  if (luaL_newmetatable(L, SIGNER)) {
    lua_pushcfunction(L, collect_signer);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
