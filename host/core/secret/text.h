/* Takes a secret out of a text that somebody else wrote: services quote what they refuse, whole or
 * cut, and escaped in their own way.
 * Memory: `out` is the caller's; copies of the secret are wiped. */
#ifndef WEIR_CORE_SECRET_TEXT_H
#define WEIR_CORE_SECRET_TEXT_H

#include "core/text/text_buffer.h"

/* Appends the text with "[redacted]" for every stretch that shows eight bytes or more of the secret
 * in a row (a shorter secret: all of it), as they are, escaped as in JSON, URLs or XML, or in
 * base64. Answers whether there was one. */
bool secret_hide(text_buffer *out, const char *text, size_t size, const char *secret,
                 size_t secret_size);

#endif
