/* One HTTP/1.1 answer of the Runtime API, read from wherever its bytes come from: head, then a body
 * of known length, in chunks, or up to the end of the connection. Strict where leniency could mix
 * up two answers: folded headers, contradicting lengths and bytes after the body are refused.
 *
 * Memory: an answer owns its buffers and is used again and again; release with
 * runtime_answer_free. */
#ifndef WEIR_CORE_RUNTIME_API_RUNTIME_ANSWER_H
#define WEIR_CORE_RUNTIME_API_RUNTIME_ANSWER_H

#include <sys/types.h>

#include "core/text/text_buffer.h"

enum { RUNTIME_ANSWER_HEADERS_MAX = 128 }; /* Lambda sends about ten */

/* Both as places in the head, where they end in NUL. */
typedef struct {
  size_t name, name_size, value;
} runtime_answer_field;

typedef struct {
  int status;
  bool close;       /* the connection cannot be used again */
  bool too_large;   /* the body is beyond the limit and was not read */
  bool got_nothing; /* the connection ended before the first byte */
  bool has_length, chunked;
  size_t length;
  text_buffer head; /* status line and headers, and what was read beyond them */
  runtime_answer_field headers[RUNTIME_ANSWER_HEADERS_MAX];
  size_t header_count;
  text_buffer body;
  const char *problem; /* static; why runtime_answer_receive returned false */
} runtime_answer;

/* Reads at most size bytes: their count, 0 at the end of the connection, -1 when there will be no
 * more for another reason. */
typedef ssize_t (*runtime_answer_source)(void *context, char *bytes, size_t size);

/* Reads one answer; interim ones (1xx) are passed over. With too_large the head is there. */
bool runtime_answer_receive(runtime_answer *answer, runtime_answer_source source, void *context,
                            size_t head_max, size_t body_max);

/* The value of a header by its lower-case name, or "". Of several the first. */
const char *runtime_answer_header(const runtime_answer *answer, const char *name);

/* Wipes the body; lets go of a very large buffer. */
void runtime_answer_clear(runtime_answer *answer);

void runtime_answer_free(runtime_answer *answer);

#endif
