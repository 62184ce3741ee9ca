/* weir.sigv4: Signature Version 4 for Lua.
 *
 *   sign{method=, url=, service=, region=, credentials=, …} → headers, details | nil, message, code
 *   presign{…, expires=} → url, details | nil, message, code
 *       expires: seconds, 900 by default
 *   skew{code=, date=, received=, …} → seconds to add to the clock, or nothing: the clock is right
 *   encode(text[, keep_slash]) → text, percent-encoded as AWS wants a path or query
 *
 * `url` is encoded as it goes over the wire. The headers returned are all that must be sent:
 * yours and the signature's, by lower-case name; reading one ignores case. `time` is seconds since
 * 1970 or YYYYMMDDTHHMMSSZ, now by default. Url, body, header values, the secret key and the token
 * may be secrets; what would show one (a presigned URL, details.canonical_request) is then a
 * secret. Details are canonical_request, string_to_sign, signature and payload_hash. To sign the
 * same body again, for another attempt, give that hash: it saves the hashing.
 *
 * Codes: InvalidTime, InvalidHeader, InvalidExpires and those of host/core/aws/sigv4.h.
 * Memory: one signer a Lua state, in an upvalue. */
#include <ctype.h>
#include <math.h>

#include "registry.h"
#include "sigv4_request.h"

static const char SIGNER[] = "weir.sigv4.signer", HEADERS[] = "weir.sigv4.headers";

static sigv4_signer *begin(lua_State *L) {
  sigv4_signer *signer = lua_touserdata(L, lua_upvalueindex(1));
  sigv4_signer_clear(signer);
  return signer;
}

static void set_secret(lua_State *L, const char *key, const char *bytes, size_t size, bool secret) {
  binding_secret_push_text(L, bytes, size, secret);
  lua_setfield(L, -2, key);
}

static void push_details(lua_State *L, const sigv4_signer *signer, bool secret) {
  lua_createtable(L, 0, 4);
  set_secret(L, "canonical_request", signer->canonical_request.data, signer->canonical_request.size,
             secret);
  binding_set_bytes(L, "string_to_sign", signer->string_to_sign.data, signer->string_to_sign.size);
  binding_set_bytes(L, "signature", signer->signature, SHA256_HEX - 1);
  binding_set_text(L, "payload_hash", signer->payload_hash);
}

/* Adds the signature's own headers to the table on top of the stack. The token is passed on as it
 * was given: a secret stays one. */
static void set_signing_headers(lua_State *L, const sigv4_signer *signer) {
  for (size_t i = 0; i < signer->headers.count; i++) {
    const sigv4_header *header = &signer->headers.headers[i];
    if (!header->own) continue;
    sigv4_text name = sigv4_headers_name(&signer->headers, header);
    sigv4_text value = sigv4_headers_value(&signer->headers, header);
    lua_pushlstring(L, name.at, name.size);
    if (sigv4_text_is(name, "x-amz-security-token"))
      lua_pushvalue(L, SIGV4_REQUEST_TOKEN);
    else
      lua_pushlstring(L, value.at, value.size);
    lua_rawset(L, -3);
  }

  binding_set_bytes(L, "authorization", signer->result.data, signer->result.size);
}

static const char SIGN_SIGNATURE[] =
    "weir.sigv4.sign{method=text, url=text, service=text, region=text, "
    "credentials={access_key_id=text, secret_access_key=text, session_token=text?}, "
    "headers={name=text or list of text}?, body=text?, payload_hash=text?, "
    "time=seconds or text?, content_sha256=boolean?}";

static int lua_sigv4_sign(lua_State *L) {
  sigv4_signer *signer = begin(L);
  sigv4_request request;
  char time_text[SIGV4_TIME];
  bool secret = false;
  if (!sigv4_request_read(L, &request, time_text, &secret, SIGN_SIGNATURE)) return 3;

  lua_createtable(L, 0, 8); // headers
  luaL_setmetatable(L, HEADERS);
  int result = lua_gettop(L);
  const char *wrong = sigv4_request_read_headers(L, signer, result, &secret, SIGN_SIGNATURE);
  if (wrong) return binding_fail(L, "InvalidHeader", "%s", wrong);

  sigv4_error error = sigv4_sign(signer, &request);
  if (error.code) return binding_fail(L, error.code, "cannot sign: %s", error.message);

  lua_settop(L, result);
  set_signing_headers(L, signer);
  push_details(L, signer, secret); // headers details
  return 2;
}

