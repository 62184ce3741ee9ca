/* The invoke API: what AWS's SDKs and `aws lambda invoke --endpoint-url` talk to.
 * Errors have Lambda's names, statuses and shape. See impl.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "core/json/compact.h"
#include "core/json/scan.h"
#include "core/json/writer.h"
#include "core/system/process.h"
#include "core/text/base64.h"
#include "emulator/impl.h"

#define QUALIFIER_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$_-"

enum { CLIENT_CONTEXT_MAX = 3583, SHOW_THE_DOOR = 64 * 1024 * 1024 };

/* The id of a request that no invocation comes of. */
static void write_request_id(emulator_request *request) {
  char id[37];
  if (emulator_invocation_make_id(id)) emulator_http_header(request, "x-amzn-RequestId", id);
}

__attribute__((format(printf, 4, 5))) static void
refuse(emulator_request *request, unsigned status, const char *type, const char *format, ...) {
  text_buffer body = {0};
  char message[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  json_writer json = json_writer_to(&body);
  json_writer_object(&json, NULL);
  if (status < 500) json_writer_text(&json, "Type", "User");
  json_writer_text(&json, "message", message);
  json_writer_end(&json);
  write_request_id(request);
  emulator_http_header(request, "Content-Type", "application/json");
  emulator_http_header(request, "x-amzn-ErrorType", type);
  emulator_http_answer(request, status, body.data, body.size);
  text_buffer_free(&body);
}

/* "NAME", "NAME:QUALIFIER", "ACCOUNT:function:NAME…",
 * "arn:aws:lambda:REGION:ACCOUNT:function:NAME…" → NAME, and the qualifier or NULL. The text is cut
 * up. */
static char *function_name(char *text, char **qualifier) {
  char *marker = strstr(text, ":function:");
  char *name = marker ? marker + strlen(":function:") : text;
  char *colon = strchr(name, ':');
  *qualifier = colon ? colon + 1 : NULL;
  if (colon) *colon = '\0';

  return name;
}

static void make_trace_id(char *out, size_t size) {
  unsigned char b[20];
  if (!process_random(b, sizeof b)) memset(b, 0, sizeof b);
  char hex[41];
  for (size_t i = 0; i < sizeof b; i++) snprintf(hex + 2 * i, 3, "%02x", b[i]);
  snprintf(out, size, "Root=1-%08llx-%.24s;Parent=%.16s;Sampled=0", (unsigned long long)time(NULL),
           hex, hex + 24);
}

/* The event as the function gets it; false after a refusal. */
static bool take_event(emulator_request *request, emulator_invocation *invocation,
                       bool asynchronous) {
  size_t most = asynchronous ? EMULATOR_ASYNC_EVENT_MAX : EMULATOR_EVENT_MAX;
  if (request->received > most) {
    refuse(request, 413, "RequestTooLargeException",
           "%llu byte payload is too large for the %s invocation type (limit %zu bytes)",
           (unsigned long long)request->received, asynchronous ? "Event" : "RequestResponse", most);
    return false;
  }

  if (request->crowded_out) {
    refuse(request, 429, "TooManyRequestsException",
           "Rate Exceeded: the events of all waiting requests are too large together");
    return false;
  }

  if (request->body.size == 0) text_buffer_text(&request->body, "{}");
  json_scan scan;
  json_scan_begin(&scan, request->body.data, request->body.size);
  if (!json_scan_validate(&scan)) {
    size_t line, column;
    json_scan_place(&scan, &line, &column);
    refuse(request, 400, "InvalidRequestContentException",
           "Could not parse request body into json: %s at line %zu, column %zu", scan.error, line,
           column);
    return false;
  }

  invocation->event = request->body;
  request->body = (text_buffer){0};

  return true;
}

/* Given as base64 of JSON, handed on as JSON in one line of ASCII: it becomes a header. */
static bool take_client_context(emulator_request *request, emulator_invocation *invocation) {
  const char *given = emulator_http_value(request, "X-Amz-Client-Context");
  if (!given || !given[0]) return true;
  size_t size = strlen(given), decoded_size = 0;
  text_buffer decoded = {0}, compact = {0};
  bool ok = size <= CLIENT_CONTEXT_MAX && text_buffer_reserve(&decoded, size + 1) &&
            base64_decode(given, size, decoded.data, &decoded_size) &&
            json_compact(decoded.data, decoded_size, &compact) && compact.data[0] == '{';
  text_buffer_byte(&compact, '\0');
  text_buffer_free(&decoded);
  if (ok && !compact.failed) {
    invocation->client_context = compact.data;
    return true;
  }

  text_buffer_free(&compact);
  refuse(request, 400, "InvalidRequestContentException",
         "Client context must be a valid Base64-encoded JSON object of at most %d bytes",
         CLIENT_CONTEXT_MAX);
  return false;
}

static bool is_plain(const char *text) {
  if (!text || !text[0]) return false;
  for (; *text; text++)
    if (*text < ' ' || *text > '~') return false;
  return true;
}

static bool take_names(emulator_request *request, emulator_invocation *invocation,
                       const char *qualifier) {
  const emulator_host *emulator = request->emulator;
  const char *trace = emulator_http_value(request, "X-Amzn-Trace-Id");
  char made[128], *arn = NULL;
  bool given = is_plain(trace);
  if (!given) make_trace_id(made, sizeof made);
  invocation->trace_id = strdup(given ? trace : made);
  if (asprintf(&arn, "arn:aws:lambda:%s:" EMULATOR_ACCOUNT ":function:%s%s%s", emulator->region,
               emulator->options.function_name, qualifier ? ":" : "",
               qualifier ? qualifier : "") < 0)
    arn = NULL;
  invocation->arn = arn;
  if (invocation->trace_id && arn) return true;
  refuse(request, 500, "ServiceException", "not enough memory");

  return false;
}

static bool is_type(const emulator_request *request, const char *header, const char *value) {
  const char *given = emulator_http_value(request, header);
  return given && strcasecmp(given, value) == 0;
}

static void queue(emulator_request *request, emulator_invocation *invocation, bool asynchronous) {
  emulator_host *emulator = request->emulator;
  if (asynchronous) {
    emulator_http_header(request, "x-amzn-RequestId", invocation->id);
    emulator_http_answer(request, 202, "", 0);
  } else {
    invocation->request = request;
    request->invocation = invocation;
  }

  TAILQ_INSERT_TAIL(&emulator->queue, invocation, link);
  emulator->queued++; /* the loop dispatches */
}

static void invoke(emulator_request *request, const char *qualifier, bool wants_stream) {
  emulator_host *emulator = request->emulator;
  bool asynchronous = is_type(request, "X-Amz-Invocation-Type", "Event");
  emulator_invocation *invocation = NULL;
  if (emulator->stopping)
    refuse(request, 503, "ServiceException", "the emulator is ending");
  else if (emulator->queued >= EMULATOR_QUEUE_MAX)
    refuse(request, 429, "TooManyRequestsException",
           "Rate Exceeded: %d invocations wait; start with a larger --concurrency",
           EMULATOR_QUEUE_MAX);
  else if (!(invocation = emulator_invocation_new(emulator)))
    refuse(request, 500, "ServiceException", "not enough memory");
  if (!invocation) return;
  invocation->wants_stream = wants_stream;
  invocation->wants_tail = is_type(request, "X-Amz-Log-Type", "Tail");
  if (!take_event(request, invocation, asynchronous) || !take_client_context(request, invocation) ||
      !take_names(request, invocation, qualifier))
    emulator_invocation_free(invocation);
  else if (is_type(request, "X-Amz-Invocation-Type", "DryRun")) {
    emulator_http_header(request, "x-amzn-RequestId", invocation->id);
    emulator_http_header(request, "X-Amz-Executed-Version", "$LATEST");
    emulator_invocation_free(invocation);
    emulator_http_answer(request, 204, "", 0);
  } else {
    queue(request, invocation, asynchronous);
  }
}

static bool check_type(emulator_request *request, bool wants_stream) {
  const char *type = emulator_http_value(request, "X-Amz-Invocation-Type");
  if (!type || strcasecmp(type, "RequestResponse") == 0 || strcasecmp(type, "DryRun") == 0 ||
      (!wants_stream && strcasecmp(type, "Event") == 0))
    return true;
  refuse(request, 400, "InvalidParameterValueException",
         "X-Amz-Invocation-Type is '%s'; it must be RequestResponse%s DryRun", type,
         wants_stream ? " or" : ", Event or");
  return false;
}

static bool is_known(const emulator_host *emulator, const char *qualifier) {
  if (strcmp(qualifier, "$LATEST") == 0) return true;
  for (const char *const *known = emulator->options.qualifiers; *known; known++)
    if (strcmp(*known, qualifier) == 0) return true;
  return false;
}

/* A version or an alias that the function has, or none. It becomes a part of the ARN, which becomes
 * a header. */
static bool check_qualifier(emulator_request *request, const char *qualifier) {
  const emulator_host *emulator = request->emulator;
  size_t size = qualifier ? strlen(qualifier) : 1;
  if (qualifier && (size > 128 || strspn(qualifier, QUALIFIER_LETTERS) != size || size == 0))
    refuse(request, 400, "InvalidParameterValueException",
           "the qualifier is not a version or an alias: at most 128 letters, digits, '$', '_' "
           "and '-'");
  else if (qualifier && !is_known(emulator, qualifier))
    refuse(request, 404, "ResourceNotFoundException",
           "Function not found: arn:aws:lambda:%s:" EMULATOR_ACCOUNT
           ":function:%s:%s (this emulator runs $LATEST; --qualifier names other versions and "
           "aliases)",
           emulator->region, emulator->options.function_name, qualifier);
  else
    return true;
  return false;
}

/* Both may name one, and then the same. */
static bool check_qualifiers(emulator_request *request, const char *in_name, const char *asked) {
  if (!in_name || !asked || strcmp(in_name, asked) == 0)
    return check_qualifier(request, in_name ? in_name : asked);
  refuse(request, 400, "InvalidParameterValueException",
         "The derived qualifier from the function name does not match the specified qualifier.");
  return false;
}

/* ?Qualifier=…, or NULL. One that holds a NUL is none that there can be: "". */
static const char *asked_qualifier(const emulator_request *request) {
  static const char key[] = "Qualifier";
  const char *asked = NULL;
  size_t size = 0;
  MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, key, sizeof key - 1,
                                &asked, &size);
  return asked && strlen(asked) != size ? "" : asked;
}

