/* Copies a JSON value without white space and in ASCII: the form of decision-log lines.
 * Members keep their order and numbers their text. Memory: appends to the caller's buffer.
 * Callers: decision_log.c. */
#ifndef WEIR_JSON_COMPACT_H
#define WEIR_JSON_COMPACT_H

#include "core/json_scan.h"
#include "core/text_buffer.h"

/* False when the text is not one JSON value. */
bool json_compact(const char *text, size_t size, text_buffer *out);

#endif
