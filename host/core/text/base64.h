/* Base64 of RFC 4648 section 4: the standard alphabet, padded, no line breaks.
 * Memory: the caller's. */
#ifndef WEIR_CORE_TEXT_BASE64_H
#define WEIR_CORE_TEXT_BASE64_H

#include "core/text/text_buffer.h"

void base64_encode(text_buffer *out, const void *bytes, size_t size);

/* Decodes into `out`, which must hold size / 4 * 3 bytes. False for anything but what
 * base64_encode could have written. */
bool base64_decode(const char *text, size_t size, char *out, size_t *out_size);

#endif
