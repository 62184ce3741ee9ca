/* See source.h. */
#include "core/recording/source.h"

#include <errno.h>

#include "core/json/scan.h"
#include "core/recording/csv.h"
#include "core/recording/export.h"
#include "core/recording/pretty.h"

bool recording_source_open(recording_source *source, const char *path,
                           char error[LINE_ERROR_BYTES]) {
  *source = (recording_source){.lines = line_source_open(path, error)};
  source->short_of_memory = !source->lines && errno == ENOMEM;
  return source->lines != NULL;
}

/* What a file is, as far as its first line tells. */
typedef enum { LINES, PERHAPS_DOCUMENT, CSV } form;

static bool is_space(char byte) {
  return memchr(" \t\r\n", byte, 4) != NULL;
}

static bool is_document(const char *text, size_t size) {
  text_buffer lines = {0};
  bool is = recording_export_lines(text, size, &lines);

  text_buffer_free(&lines);
  return is;
}

/* The first line that is not blank tells: the beginning of a document, or one as a whole. Text of a
 * log may begin with '[', too: an array must begin on a line of its own, or end on its first. */
static form form_of(const text_buffer *text) {
  const char *first = text->data, *end = text->data + text->size;
  while (first < end && is_space(*first)) first++;
  if (first == end) return LINES;

  const char *newline = memchr(first, '\n', (size_t)(end - first));
  const char *stop = newline ? newline : end;
  while (is_space(stop[-1])) stop--;
  size_t size = (size_t)(stop - first);
  if (*first != '{' && *first != '[') return recording_csv_begins(first, size) ? CSV : LINES;
  if (*first == '[' && size == 1) return PERHAPS_DOCUMENT;

  json_scan scan;
  json_scan_begin(&scan, first, size);
  bool is_whole = json_scan_validate(&scan);
  if (is_whole) return is_document(first, size) ? PERHAPS_DOCUMENT : LINES;

  return *first == '{' ? PERHAPS_DOCUMENT : LINES;
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

/* A byte-order mark says nothing in UTF-8. */
static void drop_mark(text_buffer *text) {
  if (text->size < 3 || memcmp(text->data, "\xef\xbb\xbf", 3) != 0) return;
  text->size -= 3;
  memmove(text->data, text->data + 3, text->size);
}

/* Reads the first block, and all of a file that is a document. */
static void begin(recording_source *source, size_t wanted) {
  text_buffer *held = &source->held, lines = {0};
  source->begun = true;
  if (!line_source_next(source->lines, held, wanted)) return;
  drop_mark(held);

  form as = form_of(held);
  if (as == LINES || !hold_all(source, wanted)) return;
  bool converted = as == CSV || recording_export_lines(held->data, held->size, &lines);
  if (as == CSV) recording_csv_lines(held->data, held->size, &lines);
  source->short_of_memory = lines.failed;
  text_buffer_free(converted ? held : &lines);
  if (converted) *held = lines;
}

/* Lines from what is held. */
static void give_held(recording_source *source, text_buffer *block, size_t wanted) {
  const char *first = source->held.data + source->given;
  size_t left = source->held.size - source->given, size = left;

  if (left > wanted) {
    const char *newline = memchr(first + wanted, '\n', left - wanted);
    if (newline) size = (size_t)(newline + 1 - first);
  }

  text_buffer_append(block, first, size);
  source->given += size;
  if (source->given < source->held.size) return;
  text_buffer_free(&source->held);
  source->given = 0;
}

/* Replaces the block with the next lines; false when there are none. */
static bool take_lines(recording_source *source, text_buffer *block, size_t wanted) {
  block->size = 0;
  if (!source->begun) begin(source, wanted);
  if (source->held.size == 0) return line_source_next(source->lines, block, wanted);
  give_held(source, block, wanted);

  return true;
}

/* Appends the next lines to what is left of the block before. */
static bool append_lines(recording_source *source, text_buffer *block, size_t wanted) {
  text_buffer next = {0};
  bool ok = take_lines(source, &next, wanted);

  if (ok) text_buffer_append(block, next.data, next.size);
  if (next.failed) block->failed = true;
  text_buffer_free(&next);
  return ok;
}

/* An object that is printed over several lines becomes one. One whose end is not in the block is
 * left for the next block, and completed when it is all there is; what is longer than a line may be
 * stays as it is. */
bool recording_source_next(recording_source *source, text_buffer *block, size_t wanted) {
  text_buffer *left = &source->left;
  bool more = left->size > 0;

  if (more) {
    block->size = 0;
    text_buffer_append(block, left->data, left->size);
    left->size = 0;
    append_lines(source, block, wanted);
  } else {
    more = take_lines(source, block, wanted);
  }

  if (!more) return false;

  size_t whole = recording_pretty_join(block);
  while (whole == 0 && block->size <= LINE_MAX_BYTES && append_lines(source, block, wanted))
    whole = recording_pretty_join(block);
  if (whole > 0) {
    text_buffer_append(left, block->data + whole, block->size - whole);
    block->size = whole;
  }

  if (block->failed || left->failed) source->short_of_memory = true;

  return true;
}

bool recording_source_is_short_of_memory(const recording_source *source) {
  bool lines_are = source->lines && line_source_is_short_of_memory(source->lines);
  return source->short_of_memory || lines_are;
}

const char *recording_source_error(const recording_source *source) {
  return source->short_of_memory ? "not enough memory" : line_source_error(source->lines);
}

void recording_source_close(recording_source *source) {
  line_source_close(source->lines);
  text_buffer_free(&source->held);
  text_buffer_free(&source->left);
}
