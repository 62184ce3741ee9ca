/* The lines of a recording, whatever file it comes in: a decision log or a log export as they are,
 * plain or gzip, or the log events of a whole-document export as lines.
 * Memory: the source owns its buffers; blocks are the caller's. */
#ifndef WEIR_CORE_RECORDING_RECORDING_SOURCE_H
#define WEIR_CORE_RECORDING_RECORDING_SOURCE_H

#include "core/recording/line_source.h"

/* A document is held in memory as a whole; a larger file counts as lines. */
enum { RECORDING_DOCUMENT_BYTES = 256 * 1024 * 1024 };

typedef struct {
  line_source *lines;
  text_buffer held; /* read already: the first block, or a whole document as lines */
  size_t given;     /* bytes of it handed out */
  bool begun;
  bool short_of_memory;
} recording_source;

/* As line_source_open and line_source_next. */
bool recording_source_open(recording_source *source, const char *path,
                           char error[LINE_ERROR_BYTES]);
bool recording_source_next(recording_source *source, text_buffer *block, size_t wanted);

/* NULL, or what went wrong. All lines read before are good. */
const char *recording_source_error(const recording_source *source);

void recording_source_close(recording_source *source);

#endif
