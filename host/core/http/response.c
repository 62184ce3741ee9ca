/* The receiving half of an exchange: headers, body to memory or file, and what curl's result
 * means. See impl.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/http/impl.h"

/* Headers of one name are joined into one value; their number bounds how much is copied. */
enum { HEADERS_MAX = 256 * 1024, HEADER_LINES_MAX = 1000 };

/* Method and URL without user or query: passwords, presigned queries and session tokens are
 * secrets. Where an "@" comes before the query, everything before it may be a password. */
static int write_place(const http_exchange *exchange, char *out, size_t size) {
  http_text url = exchange->request->url, method = exchange->request->method;
  size_t shown = 0;
  while (shown < url.size && !strchr("?#@", url.at[shown]) && (unsigned char)url.at[shown] > 0x20)
    shown++;
  bool hidden = exchange->request->url_is_secret || (shown < url.size && url.at[shown] == '@');
  if (hidden) url = (http_text){"[redacted]", shown = strlen("[redacted]")};

  return snprintf(out, size, "%.*s %.*s: ", (int)(method.size < 16 ? method.size : 16), method.at,
                  (int)(shown < 200 ? shown : 200), url.at);
}

void http_exchange_fail(http_exchange *exchange, http_outcome outcome, const char *format, ...) {
  http_response *response = exchange->response;
  response->outcome = outcome;
  int used = write_place(exchange, response->message, sizeof response->message);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(response->message + used, sizeof response->message - (size_t)used, format, arguments);
  va_end(arguments);
}

static http_text trim(http_text text) {
  while (text.size && strchr(" \t\r\n", text.at[text.size - 1])) text.size--;
  while (text.size && (*text.at == ' ' || *text.at == '\t')) text.at++, text.size--;
  return text;
}

static size_t refuse(http_exchange *exchange, http_outcome trouble) {
  exchange->trouble = trouble;
  exchange->trouble_errno = errno;
  return 0; /* curl takes a short count as "stop" */
}

/* Appends "name\0value\0". Repeats are joined later, when the whole head is there. */
static bool keep_header(text_buffer *headers, http_text name, http_text value) {
  for (size_t i = 0; i < name.size; i++) {
    char c = name.at[i];
    text_buffer_byte(headers, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
  }

  text_buffer_byte(headers, '\0');
  text_buffer_append(headers, value.at, value.size);
  text_buffer_byte(headers, '\0');

  return !headers->failed;
}

static size_t on_header(char *line, size_t size, size_t count, void *context) {
  http_exchange *exchange = context;
  text_buffer *headers = &exchange->response->headers;
  http_text rest = {line, size * count};
  if (rest.size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    headers->size = 0; /* an interim answer came before this one: only the last head counts */
    exchange->header_lines = 0;
    return rest.size;
  }

  if (trim(rest).size == 0) return rest.size; /* the line that ends the head */
  const char *colon = memchr(line, ':', rest.size);
  bool folded = *line == ' ' || *line == '\t'; /* obsolete, and another header to some */
  if (!colon || folded || memchr(line, '\0', rest.size))
    return refuse(exchange, HTTP_MALFORMED_RESPONSE);
  if (headers->size + rest.size > HEADERS_MAX || ++exchange->header_lines > HEADER_LINES_MAX)
    return refuse(exchange, HTTP_RESPONSE_TOO_LARGE);
  http_text name = trim((http_text){line, (size_t)(colon - line)});
  http_text value = trim((http_text){colon + 1, rest.size - (size_t)(colon + 1 - line)});
  if (!keep_header(headers, name, value)) return refuse(exchange, HTTP_OUT_OF_MEMORY);

  return rest.size;
}

/* Beside the target, so that the final rename is one step on one file system. */
static bool open_output(http_exchange *exchange) {
  const char *path = exchange->request->output_file;
  size_t size = strlen(path) + sizeof ".part-XXXXXX";
  exchange->output_part = malloc(size);
  if (!exchange->output_part) return false;
  snprintf(exchange->output_part, size, "%s.part-XXXXXX", path);
  exchange->output_fd = mkostemp(exchange->output_part, O_CLOEXEC);

  return exchange->output_fd >= 0;
}

static bool write_output(http_exchange *exchange, const char *bytes, size_t size) {
  if (exchange->output_fd < 0 && !open_output(exchange)) return false;
  while (size > 0) {
    ssize_t written = write(exchange->output_fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    size -= (size_t)written;
  }

  return true;
}

/* An error's body explains it and is small: only a success goes to the file. */
static bool goes_to_file(const http_exchange *exchange) {
  long status = 0;
  if (!exchange->request->output_file) return false;
  curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
  return status >= 200 && status < 300;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  http_exchange *exchange = context;
  http_response *response = exchange->response;
  size_t received = size * count;
  if ((int64_t)received > exchange->body_max - response->body_bytes)
    return refuse(exchange, HTTP_RESPONSE_TOO_LARGE);
  if (goes_to_file(exchange)) {
    if (!write_output(exchange, bytes, received)) return refuse(exchange, HTTP_FILE_FAILED);
  } else {
    text_buffer_append(&response->body, bytes, received);
    if (response->body.failed) return refuse(exchange, HTTP_OUT_OF_MEMORY);
  }

  response->body_bytes += (int64_t)received;

  return received;
}

void http_exchange_receive(http_exchange *exchange) {
  CURL *easy = exchange->easy;
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, (void *)exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)exchange);
  /* A body whose announced length is too large is refused before a byte of it is read. The answer
   * to HEAD announces a body that never comes. */
  if (strcmp(exchange->method, "HEAD") != 0)
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)exchange->body_max);
}

