/* The sending half of an exchange: refuses what must not be sent, then sets the handle up.
 * See impl.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/http/impl.h"

/* A body in memory; a file may fill Lambda's largest /tmp. */
static const int64_t MEMORY_BODY_MAX = 64LL << 20, FILE_BODY_MAX = 10LL << 30;

static bool is_token(http_text text) {
  for (size_t i = 0; i < text.size; i++) {
    char c = text.at[i];
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c))) return false;
  }

  return text.size > 0;
}

/* Printable, tab or beyond ASCII: no CR, LF or NUL that would end the header early. */
static bool is_header_value(http_text text) {
  for (size_t i = 0; i < text.size; i++) {
    unsigned char c = (unsigned char)text.at[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }

  return true;
}

static bool is_named(http_text name, const char *expected) {
  return name.size == strlen(expected) && strncasecmp(name.at, expected, name.size) == 0;
}

/* curl writes the framing headers. Two different ones would let a request be smuggled in. */
static bool is_framing(http_text name) {
  return is_named(name, "content-length") || is_named(name, "transfer-encoding") ||
         is_named(name, "connection") || is_named(name, "expect");
}

static bool check_headers(http_exchange *exchange) {
  const http_request *request = exchange->request;
  for (size_t i = 0; i < request->header_count; i++) {
    const http_header *header = &request->headers[i];
    int shown = header->name.size < 64 ? (int)header->name.size : 64;
    if (!is_token(header->name)) {
      http_exchange_fail(exchange, HTTP_INVALID_HEADER, "header number %zu has no valid name",
                         i + 1);
      return false;
    }

    if (!is_header_value(header->value)) {
      http_exchange_fail(exchange, HTTP_INVALID_HEADER,
                         "the value of header '%.*s' contains a control character", shown,
                         header->name.at);
      return false;
    }

    if (is_framing(header->name)) {
      http_exchange_fail(exchange, HTTP_INVALID_HEADER, "header '%.*s' is set by weir itself",
                         shown, header->name.at);
      return false;
    }
  }

  return true;
}

static bool check_url(http_exchange *exchange) {
  http_text url = exchange->request->url;
  const char *problem = NULL;
  for (size_t i = 0; i < url.size && !problem; i++)
    if ((unsigned char)url.at[i] <= 0x20 || url.at[i] == 0x7f)
      problem = "the URL contains a space or a control character; percent-encode it";
  size_t scheme = 0;
  if (url.size > 7 && strncasecmp(url.at, "http://", 7) == 0) scheme = 7;
  if (url.size > 8 && strncasecmp(url.at, "https://", 8) == 0) scheme = 8;
  if (!problem && scheme == 0) problem = "the URL must begin with http:// or https://";
  if (!problem && (scheme == url.size || strchr("/?#:", url.at[scheme])))
    problem = "the URL has no host"; /* curl would take the first part of the path */
  for (size_t i = scheme; i < url.size && !problem && !strchr("/?#", url.at[i]); i++)
    if (url.at[i] == '@') problem = "the URL carries a user name; send a header instead";
  if (problem) http_exchange_fail(exchange, HTTP_INVALID_REQUEST, "%s", problem);

  return problem == NULL;
}

static bool check_request(http_exchange *exchange) {
  const http_request *request = exchange->request;
  if (!check_url(exchange)) return false;
  const char *problem = NULL;
  if (!is_token(request->method) || request->method.size >= sizeof exchange->method)
    problem = "the method is not an HTTP method";
  else if (is_named(request->method, "CONNECT") || is_named(request->method, "TRACE"))
    problem = "this method is not supported";
  else if (request->body.at && request->body_file)
    problem = "body and body_file exclude each other";
  if (problem) http_exchange_fail(exchange, HTTP_INVALID_REQUEST, "%s", problem);

  return !problem && check_headers(exchange);
}

/* "Name: value", or curl's "Name;" for an empty value, or "Name:" to drop one of curl's own. */
static bool add_header_line(http_exchange *exchange, http_text name, const char *separator,
                            http_text value) {
  text_buffer line = {0};
  text_buffer_append(&line, name.at, name.size);
  text_buffer_text(&line, separator);
  text_buffer_append(&line, value.at, value.size);
  text_buffer_byte(&line, '\0');
  struct curl_slist *list =
      line.failed ? NULL : curl_slist_append(exchange->header_list, line.data);
  text_buffer_free(&line);
  if (list) exchange->header_list = list;

  return list != NULL;
}

static bool add_headers(http_exchange *exchange) {
  static const char *const unwanted[] = {"Expect", "Accept", "Content-Type"};
  const http_request *request = exchange->request;
  const http_text nothing = {"", 0};
  bool ok = true;
  for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++) {
    bool given = false;
    for (size_t h = 0; h < request->header_count; h++)
      given = given || is_named(request->headers[h].name, unwanted[i]);
    if (!given)
      ok = ok &&
           add_header_line(exchange, (http_text){unwanted[i], strlen(unwanted[i])}, ":", nothing);
  }

  for (size_t i = 0; i < request->header_count; i++) {
    const http_header *header = &request->headers[i];
    ok = ok &&
         add_header_line(exchange, header->name, header->value.size ? ": " : ";", header->value);
  }

  if (!ok) http_exchange_fail(exchange, HTTP_OUT_OF_MEMORY, "not enough memory");

  return ok;
}

