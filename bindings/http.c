/* weir.http: HTTP over host/core/http_client.c.
 *   request{method=, url=, headers=, …} → {status=, headers=, body=, …} | nil, message, code
 *   all{request, …} → list: for each request its response, or {error=message, code=code}
 * The URL, the body and header values may be secrets; with secret_body the answer's body is one.
 * Memory: the client is one userdata of the Lua state, so connections live as long as the state.
 * A batch is a userdata too: whatever raises, its responses are freed by the collector. */
#include <string.h>

#include "binding.h"
#include "core/http/client.h"
#include "lambda/runtime.h"
#include "registry.h"

static const char REQUEST_SIGNATURE[] =
    "http.request{url=text, method=text?, headers={name=text or list of text}?, body=text?, "
    "body_file=path?, body_offset=integer?, body_length=integer?, output_file=path?, "
    "timeout_ms=integer?, connect_timeout_ms=integer?, deadline_ms=integer?, "
    "max_response_bytes=integer?, ca_bundle=path?, direct=boolean?, secret_body=boolean?}";
static const char ALL_SIGNATURE[] = "http.all{request, …}";
static const char *const REQUEST_KEYS[] = {"url",         "method",
                                           "headers",     "body",
                                           "body_file",   "body_offset",
                                           "body_length", "output_file",
                                           "timeout_ms",  "connect_timeout_ms",
                                           "deadline_ms", "max_response_bytes",
                                           "ca_bundle",   "direct",
                                           "secret_body", NULL};

static const char BATCH[] = "weir.http.batch", CLIENT[] = "weir.http.client";

typedef struct {
  size_t count;
  http_request *requests;
  http_response *responses;
} http_batch;

static void free_responses(http_batch *batch) {
  for (size_t i = 0; i < batch->count; i++) http_response_free(&batch->responses[i]);
  batch->count = 0;
}

static int collect_batch(lua_State *L) {
  free_responses(luaL_checkudata(L, 1, BATCH));
  return 0;
}

/* Pushes a batch for count requests: one block that holds both arrays. */
static http_batch *push_batch(lua_State *L, size_t count) {
  size_t size = sizeof(http_batch) + count * (sizeof(http_request) + sizeof(http_response));
  http_batch *batch = lua_newuserdatauv(L, size, 0);
  memset(batch, 0, size);
  batch->count = count;
  batch->requests = (http_request *)(batch + 1);
  batch->responses = (http_response *)(batch->requests + count);
  luaL_setmetatable(L, BATCH);
  return batch;
}

/* Pushes field `name` of the table at index without metamethods: what it returns stays alive
 * through the caller's table. */
static int push_field(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, index);
}

static void raise_field(lua_State *L, const char *name) {
  luaL_error(L, "bad type %s for '%s'; expected %s", luaL_typename(L, -1), name, REQUEST_SIGNATURE);
}

/* A string or a secret: what goes over the wire is where secrets are opened. */
static http_text text_at(lua_State *L, int index, const char *name) {
  http_text text = {NULL, 0};
  bool secret = false;
  text.at = binding_secret_text(L, index, &text.size, &secret);
  if (!text.at) raise_field(L, name);
  return text;
}

static void read_text(lua_State *L, int index, const char *name, http_text *out) {
  if (push_field(L, index, name) != LUA_TNIL) *out = text_at(L, -1, name);
  lua_pop(L, 1);
}

/* No secret: messages show the method and the paths of files. */
static void read_plain(lua_State *L, int index, const char *name, http_text *out) {
  int type = push_field(L, index, name);
  if (type != LUA_TNIL && type != LUA_TSTRING) raise_field(L, name);
  if (type == LUA_TSTRING) out->at = lua_tolstring(L, -1, &out->size);
  lua_pop(L, 1);
}

static void read_path(lua_State *L, int index, const char *name, const char **out) {
  http_text text = {NULL, 0};
  read_plain(L, index, name, &text);
  if (text.at && (strlen(text.at) != text.size || text.size == 0))
    luaL_error(L, "'%s' is empty or contains a NUL byte; expected %s", name, REQUEST_SIGNATURE);
  *out = text.at;
}

