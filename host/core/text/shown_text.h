/* Text from outside (a policy's error, a value out of facts) made fit for a message: valid UTF-8,
 * no NUL, and cut, so that a message neither floods a log nor carries whole inputs.
 * Memory: appends to the caller's buffer. */
#ifndef WEIR_CORE_TEXT_SHOWN_TEXT_H
#define WEIR_CORE_TEXT_SHOWN_TEXT_H

#include "core/text/text_buffer.h"

enum { SHOWN_MESSAGE_BYTES = 1000, SHOWN_NAME_BYTES = 60, SHOWN_VALUE_BYTES = 40 };

/* Appends at most `limit` bytes of the text, ended at a whole character and by "…" if there is
 * more. Bytes that are not UTF-8, and NUL, become "?". */
void shown_text_append(text_buffer *out, const char *text, size_t size, size_t limit);

#endif
