/* The URL of a request as Signature Version 4 sees it: host, canonical URI, canonical query.
 * Memory: parts point into the caller's URL; canonical forms are appended to the caller's
 * buffers. */
#ifndef WEIR_CORE_AWS_SIGV4_URI_H
#define WEIR_CORE_AWS_SIGV4_URI_H

#include "core/aws/sigv4_text.h"
#include "core/text/text_buffer.h"

typedef struct {
  sigv4_text host;  /* with a port that is not the scheme's own */
  sigv4_text path;  /* as sent; may be empty */
  sigv4_text query; /* without '?'; may be empty */
} sigv4_url;

/* Takes an absolute http or https URL apart. NULL, or what is wrong with it. */
const char *sigv4_uri_parse(sigv4_text url, sigv4_url *parts);

/* Appends a path as it can be sent: a space or non-ASCII byte that was left as it is gets encoded.
 */
void sigv4_uri_sendable(text_buffer *out, sigv4_text path);

/* Percent-encodes everything but A-Z a-z 0-9 - . _ ~ (and '/' if asked), in upper-case hex. */
void sigv4_uri_encode(text_buffer *out, sigv4_text text, bool keep_slash);

/* The canonical URI. For S3 it is the path as sent: every '/' and '.' belongs to the key. For other
 * services dots and double slashes are resolved, and the path, which is already encoded for the
 * wire, is encoded once more. */
void sigv4_uri_canonical_path(text_buffer *out, sigv4_text path, bool s3);

/* One name=value pair of the query, both decoded and encoded again: "%7e" and "~" are one. */
typedef struct {
  size_t name, name_size, value, value_size; /* places in the encoded text */
} sigv4_parameter;

typedef struct {
  text_buffer encoded; /* names and values, in order of arrival */
  sigv4_parameter *parameters;
  size_t count, capacity;
  bool failed; /* memory was short */
} sigv4_query;

void sigv4_uri_query_clear(sigv4_query *query);
void sigv4_uri_query_free(sigv4_query *query);

/* Adds every parameter of a query as it stands in a URL. '+' is a plus: a space is %20. */
void sigv4_uri_query_parse(sigv4_query *query, sigv4_text text);

/* Adds one parameter from plain text. */
void sigv4_uri_query_add(sigv4_query *query, sigv4_text name, sigv4_text value);

/* Removes every parameter of that name, in upper or lower case. */
void sigv4_uri_query_remove(sigv4_query *query, const char *name);

/* Appends the canonical query: sorted by name, then by value. Sorts the parameters. */
void sigv4_uri_canonical_query(text_buffer *out, sigv4_query *query);

#endif
