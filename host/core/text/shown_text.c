/* See shown_text.h. */
#include "core/text/shown_text.h"

#include "core/text/utf8.h"

void shown_text_append(text_buffer *out, const char *text, size_t size, size_t limit) {
  const char *at = text, *end = text + size;
  const char *stop = size > limit ? text + limit : end;
  while (at < stop) {
    unsigned char byte = (unsigned char)*at;
    size_t length = byte == 0 ? 0 : byte < 0x80 ? 1 : utf8_length(at, end);
    if (length > (size_t)(stop - at)) break;
    if (length)
      text_buffer_append(out, at, length);
    else
      text_buffer_byte(out, '?');
    at += length ? length : 1;
  }

  if (at < end) text_buffer_text(out, "…");
}
