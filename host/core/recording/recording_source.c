/* See recording_source.h. */
#include "core/recording/recording_source.h"

#include "core/json/scan.h"
#include "core/recording/recording_export.h"

bool recording_source_open(recording_source *source, const char *path,
                           char error[LINE_ERROR_BYTES]) {
  *source = (recording_source){.lines = line_source_open(path, error)};
  return source->lines != NULL;
}

/* Is the first line that is not blank the beginning of a document, or one as a whole? */
static bool may_be_document(const text_buffer *text) {
  size_t at = 0;
  while (at < text->size && memchr(" \t\r\n", text->data[at], 4)) at++;
  if (at == text->size || text->data[at] != '{') return false;
  const char *first = text->data + at, *end = text->data + text->size;
  const char *newline = memchr(first, '\n', (size_t)(end - first));
  size_t size = (size_t)((newline ? newline : end) - first);
  json_scan scan;
  text_buffer lines = {0};
  json_scan_begin(&scan, first, size);
  bool may_be = !json_scan_validate(&scan) || recording_export_lines(first, size, &lines);
  text_buffer_free(&lines);
  return may_be;
}

/* Holds all of the file, unless that is too much or cannot be read. */
static bool hold_all(recording_source *source, size_t wanted) {
  text_buffer block = {0};
  bool more = true;
  while (source->held.size <= RECORDING_DOCUMENT_BYTES &&
         (more = line_source_next(source->lines, &block, wanted)))
    text_buffer_append(&source->held, block.data, block.size);
  text_buffer_free(&block);
  source->short_of_memory = source->held.failed;
  return !more && !line_source_error(source->lines) && !source->short_of_memory;
}

static void begin(recording_source *source, size_t wanted) {
  source->begun = true;
  if (!line_source_next(source->lines, &source->held, wanted)) return;
  if (!may_be_document(&source->held) || !hold_all(source, wanted)) return;
  text_buffer lines = {0};
  bool is_document = recording_export_lines(source->held.data, source->held.size, &lines);
  source->short_of_memory = lines.failed;
  text_buffer_free(is_document ? &source->held : &lines);
  if (is_document) source->held = lines;
}

/* Lines from what is held. */
static bool give_held(recording_source *source, text_buffer *block, size_t wanted) {
  const char *first = source->held.data + source->given;
  size_t left = source->held.size - source->given, size = left;
  if (left > wanted) {
    const char *newline = memchr(first + wanted, '\n', left - wanted);
    if (newline) size = (size_t)(newline + 1 - first);
  }
  block->size = 0;
  text_buffer_append(block, first, size);
  source->given += size;
  if (source->given == source->held.size) text_buffer_free(&source->held);
  return true;
}

bool recording_source_next(recording_source *source, text_buffer *block, size_t wanted) {
  if (!source->begun) begin(source, wanted);
  if (source->held.size > 0) return give_held(source, block, wanted);
  return line_source_next(source->lines, block, wanted);
}

const char *recording_source_error(const recording_source *source) {
  return source->short_of_memory ? "not enough memory" : line_source_error(source->lines);
}

void recording_source_close(recording_source *source) {
  line_source_close(source->lines);
  text_buffer_free(&source->held);
}