int64_t http_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* curl's timer and the wall clock round differently, so the last 2 ms count as passed. */
static bool deadline_passed(const http_request *request) {
  return request->deadline_ms > 0 && http_now_ms() >= request->deadline_ms - 2;
}

static http_outcome outcome_of(const http_exchange *exchange, CURLcode code) {
  if (exchange->trouble != HTTP_DONE) return exchange->trouble;
  switch (code) {
  case CURLE_OK: return HTTP_DONE;
  case CURLE_OPERATION_TIMEDOUT:
    return deadline_passed(exchange->request) ? HTTP_DEADLINE_EXCEEDED : HTTP_TIMEOUT;
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_INTERFACE_FAILED:
  case CURLE_PROXY: return HTTP_CONNECT_FAILED;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS: return HTTP_TLS_FAILED;
  case CURLE_FILESIZE_EXCEEDED: return HTTP_RESPONSE_TOO_LARGE;
  case CURLE_OUT_OF_MEMORY: return HTTP_OUT_OF_MEMORY;
  case CURLE_URL_MALFORMAT: return HTTP_INVALID_REQUEST;
  case CURLE_UNSUPPORTED_PROTOCOL: /* what curl calls an answer without a status line */
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING: return HTTP_MALFORMED_RESPONSE;
  default: return HTTP_CONNECTION_LOST;
  }
}

static const char *describe(const http_exchange *exchange, http_outcome outcome, CURLcode code) {
  switch (outcome) {
  case HTTP_RESPONSE_TOO_LARGE: return "the response is larger than the caller's limit";
  case HTTP_OUT_OF_MEMORY: return "not enough memory";
  case HTTP_NOT_LOOPBACK: return HTTP_NOT_LOOPBACK_TEXT;
  case HTTP_FILE_FAILED:
    return exchange->trouble_errno ? strerror(exchange->trouble_errno)
                                   : "the file being sent became shorter";
  case HTTP_MALFORMED_RESPONSE:
    if (exchange->trouble != HTTP_DONE) return "a response header is malformed";
    break;
  default: break;
  }

  if (strncmp(exchange->curl_error, "Unsupported proxy", 17) == 0) /* goes on to quote all of it */
    return "the proxy variable of the environment is not a URL curl takes; percent-encode a "
           "password in it";
  return exchange->curl_error[0] ? exchange->curl_error : curl_easy_strerror(code);
}

static void explain(http_exchange *exchange, http_outcome outcome, CURLcode code) {
  const http_request *request = exchange->request;
  const char *detail = describe(exchange, outcome, code);
  if (outcome == HTTP_FILE_FAILED) {
    const char *path = exchange->body_fd >= 0 ? request->body_file : request->output_file;
    http_exchange_fail(exchange, outcome, "%s: %s", path, detail);
  } else if (outcome == HTTP_RESPONSE_TOO_LARGE) {
    http_exchange_fail(exchange, outcome, "%s (%lld bytes)", detail, (long long)exchange->body_max);
  } else {
    http_exchange_fail(exchange, outcome, "%s", detail);
  }
}

static void read_facts(http_exchange *exchange) {
  http_response *response = exchange->response;
  curl_off_t elapsed = 0;
  long connects = 0;
  curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &response->status);
  curl_easy_getinfo(exchange->easy, CURLINFO_TOTAL_TIME_T, &elapsed);
  curl_easy_getinfo(exchange->easy, CURLINFO_NUM_CONNECTS, &connects);
  response->elapsed_us = elapsed;
  response->reused = connects == 0;
}

/* Puts a whole output in place, or removes a partial one. An empty success is an empty file. */
static void settle_output(http_exchange *exchange) {
  http_response *response = exchange->response;
  const char *path = exchange->request->output_file;
  bool wanted = response->outcome == HTTP_DONE && goes_to_file(exchange);
  bool ok = !wanted || exchange->output_fd >= 0 || open_output(exchange);
  if (exchange->output_fd >= 0) {
    ok = close(exchange->output_fd) == 0 && ok;
    ok = ok && (!wanted || rename(exchange->output_part, path) == 0);
    int reason = errno;
    if (!wanted || !ok) unlink(exchange->output_part);
    errno = reason;
  }

  if (!ok) http_exchange_fail(exchange, HTTP_FILE_FAILED, "%s: %s", path, strerror(errno));
  free(exchange->output_part);
}

void http_exchange_finish(http_exchange *exchange, CURLcode code) {
  http_response *response = exchange->response;
  if (response->outcome == HTTP_DONE) {
    http_outcome outcome = outcome_of(exchange, code);
    read_facts(exchange);
    if (outcome != HTTP_DONE) explain(exchange, outcome, code);
    settle_output(exchange);
  }

  if (exchange->body_fd >= 0) close(exchange->body_fd);
  curl_slist_free_all(exchange->header_list);
  free(exchange->url);
}