static void read_integer(lua_State *L, int index, const char *name, int64_t least, int64_t *out) {
  if (push_field(L, index, name) != LUA_TNIL) {
    int is_integer;
    int64_t value = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || lua_type(L, -1) != LUA_TNUMBER) raise_field(L, name);
    if (value < least) luaL_error(L, "'%s' must be at least %I", name, (LUAI_UACINT)least);
    *out = value;
  }
  lua_pop(L, 1);
}

static size_t count_headers(lua_State *L, int index) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    count += lua_istable(L, -1) ? lua_rawlen(L, -1) : 1;
  return count;
}

static void fill_headers(lua_State *L, int index, http_header *header) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) { /* … name value */
    if (lua_type(L, -2) != LUA_TSTRING) raise_field(L, "headers");
    http_text name = text_at(L, -2, "headers");
    if (!lua_istable(L, -1)) {
      *header++ = (http_header){name, text_at(L, -1, name.at)};
      continue;
    }
    size_t values = lua_rawlen(L, -1);
    for (size_t i = 1; i <= values; i++) {
      lua_rawgeti(L, -1, (lua_Integer)i); /* … name list value */
      *header++ = (http_header){name, text_at(L, -1, name.at)};
      lua_pop(L, 1);
    }
  }
}

/* The header array is a userdata left in the table at `anchors`. */
static void read_headers(lua_State *L, int index, int anchors, http_request *request) {
  int type = push_field(L, index, "headers");
  if (type != LUA_TNIL) {
    if (type != LUA_TTABLE) raise_field(L, "headers");
    int table = lua_gettop(L);
    request->header_count = count_headers(L, table);
    http_header *headers = lua_newuserdatauv(L, (request->header_count + 1) * sizeof *headers, 0);
    lua_rawseti(L, anchors, (lua_Integer)lua_rawlen(L, anchors) + 1);
    fill_headers(L, table, headers);
    request->headers = headers;
  }
  lua_pop(L, 1);
}

static http_request read_request(lua_State *L, int index, int anchors) {
  http_request request = http_request_defaults();
  binding_check_keys(L, index, REQUEST_KEYS, REQUEST_SIGNATURE);
  read_text(L, index, "url", &request.url);
  binding_expect(L, request.url.at != NULL, REQUEST_SIGNATURE);
  push_field(L, index, "url");
  request.url_is_secret = binding_secret(L, -1, NULL) != NULL;
  lua_pop(L, 1);
  read_plain(L, index, "method", &request.method);
  read_text(L, index, "body", &request.body);
  read_path(L, index, "body_file", &request.body_file);
  read_path(L, index, "output_file", &request.output_file);
  read_path(L, index, "ca_bundle", &request.ca_bundle);
  read_integer(L, index, "body_offset", 0, &request.body_offset);
  read_integer(L, index, "body_length", 0, &request.body_length);
  read_integer(L, index, "timeout_ms", 0, &request.timeout_ms);
  read_integer(L, index, "connect_timeout_ms", 1, &request.connect_timeout_ms);
  read_integer(L, index, "deadline_ms", 0, &request.deadline_ms);
  request.deadline_ms = lambda_runtime_deadline(L, request.deadline_ms);
  read_integer(L, index, "max_response_bytes", 0, &request.max_response_bytes);
  push_field(L, index, "direct");
  request.direct = lua_toboolean(L, -1);
  push_field(L, index, "secret_body");
  request.body_is_secret = lua_toboolean(L, -1);
  lua_pop(L, 2);
  read_headers(L, index, anchors, &request);
  return request;
}

/* headers: lower-case name → value; a repeated name's values are joined with ", " (RFC 9110). */
static void push_headers(lua_State *L, const text_buffer *headers) {
  lua_newtable(L);
  for (size_t offset = 0; offset < headers->size;) {
    const char *name = headers->data + offset, *value = name + strlen(name) + 1;
    offset = (size_t)(value + strlen(value) + 1 - headers->data);
    if (lua_getfield(L, -1, name) == LUA_TSTRING) {
      lua_pushfstring(L, "%s, %s", lua_tostring(L, -1), value);
      lua_replace(L, -2);
    } else {
      lua_pop(L, 1);
      lua_pushstring(L, value);
    }
    lua_setfield(L, -2, name);
  }
}

