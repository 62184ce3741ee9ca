/* Log exports that are JSON documents spread over many lines: what `aws logs filter-log-events`
 * and `get-log-events` print ({"events": […]}), and what subscriptions deliver ({"logEvents": […]},
 * one document after another).
 * Memory: the caller's text and buffer. */
#ifndef WEIR_CORE_RECORDING_RECORDING_EXPORT_H
#define WEIR_CORE_RECORDING_RECORDING_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text/text_buffer.h"

/* Appends every log event of the documents as one line {"timestamp":…,"message":"…"}, as
 * recording_read takes it. A line's number is that of the line where its event begins, as long as
 * the events begin on lines of their own. False, with nothing appended, when the text is anything
 * else. Short of memory, lines->failed is set. */
bool recording_export_lines(const char *text, size_t size, text_buffer *lines);

#endif
