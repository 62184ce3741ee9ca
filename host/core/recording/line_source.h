/* Lines of a recording: a plain or gzip file, or standard input, read in blocks of whole lines.
 * Memory: the source owns its buffers; blocks are copied into the caller's. */
#ifndef WEIR_CORE_RECORDING_LINE_SOURCE_H
#define WEIR_CORE_RECORDING_LINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text/text_buffer.h"

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, LINE_ERROR_BYTES = 256 };

typedef struct line_source line_source;

/* `path` "-" is standard input. NULL, with the reason in `error` and errno, when it cannot be
 * opened. */
line_source *line_source_open(const char *path, char error[LINE_ERROR_BYTES]);

/* Replaces the block with the next lines, about `wanted` bytes of them, each ended by '\n' but
 * perhaps the last of the file. Of a line longer than LINE_MAX_BYTES a part is given that is
 * longer, too: the others keep their numbers. False at the end and on errors; line_source_error
 * tells which. */
bool line_source_next(line_source *source, text_buffer *block, size_t wanted);

/* NULL, or what went wrong: "the compressed data ends early". All lines read before are good. */
const char *line_source_error(const line_source *source);

/* True when that was a lack of memory. */
bool line_source_is_short_of_memory(const line_source *source);

/* Bytes read of the file as stored, for progress; `total` is 0 when unknown. */
void line_source_progress(line_source *source, size_t *done, size_t *total);

void line_source_close(line_source *source);

#endif
