/* Writes one JSON document, member by member: the writer puts the commas, the quotes and the
 * closing brackets. The text is compact and ASCII-safe, as write.h makes it.
 *
 *   json_writer writer = json_writer_to(&line);
 *   json_writer_object(&writer, NULL);
 *   json_writer_text(&writer, "event", "started");
 *   json_writer_integer(&writer, "port", 8080);
 *   json_writer_end(&writer);                        → {"event":"started","port":8080}
 *
 * Each function takes the member's name, which is NULL in an array and at the top. A name is a
 * literal of the program; it is written as it is.
 *
 * Memory: appends to the caller's text_buffer; its `failed` is set when memory is
 * short or the document is nested deeper than JSON_WRITER_DEPTH_MAX. */
#ifndef WEIR_CORE_JSON_WRITER_H
#define WEIR_CORE_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text/text_buffer.h"

enum { JSON_WRITER_DEPTH_MAX = 64 };

typedef struct {
  text_buffer *out;
  int depth;
  uint64_t arrays;   /* bit n: the container at depth n is an array */
  uint64_t occupied; /* bit n: the container at depth n has a member */
} json_writer;

static inline json_writer json_writer_to(text_buffer *out) {
  return (json_writer){.out = out};
}

/* Open a container; json_writer_end closes the innermost one. */
void json_writer_object(json_writer *self, const char *name);
void json_writer_array(json_writer *self, const char *name);
void json_writer_end(json_writer *self);

/* Text. A byte that is not UTF-8 becomes U+FFFD, so that a log line is always valid JSON. A NULL
 * text leaves the member out. */
void json_writer_text(json_writer *self, const char *name, const char *text);
void json_writer_bytes(json_writer *self, const char *name, const char *bytes, size_t size);

/* Text that must arrive unchanged: false, with an unfinished document, when it is not UTF-8. */
bool json_writer_exact(json_writer *self, const char *name, const char *bytes, size_t size);

void json_writer_integer(json_writer *self, const char *name, int64_t value);
void json_writer_boolean(json_writer *self, const char *name, bool value);
void json_writer_null(json_writer *self, const char *name);

/* A number with so many digits after the point, such as a duration in milliseconds. */
void json_writer_decimal(json_writer *self, const char *name, double value, int digits);

/* A value that is JSON already. */
void json_writer_json(json_writer *self, const char *name, const char *json, size_t size);

/* Begins a value that the caller then appends to `out` itself: one whole JSON value. */
void json_writer_member(json_writer *self, const char *name);

#endif
