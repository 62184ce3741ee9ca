/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Memory: none. */
#ifndef WEIR_CORE_TEXT_UTF8_H
#define WEIR_CORE_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_continues(const unsigned char *byte, unsigned char low,
                                  unsigned char high) {
  return *byte >= low && *byte <= high;
}

/* The length of the sequence that starts at `at` with a byte >= 0x80; 0 when it is not valid or
 * the text ends inside it. */
static inline size_t utf8_length(const char *text, const char *end) {
  const unsigned char *at = (const unsigned char *)text;
  size_t left = (size_t)(end - text);
  unsigned char lead = at[0];
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && utf8_continues(at + 1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    unsigned char low = lead == 0xE0 ? 0xA0 : 0x80, high = lead == 0xED ? 0x9F : 0xBF;
    return left >= 3 && utf8_continues(at + 1, low, high) && utf8_continues(at + 2, 0x80, 0xBF) ? 3
                                                                                                : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    unsigned char low = lead == 0xF0 ? 0x90 : 0x80, high = lead == 0xF4 ? 0x8F : 0xBF;
    return left >= 4 && utf8_continues(at + 1, low, high) && utf8_continues(at + 2, 0x80, 0xBF) &&
                   utf8_continues(at + 3, 0x80, 0xBF)
               ? 4
               : 0;
  }
  return 0;
}

/* The code point of a valid sequence of this length (2 to 4). */
static inline uint32_t utf8_decode(const char *text, size_t length) {
  const unsigned char *at = (const unsigned char *)text;
  if (length == 2) return (uint32_t)(at[0] & 0x1F) << 6 | (at[1] & 0x3F);
  if (length == 3)
    return (uint32_t)(at[0] & 0x0F) << 12 | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3F);
  return (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3F) << 12 |
         (uint32_t)(at[2] & 0x3F) << 6 | (at[3] & 0x3F);
}

/* Writes a code point as UTF-8 and returns its length. */
static inline size_t utf8_encode(uint32_t point, char *out) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  if (point < 0x800) {
    out[0] = (char)(0xC0 | point >> 6);
    out[1] = (char)(0x80 | (point & 0x3F));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = (char)(0xE0 | point >> 12);
    out[1] = (char)(0x80 | (point >> 6 & 0x3F));
    out[2] = (char)(0x80 | (point & 0x3F));
    return 3;
  }
  out[0] = (char)(0xF0 | point >> 18);
  out[1] = (char)(0x80 | (point >> 12 & 0x3F));
  out[2] = (char)(0x80 | (point >> 6 & 0x3F));
  out[3] = (char)(0x80 | (point & 0x3F));
  return 4;
}

#endif
