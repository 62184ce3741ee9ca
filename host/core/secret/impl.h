/* What the files of this folder share.
 * Memory: a view owns its arrays and wipes them; marks and buffers are the caller's. */
#ifndef WEIR_CORE_SECRET_IMPL_H
#define WEIR_CORE_SECRET_IMPL_H

#include "core/text/text_buffer.h"

enum {
  SECRET_ALIGNMENTS = 3, /* a secret in base64 looks different after 0, 1 and 2 other bytes */
  SECRET_LEAST_LINE = 60 /* digits of base64 before a line break that is passed over */
};

/* A text without the escapes of JSON, URLs and XML, however often it was escaped, and without the
 * line breaks of base64. Byte i was
 * written at text[from[i]] up to text[end[i]]. `bytes` has one alphabet of base64: '-' is '+' and
 * '_' is '/' there; `plain` has the characters themselves. */
typedef struct {
  char *bytes, *plain;
  size_t *from, *end;
  size_t size;
} secret_view;

/* False when memory is short; free it in either case. */
bool secret_view_make(secret_view *view, const char *text, size_t size);
void secret_view_free(secret_view *view);

/* Appends the digits of the secret in base64, after `before` other bytes, that depend on the secret
 * alone. False when memory is short. */
bool secret_base64_digits(text_buffer *out, const char *secret, size_t size, size_t before);

/* Frees a buffer that held a piece of a secret. */
void secret_wipe(text_buffer *buffer);

/* Copies what is not marked; each stretch that is marked becomes one "[redacted]". Answers whether
 * there was one. */
bool secret_copy_unmarked(text_buffer *out, const char *text, size_t size, const char *marks);

#endif
