/* Log exports as CSV: what the consoles of CloudWatch Logs and of Logs Insights save, a header that
 * names the columns and a row for each log event.
 * Memory: the caller's text and buffer. */
#ifndef WEIR_CORE_RECORDING_CSV_H
#define WEIR_CORE_RECORDING_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text/text_buffer.h"

/* Is the text's first line the header of such an export: names with a column `message` or
 * `@message`? */
bool recording_csv_begins(const char *text, size_t size);

/* Appends every row as one line {"message":"…"}, as recording_read takes it, at the number of the
 * line where the row begins. Short of memory, lines->failed is set. */
void recording_csv_lines(const char *text, size_t size, text_buffer *lines);

#endif
