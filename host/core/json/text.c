/* Strings inside JSON text: taking escapes away, and comparing without taking them away.
 * Both trust that the scanner accepted the string. See scan.h. */
#include <string.h>

#include "core/json/scan.h"
#include "core/text/utf8.h"

static uint32_t hex_value(char byte) {
  if (byte <= '9') return (uint32_t)(byte - '0');
  return (uint32_t)((byte | 0x20) - 'a' + 10);
}

static uint32_t hex4(const char *at) {
  return hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 | hex_value(at[3]);
}

/* Writes what the escape at *at stands for (at most 4 bytes), moves *at behind it. */
static size_t unescape_one(const char **at, char *out) {
  const char *escape = *at;
  *at = escape + 2;
  switch (escape[1]) {
  case 'b': *out = '\b'; return 1;
  case 'f': *out = '\f'; return 1;
  case 'n': *out = '\n'; return 1;
  case 'r': *out = '\r'; return 1;
  case 't': *out = '\t'; return 1;
  case 'u': break;
  default: *out = escape[1]; return 1;
  }

  uint32_t point = hex4(escape + 2);
  *at = escape + 6;
  if (point >= 0xD800 && point <= 0xDBFF) {
    point = 0x10000 + ((point - 0xD800) << 10 | (hex4(escape + 8) - 0xDC00));
    *at = escape + 12;
  }

  return utf8_encode(point, out);
}

size_t json_unescape(json_span string, char *out) {
  if (!string.escaped) {
    if (string.size) memcpy(out, string.at, string.size);
    return string.size;
  }

  const char *at = string.at, *end = at + string.size;
  char *write = out;
  for (;;) {
    const char *escape = memchr(at, '\\', (size_t)(end - at));
    size_t plain = (size_t)((escape ? escape : end) - at);
    memmove(write, at, plain); /* `out` may be the very text, read ahead of what is written */
    write += plain;
    if (!escape) return (size_t)(write - out);
    at = escape;
    write += unescape_one(&at, write);
  }
}

size_t json_unescaped_size(json_span string) {
  const char *at = string.at, *end = at + string.size;
  size_t size = 0;
  while (string.escaped && at < end) {
    const char *escape = memchr(at, '\\', (size_t)(end - at));
    char plain[4];
    size += (size_t)((escape ? escape : end) - at);
    at = escape ? escape : end;
    if (escape) size += unescape_one(&at, plain);
  }

  return string.escaped ? size : string.size;
}

bool json_escaped_equals(json_span string, const char *bytes, size_t size) {
  const char *at = string.at, *end = at + string.size, *bytes_end = bytes + size;
  while (at < end) {
    char plain[4];
    size_t length = 1;
    if (*at == '\\')
      length = unescape_one(&at, plain);
    else
      plain[0] = *at++;
    if ((size_t)(bytes_end - bytes) < length || memcmp(bytes, plain, length) != 0) return false;
    bytes += length;
  }

  return bytes == bytes_end;
}
