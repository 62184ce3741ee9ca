/* The headers of a request as Signature Version 4 sees them: lower-case names, trimmed values,
 * sorted, and without those that proxies may change.
 * Memory: a sigv4_headers owns copies of everything added; release with sigv4_headers_free,
 * which wipes it, because a session token is among them. */
#ifndef WEIR_CORE_AWS_SIGV4_HEADERS_H
#define WEIR_CORE_AWS_SIGV4_HEADERS_H

#include "core/aws/sigv4_text.h"
#include "core/text/text_buffer.h"

typedef enum {
  SIGV4_SIGNED,
  SIGV4_UNSIGNED, /* sent, but never signed: hop-by-hop, user-agent, … */
  SIGV4_REPLACED, /* of an earlier signature: neither signed nor sent again */
} sigv4_header_role;

typedef struct {
  size_t name, name_size, value, value_size; /* places in the text */
  sigv4_header_role role;
  bool own; /* of the signature itself, not given */
} sigv4_header;

typedef struct {
  text_buffer text;
  sigv4_header *headers;
  size_t count, capacity;
  bool failed; /* memory was short */
} sigv4_headers;

void sigv4_headers_clear(sigv4_headers *headers);
void sigv4_headers_free(sigv4_headers *headers);

/* Adds one header. Of a repeated header, call sigv4_headers_append for the later values: they
 * are joined by commas in order of arrival. NULL, or what is wrong: a name that is not a token, or
 * a value with a control character (which could smuggle in another header). A line break that
 * is followed by a space or tab is folding, and becomes one space. */
const char *sigv4_headers_add(sigv4_headers *headers, sigv4_text name, sigv4_text value);
const char *sigv4_headers_append(sigv4_headers *headers, sigv4_text value);

/* Adds one of the signature's own headers: a lower-case name, and a value without blanks. */
void sigv4_headers_add_own(sigv4_headers *headers, const char *name, sigv4_text value);

/* The header of that lower-case name, or NULL. */
sigv4_header *sigv4_headers_find(const sigv4_headers *headers, const char *name);

sigv4_text sigv4_headers_name(const sigv4_headers *headers, const sigv4_header *header);
sigv4_text sigv4_headers_value(const sigv4_headers *headers, const sigv4_header *header);

void sigv4_headers_remove(sigv4_headers *headers, sigv4_header *header);

/* Sorts by name. True when two have the same name: no order of arrival is known for them. */
bool sigv4_headers_sort(sigv4_headers *headers);

/* After sorting: "name:value\n" of every signed header; "name;name" of the same. */
void sigv4_headers_canonical(text_buffer *out, const sigv4_headers *headers);
void sigv4_headers_signed(text_buffer *out, const sigv4_headers *headers);

#endif
