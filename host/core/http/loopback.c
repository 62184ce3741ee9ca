/* The guard of the tests: with WEIR_LOOPBACK_ONLY=1 in the environment no request leaves the
 * machine. A lost setting then fails at once instead of reaching the real AWS. See impl.h.
 *
 * Names are checked before they are resolved, and addresses before a connection is opened. Behind a
 * proxy only the proxy's address counts, because the proxy resolves the name. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/impl.h"

static bool is_guarded(void) {
  const char *value = getenv("WEIR_LOOPBACK_ONLY");
  return value && strcmp(value, "1") == 0;
}

static bool has_proxy(const http_request *request) {
  static const char *const variables[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *value = getenv(variables[i]);
    if (value && *value && !request->direct) return true;
  }

  return false;
}

static bool is_loopback_address(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
  }

  if (address->sa_family != AF_INET6) return false;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

  return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* localhost and names below it, which curl knows by itself, 127.0.0.0/8 and [::1]. */
static bool is_loopback_name(const char *host) {
  size_t size = strlen(host);
  struct in_addr address;
  if (inet_pton(AF_INET, host, &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  if (strcmp(host, "[::1]") == 0 || strcasecmp(host, "localhost") == 0) return true;

  return size > 10 && strcasecmp(host + size - 10, ".localhost") == 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  http_exchange *exchange = context;
  (void)purpose;
  if (!is_loopback_address(&address->addr)) {
    exchange->trouble = HTTP_NOT_LOOPBACK;
    return CURL_SOCKET_BAD;
  }

  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Whether the URL's host, as curl reads it, is this machine. */
static bool is_loopback_url(const char *url) {
  CURLU *parsed = curl_url();
  char *host = NULL;
  bool loopback =
      parsed && curl_url_set(parsed, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK &&
      curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && is_loopback_name(host);
  curl_free(host);
  curl_url_cleanup(parsed);

  return loopback;
}

bool http_exchange_keep_local(http_exchange *exchange) {
  if (!is_guarded()) return true;
  if (!has_proxy(exchange->request) && !is_loopback_url(exchange->url)) {
    http_exchange_fail(exchange, HTTP_NOT_LOOPBACK, "%s", HTTP_NOT_LOOPBACK_TEXT);
    return false;
  }

  curl_easy_setopt(exchange->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(exchange->easy, CURLOPT_OPENSOCKETDATA, (void *)exchange);

  return true;
}
