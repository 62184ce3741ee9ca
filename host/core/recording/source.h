/* The lines of a recording, whatever file it comes in, plain or gzip: the lines of a decision log
 * or of a log export, or the log events of an export that is one document (JSON or CSV), as lines.
 * Memory: the source owns its buffers; blocks are the caller's. */
#ifndef WEIR_CORE_RECORDING_SOURCE_H
#define WEIR_CORE_RECORDING_SOURCE_H

#include "core/recording/line_source.h"

/* A document is held in memory as a whole; a larger file counts as lines. */
enum { RECORDING_DOCUMENT_BYTES = 256 * 1024 * 1024 };

typedef struct {
  line_source *lines;
  text_buffer held; /* read already: the first block, or a whole document as lines */
  size_t given;     /* bytes of it handed out */
  text_buffer left; /* lines of the block before that continue in the next */
  bool begun;
  bool short_of_memory;
} recording_source;

/* As line_source_open and line_source_next. */
bool recording_source_open(recording_source *source, const char *path,
                           char error[LINE_ERROR_BYTES]);
bool recording_source_next(recording_source *source, text_buffer *block, size_t wanted);

bool recording_source_is_short_of_memory(const recording_source *source);

/* NULL, or what went wrong. All lines read before are good. */
const char *recording_source_error(const recording_source *source);

void recording_source_close(recording_source *source);

#endif
