/* Writes JSON strings and integers. See write.h; doubles are in write_double.c. */
#include "core/json/write.h"

#include "core/json/block.h"
#include "core/text/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

static void write_unit(text_buffer *out, uint32_t unit) {
  char escape[6] = {'\\',
                    'u',
                    hex_digits[unit >> 12 & 15],
                    hex_digits[unit >> 8 & 15],
                    hex_digits[unit >> 4 & 15],
                    hex_digits[unit & 15]};
  text_buffer_append(out, escape, sizeof escape);
}

/* Quote, backslash, control characters and DEL. */
static void write_ascii_escape(text_buffer *out, char byte) {
  char letter;
  switch (byte) {
  case '"': letter = '"'; break;
  case '\\': letter = '\\'; break;
  case '\b': letter = 'b'; break;
  case '\f': letter = 'f'; break;
  case '\n': letter = 'n'; break;
  case '\r': letter = 'r'; break;
  case '\t': letter = 't'; break;
  default: write_unit(out, (unsigned char)byte); return;
  }

  char escape[2] = {'\\', letter};
  text_buffer_append(out, escape, sizeof escape);
}

static void write_point(text_buffer *out, uint32_t point) {
  if (point < 0x10000) {
    write_unit(out, point);
    return;
  }

  write_unit(out, 0xD800 + ((point - 0x10000) >> 10));
  write_unit(out, 0xDC00 + ((point - 0x10000) & 0x3FF));
}

/* A text that is plain as a whole, as most are. The copy is looked at: there is room behind it. */
static bool write_plain(text_buffer *out, const char *bytes, size_t size, bool ascii) {
  if (!text_buffer_reserve(out, size + 2 + JSON_PADDING)) return false;
  char *copy = out->data + out->size + 1;
  if (size > 0) memcpy(copy, bytes, size);
  if (!json_is_plain_padded(copy, size)) return false;
  if (ascii && memchr(copy, 0x7F, size)) return false; /* DEL: plain, but not printable */
  copy[-1] = copy[size] = '"';
  out->size += size + 2;

  return true;
}

static bool write_string(text_buffer *out, const char *bytes, size_t size, bool ascii) {
  if (write_plain(out, bytes, size, ascii)) return true;
  const char *at = bytes, *end = bytes + size;
  text_buffer_byte(out, '"');
  while (at < end) {
    const char *stop = json_plain_end(at, end);
    const char *delete = ascii ? memchr(at, 0x7F, (size_t)(stop - at)) : NULL;
    if (delete) stop = delete;
    text_buffer_append(out, at, (size_t)(stop - at));
    at = stop;
    if (at == end) break;
    if ((unsigned char)*at < 0x80) {
      write_ascii_escape(out, *at++);
      continue;
    }

    size_t length = utf8_length(at, end);
    if (length == 0) return false;
    if (ascii)
      write_point(out, utf8_decode(at, length));
    else
      text_buffer_append(out, at, length);
    at += length;
  }

  text_buffer_byte(out, '"');

  return true;
}

bool json_write_string(text_buffer *out, const char *bytes, size_t size) {
  return write_string(out, bytes, size, true);
}

bool json_write_string_utf8(text_buffer *out, const char *bytes, size_t size) {
  return write_string(out, bytes, size, false);
}

void json_write_integer(text_buffer *out, int64_t value) {
  char digits[20], *at = digits + sizeof digits; /* "-9223372036854775808" is 20 long */
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (value < 0) *--at = '-';
  text_buffer_append(out, at, (size_t)(digits + sizeof digits - at));
}
