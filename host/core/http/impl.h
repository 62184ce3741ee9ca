/* One request on its way: what curl's callbacks need while it runs.
 * Memory: an exchange belongs to the client's slot and is cleaned by http_exchange_finish. */
#ifndef WEIR_CORE_HTTP_IMPL_H
#define WEIR_CORE_HTTP_IMPL_H

#include <curl/curl.h>

#include "core/http/client.h"

typedef struct {
  CURL *easy; /* kept from one exchange to the next */
  const http_request *request;
  http_response *response;
  struct curl_slist *header_list;
  char *url;
  int header_lines; /* received */
  char method[24];
  int body_fd;          /* -1: none */
  int64_t body_left;    /* bytes of body_file still to be read */
  int64_t body_size;    /* bytes of body_file to send in all */
  int64_t body_max;     /* of the response */
  int output_fd;        /* -1: not opened */
  char *output_part;    /* the temporary name beside output_file */
  http_outcome trouble; /* what a callback found wrong; HTTP_DONE: nothing */
  int trouble_errno;
  char curl_error[CURL_ERROR_SIZE];
} http_exchange;

/* request.c: checks the request and sets the handle up. False: the response says why. */
bool http_exchange_prepare(http_exchange *exchange);

/* tls.c: certificates, from the request's ca_bundle or the system's file. */
void http_exchange_trust(http_exchange *exchange);

/* loopback.c: in tests, refuses a request to another machine. False: the response says so. */
bool http_exchange_keep_local(http_exchange *exchange);
#define HTTP_NOT_LOOPBACK_TEXT                                                                     \
  "not sent: WEIR_LOOPBACK_ONLY=1 is set, and this is another machine; give the test a server on " \
  "127.0.0.1"

/* response.c */
void http_exchange_receive(http_exchange *exchange);               /* installs the callbacks */
void http_exchange_finish(http_exchange *exchange, CURLcode code); /* fills outcome, cleans up */

/* The wall clock in epoch milliseconds, as Lambda gives its deadlines. */
int64_t http_now_ms(void);

/* Sets outcome and message, prefixed with method and URL without its query. */
void http_exchange_fail(http_exchange *exchange, http_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
