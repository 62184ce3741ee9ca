/* Copies a JSON value as weir.json encodes it: compact, members in byte order of their names.
 * Memory: appends to the caller's buffer. */
#ifndef WEIR_CORE_JSON_SORTED_H
#define WEIR_CORE_JSON_SORTED_H

#include "core/json/scan.h"
#include "core/text/text_buffer.h"

/* False when the text is not one JSON value without escapes, or memory is short; false also of what
 * is nested deep, or has an object with many members or with one of them twice. */
bool json_sorted(const char *text, size_t size, text_buffer *out);

#endif
