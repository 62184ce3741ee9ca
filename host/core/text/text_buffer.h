/* A growable byte buffer. Appending never fails halfway: when memory is short `failed` is set
 * and later appends do nothing, so a writer checks once at the end.
 * Memory: owns `data`; release with text_buffer_free. */
#ifndef WEIR_CORE_TEXT_TEXT_BUFFER_H
#define WEIR_CORE_TEXT_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char *data;
  size_t size;
  size_t capacity;
  bool failed;
} text_buffer;

static inline void text_buffer_free(text_buffer *buffer) {
  free(buffer->data);
  *buffer = (text_buffer){0};
}

/* Makes room for `more` bytes past `size`; false when memory is short. */
bool text_buffer_reserve(text_buffer *buffer, size_t more);

static inline void text_buffer_append(text_buffer *buffer, const void *bytes, size_t size) {
  if (size == 0 || (buffer->capacity - buffer->size < size && !text_buffer_reserve(buffer, size)))
    return;
  memcpy(buffer->data + buffer->size, bytes, size);
  buffer->size += size;
}

static inline void text_buffer_byte(text_buffer *buffer, char byte) {
  text_buffer_append(buffer, &byte, 1);
}

static inline void text_buffer_text(text_buffer *buffer, const char *text) {
  text_buffer_append(buffer, text, strlen(text));
}

/* Empties the buffer for another use; that memory was short once is forgotten. */
static inline void text_buffer_clear(text_buffer *buffer) {
  buffer->size = 0;
  buffer->failed = false;
}

/* How often any buffer of the program had no memory. Whoever compares two counts learns of a
 * shortage without looking at every buffer in between. */
unsigned long text_buffer_shortages(void);

/* Marks the buffer as failed for want of memory that was not its own. */
void text_buffer_fail(text_buffer *buffer);

/* printf into the buffer. */
void text_buffer_format(text_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