static size_t read_body_file(char *out, size_t size, size_t count, void *context) {
  http_exchange *exchange = context;
  size_t wanted = size * count;
  if ((int64_t)wanted > exchange->body_left) wanted = (size_t)exchange->body_left;
  if (wanted == 0) return 0;
  ssize_t got = read(exchange->body_fd, out, wanted);
  if (got <= 0) { /* also a file that shrank: its announced length can no longer be met */
    exchange->trouble = HTTP_FILE_FAILED;
    exchange->trouble_errno = got < 0 ? errno : 0;
    return CURL_READFUNC_ABORT;
  }

  exchange->body_left -= got;

  return (size_t)got;
}

/* curl rewinds when it repeats the request on a fresh connection. */
static int rewind_body_file(void *context, curl_off_t offset, int origin) {
  http_exchange *exchange = context;
  if (origin != SEEK_SET || offset < 0 || offset > exchange->body_size) return CURL_SEEKFUNC_FAIL;
  if (lseek(exchange->body_fd, exchange->request->body_offset + offset, SEEK_SET) < 0)
    return CURL_SEEKFUNC_FAIL;
  exchange->body_left = exchange->body_size - offset;

  return CURL_SEEKFUNC_OK;
}

static bool open_body_file(http_exchange *exchange) {
  const http_request *request = exchange->request;
  struct stat status;
  exchange->body_fd = open(request->body_file, O_RDONLY | O_CLOEXEC);
  if (exchange->body_fd < 0 || fstat(exchange->body_fd, &status) != 0) {
    http_exchange_fail(exchange, HTTP_FILE_FAILED, "cannot read %s: %s", request->body_file,
                       strerror(errno));
    return false;
  }

  int64_t available = (int64_t)status.st_size - request->body_offset;
  exchange->body_size = request->body_length < 0 ? available : request->body_length;
  if (!S_ISREG(status.st_mode) || request->body_offset < 0 || exchange->body_size > available ||
      exchange->body_size < 0) {
    http_exchange_fail(exchange, HTTP_FILE_FAILED,
                       "%s is not a regular file with the bytes to be sent", request->body_file);
    return false;
  }

  return rewind_body_file(exchange, 0, SEEK_SET) == CURL_SEEKFUNC_OK;
}

static bool is_method(const http_exchange *exchange, const char *method) {
  return strcmp(exchange->method, method) == 0;
}

static bool set_body(http_exchange *exchange) {
  const http_request *request = exchange->request;
  CURL *easy = exchange->easy;
  bool usually_has_body = is_method(exchange, "POST") || is_method(exchange, "PUT");
  if (request->body_file) {
    if (!open_body_file(exchange)) return false;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange->body_size);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body_file);
    curl_easy_setopt(easy, CURLOPT_READDATA, (void *)exchange);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, rewind_body_file);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, (void *)exchange);
  } else if (request->body.at || usually_has_body) { /* the latter: Content-Length: 0 */
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.at ? request->body.at : "");
  }

  if (is_method(exchange, "HEAD")) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);

  return true;
}

/* curl counts in int and takes 0 for "no limit". */
static long curl_limit(int64_t limit_ms) {
  return limit_ms > INT_MAX ? 0 : (long)limit_ms;
}

/* The deadline caps everything; a deadline in the past sends nothing. */
static bool set_time_limits(http_exchange *exchange) {
  const http_request *request = exchange->request;
  int64_t limit = request->timeout_ms > 0 ? request->timeout_ms : INT64_MAX;
  if (request->deadline_ms > 0) {
    int64_t left = request->deadline_ms - http_now_ms();
    if (left <= 0) {
      http_exchange_fail(exchange, HTTP_DEADLINE_EXCEEDED,
                         "not sent: the deadline passed %lld ms ago", (long long)-left);
      return false;
    }

    if (left < limit) limit = left;
  }

  int64_t connect_limit = request->connect_timeout_ms < limit ? request->connect_timeout_ms : limit;
  curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, curl_limit(limit));
  curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, curl_limit(connect_limit));

  return true;
}

static void set_rules(http_exchange *exchange) {
  const http_request *request = exchange->request;
  CURL *easy = exchange->easy;
  curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->header_list);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* S3 keys may contain "..", and are signed so */
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_error);
  http_exchange_trust(exchange);
  if (request->direct) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  int64_t body_max = request->max_response_bytes;
  if (body_max < 0) body_max = request->output_file ? FILE_BODY_MAX : MEMORY_BODY_MAX;
  exchange->body_max = body_max;
}

bool http_exchange_prepare(http_exchange *exchange) {
  const http_request *request = exchange->request;
  if (!check_request(exchange)) return false;
  memcpy(exchange->method, request->method.at, request->method.size);
  exchange->url = strndup(request->url.at, request->url.size);
  if (!exchange->url) {
    http_exchange_fail(exchange, HTTP_OUT_OF_MEMORY, "not enough memory");
    return false;
  }

  if (!set_time_limits(exchange) || !add_headers(exchange)) return false;
  set_rules(exchange);

  return http_exchange_keep_local(exchange) && set_body(exchange);
}