static void push_response(lua_State *L, const http_request *request,
                          const http_response *response) {
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, response->status);
  lua_setfield(L, -2, "status");
  push_headers(L, &response->headers);
  lua_setfield(L, -2, "headers");
  if (!request->output_file || response->body.size > 0) { /* an error's body is never in the file */
    const char *body = response->body.data ? response->body.data : "";
    binding_secret_push_text(L, body, response->body.size, request->body_is_secret);
    if (request->body_is_secret && response->body.data)
      explicit_bzero(response->body.data, response->body.size);
    lua_setfield(L, -2, "body");
  }
  lua_pushinteger(L, response->body_bytes);
  lua_setfield(L, -2, "body_bytes");
  lua_pushnumber(L, (lua_Number)response->elapsed_us / 1000.0);
  lua_setfield(L, -2, "elapsed_ms");
  lua_pushboolean(L, response->reused);
  lua_setfield(L, -2, "reused");
}

static int collect_client(lua_State *L) {
  http_client **client = luaL_checkudata(L, 1, CLIENT);
  http_client_free(*client);
  *client = NULL;
  return 0;
}

/* Reads count request tables (one at stack index 1, or the elements of that list), runs them, and
 * leaves the batch on the stack. */
static http_batch *perform(lua_State *L, size_t count, bool list) {
  http_client **client = lua_touserdata(L, lua_upvalueindex(1));
  http_batch *batch = push_batch(L, count);
  lua_newtable(L); /* batch anchors */
  int anchors = lua_gettop(L);
  for (size_t i = 0; i < count; i++) {
    if (list)
      lua_rawgeti(L, 1, (lua_Integer)i + 1);
    else
      lua_pushvalue(L, 1);
    binding_expect(L, lua_istable(L, -1), list ? ALL_SIGNATURE : REQUEST_SIGNATURE);
    batch->requests[i] = read_request(L, lua_gettop(L), anchors);
    lua_pop(L, 1);
  }
  if (!*client) *client = http_client_new(); /* late: programs that never send start faster */
  if (!*client) luaL_error(L, "not enough memory for an HTTP client");
  http_client_perform(*client, batch->requests, batch->responses, count);
  return batch;
}

static int http_request_call(lua_State *L) {
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), REQUEST_SIGNATURE);
  http_batch *batch = perform(L, 1, false);
  const http_response *response = &batch->responses[0];
  int results = 1;
  if (response->outcome == HTTP_DONE)
    push_response(L, &batch->requests[0], response);
  else
    results = binding_fail(L, http_outcome_code(response->outcome), "%s", response->message);
  free_responses(batch); /* bodies are large: do not wait for the collector */
  return results;
}

static int http_all(lua_State *L) {
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), ALL_SIGNATURE);
  size_t count = lua_rawlen(L, 1);
  http_batch *batch = perform(L, count, true);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    const http_response *response = &batch->responses[i];
    if (response->outcome == HTTP_DONE) {
      push_response(L, &batch->requests[i], response);
    } else {
      lua_createtable(L, 0, 2);
      lua_pushstring(L, response->message);
      lua_setfield(L, -2, "error");
      lua_pushstring(L, http_outcome_code(response->outcome));
      lua_setfield(L, -2, "code");
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  free_responses(batch);
  return 1;
}

int luaopen_weir_http(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"request", http_request_call}, {"all", http_all}, {NULL, NULL}};
  luaL_newmetatable(L, BATCH);
  lua_pushcfunction(L, collect_batch);
  lua_setfield(L, -2, "__gc");
  luaL_newmetatable(L, CLIENT);
  lua_pushcfunction(L, collect_client);
  lua_setfield(L, -2, "__gc");
  luaL_newlibtable(L, functions);
  http_client **client = lua_newuserdatauv(L, sizeof *client, 0);
  *client = NULL;
  luaL_setmetatable(L, CLIENT);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
