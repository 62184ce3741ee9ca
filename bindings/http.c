/* weir.http: HTTP requests, one or several at once.
 *
 *   request{url=, method=, headers=, body=, …} → {status=, headers=, body=, body_bytes=,
 *       elapsed_ms=, reused=} | nil, message, code
 *   all{request, …} → list: for each request its response, or {error=message, code=code}
 *
 * Options: url, a body and header values may be secrets; with secret_body the answer's body is one.
 * headers: name → value or list of values. body_file with body_offset and body_length (bytes) is
 * sent instead of body; output_file gets the body of an answer that is not an error. timeout_ms and
 * connect_timeout_ms are milliseconds, deadline_ms is milliseconds since 1970, and none goes beyond
 * the deadline of a handler. max_response_bytes: 64 MiB by default, 10 GiB with output_file.
 * ca_bundle: a file of authorities. direct: no proxy.
 *
 * In the answer, headers are by lower-case name, and the values of a repeated one are joined with
 * ", " (RFC 9110). host/core/http/client.h has the codes.
 *
 * Memory: the client is one userdata of the Lua state, so connections live as long as the state.
 * A batch is a userdata too: whatever raises, its responses are freed by the collector. */
#include "core/http/client.h"

#include <string.h>

#include "binding.h"
#include "lambda/runtime.h"
#include "registry.h"

static const char REQUEST_SIGNATURE[] =
    "weir.http.request{url=text, method=text?, headers={name=text or list of text}?, body=text?, "
    "body_file=path?, body_offset=integer?, body_length=integer?, output_file=path?, "
    "timeout_ms=integer?, connect_timeout_ms=integer?, deadline_ms=integer?, "
    "max_response_bytes=integer?, ca_bundle=path?, direct=boolean?, secret_body=boolean?}";
static const char ALL_SIGNATURE[] = "weir.http.all{request, …}";
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
  for (size_t i = 0; i < batch->count; i++) {
    text_buffer *body = &batch->responses[i].body;
    if (batch->requests[i].body_is_secret && body->data) explicit_bzero(body->data, body->capacity);
    http_response_free(&batch->responses[i]);
  }

  batch->count = 0;
}

static int lua_http_batch_gc(lua_State *L) {
  free_responses(binding_argument_self(L, BATCH, "a batch"));
  return 0;
}

static int lua_http_client_gc(lua_State *L) {
  http_client **client = binding_argument_self(L, CLIENT, "a client");
  http_client_free(*client);
  *client = NULL;
  return 0;
}

/* Pushes a batch for count requests: one block that holds both arrays. */
static http_batch *push_batch(lua_State *L, size_t count) {
  size_t size = sizeof(http_batch) + count * (sizeof(http_request) + sizeof(http_response));
  http_batch *batch = binding_owner_push(L, BATCH, size, 0);
  batch->count = count;
  batch->requests = (http_request *)(batch + 1);
  batch->responses = (http_response *)(batch->requests + count);

  return batch;
}

/* ── A request: its texts stay alive through the caller's table ── */

static http_text read_text(lua_State *L, int index, const char *name, bool *secret) {
  http_text text = {NULL, 0};
  text.at = binding_check_secret(L, index, name, &text.size, secret, REQUEST_SIGNATURE);
  return text;
}

/* Messages show the paths of files, so that a secret is refused here. */
static const char *read_path(lua_State *L, int index, const char *name) {
  const char *path = binding_check_name(L, index, name, REQUEST_SIGNATURE);
  if (path && !*path) luaL_error(L, "'%s' is empty; expected %s", name, REQUEST_SIGNATURE);
  return path;
}

static void read_integer(lua_State *L, int index, const char *name, int64_t least, int64_t *value) {
  *value = binding_check_integer(L, index, name, least, LUA_MAXINTEGER, *value, REQUEST_SIGNATURE);
}

static http_text header_text(lua_State *L) {
  http_text text = {NULL, 0};
  bool secret = false;
  text.at = binding_secret_text(L, -1, &text.size, &secret);
  if (!text.at)
    binding_check_refuse(L, -1, "headers", "a table of texts or lists of texts", REQUEST_SIGNATURE);
  return text;
}

/* How many headers the table at index stands for. */
static size_t count_headers(lua_State *L, int index) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "a header's name must be a string; expected %s", REQUEST_SIGNATURE);
    count +=
        lua_istable(L, -1) ? (size_t)binding_check_list(L, -1, "headers", REQUEST_SIGNATURE) : 1;
  }

  return count;
}

static void fill_headers(lua_State *L, int index, http_header *header) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) { // … name value
    http_text name;
    name.at = lua_tolstring(L, -2, &name.size);
    if (!lua_istable(L, -1)) {
      *header++ = (http_header){name, header_text(L)};
      continue;
    }

    size_t values = lua_rawlen(L, -1);
    for (size_t i = 1; i <= values; i++) {
      lua_rawgeti(L, -1, (lua_Integer)i); // … name list value
      *header++ = (http_header){name, header_text(L)};
      lua_pop(L, 1);
    }
  }
}

