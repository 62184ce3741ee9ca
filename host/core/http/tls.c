/* Which certificates an exchange trusts, and where mbedTLS gets its randomness. See impl.h.
 *
 * Where curl's TLS is OpenSSL (development), curl looks for them itself. With mbedTLS (the layer)
 * it would parse a system's 140 certificates again for each connection, which takes longer than the
 * rest of a handshake. So each file is parsed here once, and its certificates are given to each new
 * connection. Every error fails the exchange: no connection is made unverified.
 *
 * Memory: parsed files belong to the process and live as long, because connections point to them.
 */
#include "core/http/impl.h"

#ifndef WEIR_TLS_MBEDTLS

void http_exchange_trust(http_exchange *exchange) {
  const char *bundle = exchange->request->ca_bundle;
  if (bundle) curl_easy_setopt(exchange->easy, CURLOPT_CAINFO, bundle);
}

#else

#include <errno.h>
#include <limits.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/system/process.h"

/* A program needs one or two: the system's, and that of AWS_CA_BUNDLE. */
enum { BUNDLES_MAX = 16 };

typedef struct bundle {
  struct bundle *next;
  mbedtls_x509_crt chain;
  char path[]; /* NUL-terminated */
} bundle;

static struct {
  pthread_mutex_t lock;
  bundle *first;
  int count;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The bundle that comes with the program for a root without one: in the layer etc/ beside it, in a
 * package PREFIX/share/weir/ for a program in PREFIX/bin. */
static bool own_bundle(char *path, size_t size) {
  static const char *const names[] = {"etc/ca-bundle.crt", "../share/weir/ca-bundle.crt"};
  if (!process_executable(path, size)) return false;
  char *slash = strrchr(path, '/');
  if (!slash) return false;
  size_t room = size - (size_t)(slash + 1 - path);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strlen(names[i]) >= room) continue;
    memcpy(slash + 1, names[i], strlen(names[i]) + 1);
    if (access(path, F_OK) == 0) return true;
  }

  return false;
}

/* The file that is trusted by default; NULL: there is none. An operator's word is final, even when
 * the file is not there. */
static const char *system_bundle(char own[PATH_MAX]) {
  static const char *const places[] = {
      "/etc/pki/tls/certs/ca-bundle.crt",   /* Amazon Linux */
      "/etc/ssl/certs/ca-certificates.crt", /* Debian */
      "/etc/ssl/cert.pem",                  /* Alpine and others */
  };
  const char *given = getenv("SSL_CERT_FILE");
  if (given && *given) return given;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (access(places[i], F_OK) == 0) return places[i];
  return own_bundle(own, PATH_MAX) ? own : NULL;
}

/* The reason goes into problem. Some certificates of a bundle may be of a kind unknown here; one
 * must be usable. */
static bundle *parse_bundle(const char *path, char *problem, size_t size) {
  size_t length = strlen(path) + 1;
  bundle *parsed = malloc(sizeof *parsed + length);
  if (!parsed) {
    snprintf(problem, size, "not enough memory");
    return NULL;
  }

  memcpy(parsed->path, path, length);
  mbedtls_x509_crt_init(&parsed->chain);
  int status = mbedtls_x509_crt_parse_file(&parsed->chain, path);
  if (status >= 0) return parsed;
  if (access(path, R_OK) != 0)
    snprintf(problem, size, "%s", strerror(errno));
  else
    mbedtls_strerror(status, problem, size);
  mbedtls_x509_crt_free(&parsed->chain);
  free(parsed);

  return NULL;
}

static mbedtls_x509_crt *find_or_parse(const char *path, char *problem, size_t size) {
  for (bundle *known = cache.first; known; known = known->next)
    if (strcmp(known->path, path) == 0) return &known->chain;
  if (cache.count == BUNDLES_MAX) {
    snprintf(problem, size, "one process takes %d CA files at most", BUNDLES_MAX);
    return NULL;
  }

  bundle *parsed = parse_bundle(path, problem, size);
  if (!parsed) return NULL;
  parsed->next = cache.first;
  cache.first = parsed;
  cache.count++;

  return &parsed->chain;
}

/* curl calls this for each new TLS connection, before the handshake. */
static CURLcode install_chain(CURL *easy, void *config, void *context) {
  (void)easy;
  http_exchange *exchange = context;
  char own[PATH_MAX], problem[160] = "";
  const char *path = exchange->request->ca_bundle;
  if (!path) path = system_bundle(own);
  if (!path) {
    http_exchange_fail(exchange, HTTP_TLS_FAILED,
                       "no CA certificates on this system; set SSL_CERT_FILE to a file of them");
    return CURLE_SSL_CACERT_BADFILE;
  }

  pthread_mutex_lock(&cache.lock);
  mbedtls_x509_crt *chain = find_or_parse(path, problem, sizeof problem);
  pthread_mutex_unlock(&cache.lock);
  if (!chain) {
    http_exchange_fail(exchange, HTTP_TLS_FAILED, "cannot use the CA certificates of %s (%s): %s",
                       path, exchange->request->ca_bundle ? "ca_bundle" : "SSL_CERT_FILE", problem);
    return CURLE_SSL_CACERT_BADFILE;
  }

  mbedtls_ssl_conf_ca_chain(config, chain, NULL);
  /* As strict as OpenSSL in development: RSA of 2,048 bits and SHA-2; curl would take less. */
  mbedtls_ssl_conf_cert_profile(config, &mbedtls_x509_crt_profile_default);

  return CURLE_OK;
}

void http_exchange_trust(http_exchange *exchange) {
  CURL *easy = exchange->easy;
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, install_chain);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)exchange);
  /* mbedTLS does not read this path, but curl compares it before another request may use the
   * connection or the session: a connection that one file of certificates vouched for is not used
   * for requests with another file. */
  const char *path = exchange->request->ca_bundle;
  curl_easy_setopt(easy, CURLOPT_ISSUERCERT, path);
  curl_easy_setopt(easy, CURLOPT_PROXY_ISSUERCERT, path);
}

/* mbedTLS asks for this (MBEDTLS_ENTROPY_HARDWARE_ALT): an empty root has no /dev/urandom, so the
 * kernel is asked directly. */
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t size, size_t *written);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t size, size_t *written) {
  (void)data;
  *written = 0;
  if (!process_random(output, size)) return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
  *written = size;
  return 0;
}

#endif
