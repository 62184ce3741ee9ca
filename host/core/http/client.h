/* HTTP/1.1 requests over libcurl, one or many at a time, on connections that stay open.
 *
 * What is fixed on purpose: TLS certificates are always verified, redirects are never followed,
 * only http and https are spoken, `Expect:` is never sent, the path goes out as it was given, and
 * proxy variables of the environment count unless a request is `direct`. With WEIR_LOOPBACK_ONLY=1
 * in the environment, as the tests set it, requests to other machines fail before they are sent.
 * Only options that every TLS backend of curl understands are used: the layer is built with
 * mbedTLS, development with OpenSSL; tls.c is where they differ.
 *
 * Memory: a request only borrows what it points to, for the length of http_client_perform. A
 * response owns its buffers; release with http_response_free. */
#ifndef WEIR_CORE_HTTP_CLIENT_H
#define WEIR_CORE_HTTP_CLIENT_H

#include "core/text/text_buffer.h"

typedef enum {
  HTTP_DONE,              /* the peer answered, whatever the status */
  HTTP_INVALID_REQUEST,   /* method, URL or an impossible combination; nothing was sent */
  HTTP_INVALID_HEADER,    /* a header that would let a value become another header */
  HTTP_TIMEOUT,           /* timeout_ms or connect_timeout_ms ran out */
  HTTP_DEADLINE_EXCEEDED, /* deadline_ms came first */
  HTTP_CONNECT_FAILED,    /* name resolution, proxy, refused, unreachable */
  HTTP_TLS_FAILED,
  HTTP_CONNECTION_LOST, /* after connecting: reset, closed early, body shorter than announced */
  HTTP_RESPONSE_TOO_LARGE,
  HTTP_MALFORMED_RESPONSE,
  HTTP_FILE_FAILED,  /* body_file or output_file */
  HTTP_NOT_LOOPBACK, /* WEIR_LOOPBACK_ONLY=1 keeps requests on this machine; nothing was sent */
  HTTP_OUT_OF_MEMORY,
} http_outcome;

typedef struct {
  const char *at;
  size_t size;
} http_text;

typedef struct {
  http_text name, value;
} http_header;

typedef struct {
  http_text method; /* upper-case token; "GET" when empty */
  http_text url;
  bool url_is_secret; /* no message shows a part of it */
  const http_header *headers;
  size_t header_count;
  http_text body;          /* at == NULL: none */
  const char *body_file;   /* sent instead of body; NULL: none */
  int64_t body_offset;     /* the part of body_file to send … */
  int64_t body_length;     /* … or everything after the offset when negative */
  const char *output_file; /* where a 2xx body goes, replaced in one step; NULL: memory */
  const char *ca_bundle;   /* certificates to trust instead of the system's; NULL: system's */
  int64_t timeout_ms;      /* whole exchange; 0: none, for the Lambda runtime's long poll */
  int64_t connect_timeout_ms;
  int64_t deadline_ms;        /* epoch milliseconds; 0: none */
  int64_t max_response_bytes; /* of the body; -1: 64 MiB in memory, 10 GiB in output_file */
  bool direct;                /* ignore proxy variables */
  bool body_is_secret;        /* the answer's body; the client only keeps the mark */
} http_request;

typedef struct {
  http_outcome outcome;
  char message[512]; /* what happened and where, when outcome is not HTTP_DONE; no query, no user */
  long status;
  text_buffer headers; /* "name\0value\0" pairs: lower-case names, repeats joined with ", " */
  text_buffer body;
  int64_t body_bytes; /* received, in memory or in output_file */
  int64_t elapsed_us;
  bool reused; /* the exchange used a connection that was already open */
} http_response;

typedef struct http_client http_client;

/* NULL when memory is short. */
http_client *http_client_new(void);
void http_client_free(http_client *client);

/* Defaults for every field; the caller then sets what it wants. */
http_request http_request_defaults(void);

/* Runs all requests, at most 32 at a time, and fills one response each, in order. The responses
 * may be uninitialised memory. */
void http_client_perform(http_client *client, const http_request *requests,
                         http_response *responses, size_t count);

void http_response_free(http_response *response);

/* "Timeout", "ConnectFailed", …: the third value of the error rule. */
const char *http_outcome_code(http_outcome outcome);

#endif
