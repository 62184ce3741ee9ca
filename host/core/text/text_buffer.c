/* See text_buffer.h. */
#include "core/text/text_buffer.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_ulong shortages;

unsigned long text_buffer_shortages(void) {
  return atomic_load_explicit(&shortages, memory_order_relaxed);
}

void text_buffer_fail(text_buffer *buffer) {
  buffer->failed = true;
  atomic_fetch_add_explicit(&shortages, 1, memory_order_relaxed);
}

bool text_buffer_reserve(text_buffer *buffer, size_t more) {
  if (buffer->failed) return false;
  if (more <= buffer->capacity - buffer->size) return true;
  size_t capacity = buffer->capacity ? buffer->capacity : 256;
  while (capacity - buffer->size < more) {
    if (capacity > SIZE_MAX / 2) {
      text_buffer_fail(buffer);
      return false;
    }

    capacity *= 2;
  }

  char *data = realloc(buffer->data, capacity);
  if (!data) {
    text_buffer_fail(buffer);
    return false;
  }

  buffer->data = data;
  buffer->capacity = capacity;

  return true;
}

void text_buffer_format(text_buffer *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (size < 0 || !text_buffer_reserve(buffer, (size_t)size + 1)) return;
  va_start(arguments, format);
  vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, arguments);
  va_end(arguments);
  buffer->size += (size_t)size;
}
