/* Signature Version 4, in the specification's own stages:
 *
 *   canonical request  METHOD \n canonical URI \n canonical query \n canonical headers \n
 *                      signed headers \n payload hash
 *   string to sign     AWS4-HMAC-SHA256 \n time \n scope \n hex(SHA-256(canonical request))
 *   signing key        H(H(H(H("AWS4" + secret, date), region), service), "aws4_request")
 *   signature          hex(H(signing key, string to sign))
 *
 * A signer is used for one request at a time: clear it, add the request's headers, then sign or
 * presign; the results stay readable until it is cleared. It keeps its buffers and the signing
 * keys of the day, so a signature allocates nothing after the first.
 * Memory: a zeroed sigv4_signer is ready; sigv4_signer_free releases and wipes it. Request texts
 * are the caller's. */
#ifndef WEIR_CORE_AWS_SIGV4_H
#define WEIR_CORE_AWS_SIGV4_H

#include "core/aws/sigv4_headers.h"
#include "core/aws/sigv4_key.h"
#include "core/aws/sigv4_uri.h"

enum { SIGV4_EXPIRES_MAX = 604800 /* seconds: a week */ };

typedef struct {
  sigv4_text method, url, body;
  sigv4_text payload_hash; /* empty: the hash of the body */
  sigv4_text service, region;
  sigv4_text access_key_id, secret_access_key;
  sigv4_text session_token; /* empty: none */
  sigv4_text time;          /* YYYYMMDDTHHMMSSZ, checked */
  bool content_sha256;      /* send x-amz-content-sha256 to a service that is not S3 */
  unsigned expires;         /* of a presigned URL, in seconds */
} sigv4_request;

typedef struct {
  sigv4_keys keys;
  sigv4_headers headers; /* the caller's, then those that signing adds */
  sigv4_query query;
  text_buffer canonical_request, string_to_sign, scope, signed_headers;
  text_buffer result;            /* sign: the Authorization header; presign: the URL */
  char payload_hash[SHA256_HEX]; /* or the word that stands for one */
  char signature[SHA256_HEX];
} sigv4_signer;

/* What went wrong, or a NULL code. */
typedef struct {
  const char *code, *message;
} sigv4_error;

void sigv4_signer_clear(sigv4_signer *signer);
void sigv4_signer_free(sigv4_signer *signer);

/* Signs in headers. Afterwards signer->headers holds everything to send but Authorization. */
sigv4_error sigv4_sign(sigv4_signer *signer, const sigv4_request *request);

/* Signs in the query. x-amz-* headers move there; others that were added must be sent with the
 * URL as they are. */
sigv4_error sigv4_presign(sigv4_signer *signer, const sigv4_request *request);

#endif
