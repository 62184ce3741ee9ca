/* The framing of application/vnd.amazon.eventstream: lengths, a CRC of them, headers, the payload,
 * a CRC of it all; numbers are big-endian. See impl.h. */
#include <zlib.h>

#include "emulator/impl.h"

enum { PRELUDE = 12, CRC = 4, HEADER_IS_TEXT = 7 };

static void write_u32(text_buffer *out, uint32_t value) {
  const unsigned char bytes[] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                                 (unsigned char)(value >> 8), (unsigned char)value};
  text_buffer_append(out, bytes, sizeof bytes);
}

static void write_header(text_buffer *out, const char *name, const char *value) {
  size_t size = strlen(value);
  text_buffer_byte(out, (char)strlen(name));
  text_buffer_text(out, name);
  text_buffer_byte(out, HEADER_IS_TEXT);
  text_buffer_byte(out, (char)(size >> 8));
  text_buffer_byte(out, (char)size);
  text_buffer_append(out, value, size);
}

static uint32_t crc_from(const text_buffer *out, size_t start) {
  return (uint32_t)crc32(0, (const Bytef *)out->data + start, (uInt)(out->size - start));
}

void emulator_event_stream_write(text_buffer *out, const char *event_type, const char *content_type,
                                 const void *payload, size_t size) {
  text_buffer headers = {0};
  write_header(&headers, ":event-type", event_type);
  write_header(&headers, ":content-type", content_type);
  write_header(&headers, ":message-type", "event");
  size_t start = out->size, total = PRELUDE + headers.size + size + CRC;
  if (!headers.failed && text_buffer_reserve(out, total)) {
    write_u32(out, (uint32_t)total);
    write_u32(out, (uint32_t)headers.size);
    write_u32(out, crc_from(out, start));
    text_buffer_append(out, headers.data, headers.size);
    text_buffer_append(out, payload, size);
    write_u32(out, crc_from(out, start));
  }

  text_buffer_free(&headers);
}
