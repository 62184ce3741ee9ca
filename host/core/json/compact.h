/* Copies a JSON value without white space and in ASCII: the form of decision-log lines.
 * Members keep their order and numbers their text. Memory: appends to the caller's buffer. */
#ifndef WEIR_CORE_JSON_COMPACT_H
#define WEIR_CORE_JSON_COMPACT_H

#include "core/json/scan.h"
#include "core/text/text_buffer.h"

/* False when the text is not one JSON value. */
bool json_compact(const char *text, size_t size, text_buffer *out);

/* Whether a text that was read before is in that form already. */
bool json_is_compact(const char *text, size_t size);

#endif