static const char PRESIGN_SIGNATURE[] =
    "weir.sigv4.presign{method=text, url=text, service=text, region=text, "
    "credentials={access_key_id=text, secret_access_key=text, session_token=text?}, "
    "expires=seconds?, headers={name=text or list of text}?, body=text?, payload_hash=text?, "
    "time=seconds or text?, content_sha256=boolean?}";

static int lua_sigv4_presign(lua_State *L) {
  sigv4_signer *signer = begin(L);
  sigv4_request request;
  char time_text[SIGV4_TIME];
  bool secret = false;
  if (!sigv4_request_read(L, &request, time_text, &secret, PRESIGN_SIGNATURE)) return 3;
  const char *wrong = sigv4_request_read_headers(L, signer, 0, &secret, PRESIGN_SIGNATURE);
  if (wrong) return binding_fail(L, "InvalidHeader", "%s", wrong);

  sigv4_error error = sigv4_presign(signer, &request);
  if (error.code) return binding_fail(L, error.code, "cannot presign: %s", error.message);

  binding_secret_push_text(L, signer->result.data, signer->result.size, secret); // url
  push_details(L, signer, secret);                                               // url details
  return 2;
}

static const char SKEW_SIGNATURE[] =
    "weir.sigv4.skew{code=text?, date=text?, received=seconds, sent=seconds?, age=text?, "
    "offset=seconds?}";

static sigv4_text skew_text(lua_State *L, const char *key) {
  sigv4_text text = {NULL, 0};
  text.at = binding_check_text(L, 1, key, &text.size, SKEW_SIGNATURE);
  return text.at ? text : (sigv4_text){"", 0};
}

static int lua_sigv4_skew(lua_State *L) {
  static const char *const keys[] = {"code", "date", "age", "sent", "received", "offset", NULL};
  binding_argument_most(L, 1, SKEW_SIGNATURE);
  binding_expect(L, binding_check_options(L, 1, keys, SKEW_SIGNATURE), SKEW_SIGNATURE);
  binding_check_present(L, 1, "received", SKEW_SIGNATURE);
  sigv4_text code = skew_text(L, "code"), date = skew_text(L, "date");
  size_t age_size;
  const char *age = binding_check_text(L, 1, "age", &age_size, SKEW_SIGNATURE);
  lua_Number received = binding_check_number(L, 1, "received", 0, SKEW_SIGNATURE);
  lua_Number sent = binding_check_number(L, 1, "sent", received, SKEW_SIGNATURE);
  lua_Number in_use = binding_check_number(L, 1, "offset", 0, SKEW_SIGNATURE);

  /* An Age header tells of a cached answer, whose date is old. */
  int64_t offset;
  if (age || !sigv4_time_skew(code, date, sent, received, in_use, &offset)) return 0;

  lua_pushinteger(L, (lua_Integer)offset);
  return 1;
}

static const char ENCODE_SIGNATURE[] = "weir.sigv4.encode(text[, keep_slash])";

static int lua_sigv4_encode(lua_State *L) {
  sigv4_text text;
  sigv4_signer *signer = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 2);
  text.at = binding_argument_text(L, 1, &text.size, ENCODE_SIGNATURE);
  bool keep_slash = binding_argument_boolean(L, 2, false, ENCODE_SIGNATURE);

  signer->result.size = 0;
  sigv4_uri_encode(&signer->result, text, keep_slash);
  binding_expect_memory(L, !signer->result.failed);
  lua_pushlstring(L, signer->result.data ? signer->result.data : "", signer->result.size);

  return 1;
}

static int lua_sigv4_signer_gc(lua_State *L) {
  sigv4_signer_free(binding_argument_self(L, SIGNER, "a signer"));
  return 0;
}

/* HTTP header names ignore case. */
static int lua_sigv4_headers_index(lua_State *L) {
  if (!lua_istable(L, 1) || lua_type(L, 2) != LUA_TSTRING) return 0;

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
  static const luaL_Reg of_signer[] = {BINDING_METAMETHOD(sigv4_signer, gc), BINDING_END};
  static const luaL_Reg of_headers[] = {BINDING_METAMETHOD(sigv4_headers, index), BINDING_END};
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(sigv4, sign), BINDING_FUNCTION(sigv4, presign),
      BINDING_FUNCTION(sigv4, skew), BINDING_FUNCTION(sigv4, encode), BINDING_END};
  binding_type_register(L, SIGNER, of_signer, NULL);
  binding_type_register(L, HEADERS, of_headers, NULL);

  luaL_newlibtable(L, functions);
  binding_owner_push(L, SIGNER, sizeof(sigv4_signer), 0); // module signer
  luaL_setfuncs(L, functions, 1);
  return 1;
}