static void route_function(emulator_request *request, char *name, bool wants_stream) {
  const emulator_host *emulator = request->emulator;
  char *qualifier;
  const char *known = emulator->options.function_name;
  const char *asked = asked_qualifier(request);
  name = function_name(name, &qualifier);
  if (strcmp(name, known) != 0)
    refuse(request, 404, "ResourceNotFoundException",
           "Function not found: arn:aws:lambda:%s:" EMULATOR_ACCOUNT
           ":function:%s (this emulator runs '%s'; --function gives another name)",
           emulator->region, name, known);
  else if (check_type(request, wants_stream) && check_qualifiers(request, qualifier, asked))
    invoke(request, qualifier ? qualifier : asked, wants_stream);
}

/* "/2015-03-31/functions/NAME/invocations", "/2021-11-15/functions/NAME/response-streaming-…" */
static void route(emulator_request *request, const char *method, const char *url) {
  static const char *const paths[][2] = {
      {"/2015-03-31/functions/", "/invocations"},
      {"/2021-11-15/functions/", "/response-streaming-invocations"},
  };
  for (size_t i = 0; i < 2 && strcmp(method, "POST") == 0; i++) {
    size_t head = strlen(paths[i][0]), tail = strlen(paths[i][1]), size = strlen(url);
    if (size <= head + tail || strncmp(url, paths[i][0], head) != 0 ||
        strcmp(url + size - tail, paths[i][1]) != 0)
      continue;
    char *name = strndup(url + head, size - head - tail);
    if (name)
      route_function(request, name, i == 1);
    else
      refuse(request, 500, "ServiceException", "not enough memory");
    free(name);
    return;
  }

  refuse(request, 404, "UnknownOperationException",
         "%s %.256s is not emulated; POST /2015-03-31/functions/%s/invocations is", method, url,
         request->emulator->options.function_name);
}

static emulator_request *begin(emulator_host *emulator, struct MHD_Connection *connection) {
  emulator_request *request = emulator_port_request(emulator, connection, EMULATOR_EVENT_MAX);
  if (!request || emulator_origin_is_local(request)) return request;
  request->body_max = 0;
  refuse(request, 403, "AccessDeniedException",
         "the request comes from a web page, or was sent to a name that is not one of this "
         "machine; call http://127.0.0.1:%d from a program, without Origin",
         emulator->api->number);
  return request;
}

enum MHD_Result emulator_invoke_api(void *context, struct MHD_Connection *connection,
                                    const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **state) {
  (void)version;
  emulator_request *request = *state;
  if (!request) {
    *state = begin(context, connection);
    return *state ? MHD_YES : MHD_NO;
  }

  if (*size > 0) {
    emulator_http_receive(request, data, *size);
    *size = 0;
    return request->received > SHOW_THE_DOOR ? MHD_NO : MHD_YES;
  }

  if (!request->complete) {
    request->complete = true;
    if (request->body.failed) return MHD_NO;
    if (request->status == 0) route(request, method, url);
  }

  return emulator_http_reply(request);
}