/* The array of headers is a userdata left in the table at `anchors`. */
static void read_headers(lua_State *L, int index, int anchors, http_request *request) {
  int type = binding_check_push(L, index, "headers"); // table
  if (type != LUA_TNIL) {
    if (type != LUA_TTABLE) binding_check_refuse(L, -1, "headers", "a table", REQUEST_SIGNATURE);
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
  bool body_is_secret = false;
  binding_check_keys(L, index, REQUEST_KEYS, REQUEST_SIGNATURE);
  binding_check_present(L, index, "url", REQUEST_SIGNATURE);
  request.url = read_text(L, index, "url", &request.url_is_secret);
  request.body = read_text(L, index, "body", &body_is_secret);
  http_text method = {NULL, 0};
  method.at = binding_check_text(L, index, "method", &method.size, REQUEST_SIGNATURE);
  if (method.at) request.method = method;

  request.body_file = read_path(L, index, "body_file");
  request.output_file = read_path(L, index, "output_file");
  request.ca_bundle = read_path(L, index, "ca_bundle");
  read_integer(L, index, "body_offset", 0, &request.body_offset);
  read_integer(L, index, "body_length", 0, &request.body_length);
  read_integer(L, index, "max_response_bytes", 0, &request.max_response_bytes);

  read_integer(L, index, "timeout_ms", 0, &request.timeout_ms);
  read_integer(L, index, "connect_timeout_ms", 1, &request.connect_timeout_ms);
  read_integer(L, index, "deadline_ms", 0, &request.deadline_ms);
  request.deadline_ms = lambda_runtime_deadline(L, request.deadline_ms);

  request.direct = binding_check_boolean(L, index, "direct", false, REQUEST_SIGNATURE);
  request.body_is_secret = binding_check_boolean(L, index, "secret_body", false, REQUEST_SIGNATURE);
  read_headers(L, index, anchors, &request);
  return request;
}

/* ── A response ── */

static void push_headers(lua_State *L, const text_buffer *headers) {
  lua_newtable(L);
  for (size_t offset = 0; offset < headers->size;) {
    const char *name = headers->data + offset, *value = name + strlen(name) + 1;
    offset = (size_t)(value + strlen(value) + 1 - headers->data);
    if (lua_getfield(L, -1, name) == LUA_TSTRING) { // headers earlier
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
  lua_createtable(L, 0, 6); // response
  binding_set_integer(L, "status", response->status);
  binding_set_integer(L, "body_bytes", response->body_bytes);
  binding_set_number(L, "elapsed_ms", (lua_Number)response->elapsed_us / 1000.0);
  binding_set_boolean(L, "reused", response->reused);
  push_headers(L, &response->headers); // response headers
  lua_setfield(L, -2, "headers");

  if (!request->output_file || response->body.size > 0) { /* an error's body is never in the file */
    const char *body = response->body.data ? response->body.data : "";
    binding_secret_push_text(L, body, response->body.size, request->body_is_secret);
    lua_setfield(L, -2, "body");
  }
}

/* ── The calls ── */

/* Reads count request tables (one at stack index 1, or the elements of that list), runs them, and
 * leaves the batch on the stack. */
static http_batch *perform(lua_State *L, size_t count, bool list) {
  http_client **client = lua_touserdata(L, lua_upvalueindex(1));
  http_batch *batch = push_batch(L, count);
  lua_newtable(L); // batch anchors
  int anchors = lua_gettop(L);
  for (size_t i = 0; i < count; i++) {
    if (list)
      lua_rawgeti(L, 1, (lua_Integer)i + 1);
    else
      lua_pushvalue(L, 1); // batch anchors request
    binding_expect(L, lua_istable(L, -1), list ? ALL_SIGNATURE : REQUEST_SIGNATURE);
    batch->requests[i] = read_request(L, lua_gettop(L), anchors);
    lua_pop(L, 1);
  }

  if (!*client) *client = http_client_new(); /* late: programs that never send start faster */
  binding_expect_memory(L, *client != NULL);
  http_client_perform(*client, batch->requests, batch->responses, count);
  return batch;
}

static int lua_http_request(lua_State *L) {
  binding_argument_most(L, 1, REQUEST_SIGNATURE);
  if (!lua_istable(L, 1)) binding_check_refuse(L, 1, NULL, "a table", REQUEST_SIGNATURE);

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

static int lua_http_all(lua_State *L) {
  binding_argument_most(L, 1, ALL_SIGNATURE);
  size_t count = (size_t)binding_check_list(L, 1, NULL, ALL_SIGNATURE);

  http_batch *batch = perform(L, count, true);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    const http_response *response = &batch->responses[i];
    if (response->outcome == HTTP_DONE) {
      push_response(L, &batch->requests[i], response);
    } else {
      lua_createtable(L, 0, 2);
      binding_set_text(L, "error", response->message);
      binding_set_text(L, "code", http_outcome_code(response->outcome));
    }

    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  free_responses(batch);

  return 1;
}

int luaopen_weir_http(lua_State *L) {
  static const luaL_Reg of_batch[] = {BINDING_METAMETHOD(http_batch, gc), BINDING_END};
  static const luaL_Reg of_client[] = {BINDING_METAMETHOD(http_client, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(http, request), BINDING_FUNCTION(http, all),
                                       BINDING_END};
  binding_type_register(L, BATCH, of_batch, NULL);
  binding_type_register(L, CLIENT, of_client, NULL);

  luaL_newlibtable(L, functions);
  binding_owner_push(L, CLIENT, sizeof(http_client *), 0); // module client
  luaL_setfuncs(L, functions, 1);
  return 1;
}
