/* What the files of json_index_text share, each instruction set's among them. */
#ifndef WEIR_CORE_JSON_IMPL_H
#define WEIR_CORE_JSON_IMPL_H

#include "core/json/index.h"

/* Words of 64 bytes of text: in a batch, and in what is classified at once. */
enum { INDEX_BATCH = 8, INDEX_WINDOW = 64 };

/* One bit for each byte that is such a character. */
typedef enum {
  INDEX_QUOTE,
  INDEX_BACKSLASH,
  INDEX_ROUGH, /* a control character, or not ASCII */
  INDEX_SPACE,
  INDEX_COMMA,
  INDEX_COLON,
  INDEX_OPEN,
  INDEX_CLOSE,
  INDEX_BRACE, /* tells { from [ and } from ] */
  INDEX_DIGIT,
  INDEX_ZERO,
  INDEX_MINUS,
  INDEX_DOT,
  INDEX_CLASSES,
} index_class;

/* A part of the text by classes; the words behind are room for a whole batch. */
typedef struct {
  _Alignas(64) uint64_t masks[INDEX_CLASSES][INDEX_WINDOW + INDEX_BATCH];
} index_window;

/* Brackets yet to be paired, a bit for each, the first in bit 0. */
typedef struct {
  uint64_t opens, braces;
  uint64_t objects; /* the container around it must be an object, or else an array */
  unsigned count;
  uint64_t stack; /* the open containers, the innermost in bit 0: 1 for an object; above them a 1 */
} index_brackets;

typedef struct {
  json_index *index;
  const char *text, *end;
  size_t at;                    /* of the structural character last dealt with */
  size_t first;                 /* word of the window */
  uint64_t in_object, in_array; /* 1 when something behind the last bracket says so */
  index_brackets brackets;
  index_window window;
} index_reader;

/* index_checks.c: what is read byte by byte, in the batch that begins at `word` of the text. */
bool json_index_check_strings(index_reader *reader, size_t word, const uint64_t *bytes);
bool json_index_check_words(index_reader *reader, size_t word, const uint64_t *bytes);
void json_index_find_escapes(const uint64_t *backslashes, uint64_t *escaped, uint64_t *escapes);

/* Whether the processor has what json_index_avx512 needs. */
bool json_index_has_avx512(void);
bool json_index_avx512(json_index *index, const char *text, size_t size);

#endif
