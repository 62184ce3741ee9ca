/* Log exports that are JSON documents, on one line or spread over many: what `aws logs` prints for
 * filter-log-events and get-log-events ({"events": […]}) and for get-query-results
 * ({"results": [[{"field": …, "value": …}, …], …]}), what subscriptions deliver ({"logEvents":
 * […]}, one document after another), and plain arrays of messages or of rows, as --query makes
 * them. Memory: the caller's text and buffer. */
#ifndef WEIR_CORE_RECORDING_EXPORT_H
#define WEIR_CORE_RECORDING_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text/text_buffer.h"

/* Appends every log event of the documents as one line, an object as recording_read takes it:
 * {"timestamp":…,"message":"…"}. A line's number is that of the line where its event begins, as
 * long as the events begin on lines of their own. False, with nothing appended, when the text is
 * anything else. Short of memory, lines->failed is set. */
bool recording_export_lines(const char *text, size_t size, text_buffer *lines);

#endif
