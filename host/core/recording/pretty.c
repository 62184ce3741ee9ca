/* See pretty.h. A JSON string holds no line break, so a line "}" ends the object. */
#include "core/recording/pretty.h"

#include <stdbool.h>

typedef struct {
  const char *at;
  size_t size; /* without its line break */
} line;

static line line_at(const text_buffer *block, size_t offset) {
  const char *at = block->data + offset;
  size_t left = block->size - offset;
  const char *newline = memchr(at, '\n', left);
  size_t size = newline ? (size_t)(newline - at) : left;

  return (line){at, size > 0 && at[size - 1] == '\r' ? size - 1 : size};
}

static size_t next_offset(const text_buffer *block, size_t offset) {
  const char *newline = memchr(block->data + offset, '\n', block->size - offset);
  return newline ? (size_t)(newline + 1 - block->data) : block->size;
}

static bool is_brace(line l, char brace) {
  return l.size == 1 && *l.at == brace;
}

static bool is_empty_object(line l) {
  return l.size == 2 && memcmp(l.at, "{}", 2) == 0;
}

/* A time, perhaps coloured, and a stream, then nothing. */
static bool is_header(line l) {
  bool begins = l.size > 0 && ((*l.at >= '0' && *l.at <= '9') || *l.at == '\033');
  return begins && l.at[l.size - 1] == ' ';
}

/* Where the line with this offset begins, at or after `from`. */
static size_t line_begin(const text_buffer *block, size_t offset, size_t from) {
  while (offset > from && block->data[offset - 1] != '\n') offset--;
  return offset;
}

/* The offset of the next "{" or "{}" that is a line, or the rest of one behind a header, at or
 * after `from`; block->size without one. */
static size_t find_opening(const text_buffer *block, size_t from) {
  while (from < block->size) {
    const char *brace = memchr(block->data + from, '{', block->size - from);
    if (!brace) break;
    size_t offset = (size_t)(brace - block->data);
    line l = line_at(block, offset);
    if (is_brace(l, '{') || is_empty_object(l)) {
      size_t begin = line_begin(block, offset, from);
      if (begin == offset || is_header((line){block->data + begin, offset - begin})) return offset;
    }

    from = next_offset(block, offset);
  }

  return block->size;
}

typedef enum { OBJECT_ENDS, OBJECT_IS_OPEN, NOT_AN_OBJECT } object_end;

/* Looks for the line "}" that ends the object; *end is the offset behind it. All lines between are
 * indented. */
static object_end find_end(const text_buffer *block, size_t opening, size_t *end) {
  *end = next_offset(block, opening);
  if (is_empty_object(line_at(block, opening))) return OBJECT_ENDS;
  for (size_t offset = next_offset(block, opening); offset < block->size;
       offset = next_offset(block, offset)) {
    line l = line_at(block, offset);
    *end = next_offset(block, offset);
    if (is_brace(l, '}')) return OBJECT_ENDS;
    if (l.size == 0 || (*l.at != ' ' && *l.at != '\t')) return NOT_AN_OBJECT;
  }

  return OBJECT_IS_OPEN;
}

/* The start of the line that ends right before `offset`, if that is a header; else `offset`. */
static size_t with_header(const text_buffer *block, size_t offset, size_t from) {
  if (offset <= from) return offset;
  size_t begin = line_begin(block, offset - 1, from);
  return is_header(line_at(block, begin)) ? begin : offset;
}

/* Where the object that opens at `opening` begins with its header: on its own line, or on the line
 * before. */
static size_t object_begin(const text_buffer *block, size_t opening, size_t from) {
  size_t begin = line_begin(block, opening, from);
  return begin < opening ? begin : with_header(block, opening, from);
}

/* Moves all line breaks between the offsets to the end. */
static void move_breaks(text_buffer *block, size_t begin, size_t end) {
  char *to = block->data + begin;
  size_t breaks = 0;

  for (size_t i = begin; i < end; i++) {
    if (block->data[i] == '\n')
      breaks++;
    else
      *to++ = block->data[i];
  }

  memset(to, '\n', breaks);
}

size_t recording_pretty_join(text_buffer *block) {
  size_t from = 0, opening;

  while ((opening = find_opening(block, from)) < block->size) {
    size_t begin = object_begin(block, opening, from), end;
    object_end found = find_end(block, opening, &end);
    if (found == OBJECT_IS_OPEN) return begin;
    if (found == OBJECT_ENDS) move_breaks(block, begin, end);
    from = found == OBJECT_ENDS ? end : next_offset(block, opening);
  }

  return with_header(block, block->size, from);
}
