/* Vector help for the scanner: where a run of plain string bytes ends.
 * Reads whole vectors only while they lie inside the text, so that no byte at or after `end` is
 * touched. Memory: none. Callers: json_token.c, json_skip.c, json_write.c. */
#ifndef WEIR_JSON_BLOCK_H
#define WEIR_JSON_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Plain: printable ASCII other than quote and backslash. */
static inline int json_is_plain(char byte) {
  return (unsigned char)(byte - 0x20) < 0x60 && byte != '"' && byte != '\\';
}

#ifdef __SSE2__
/* Bit i: the byte at[i], of 32, is a digit. */
static inline uint32_t json_digits32(const char *at) {
  /* Moved so that '0' becomes the least signed byte: one comparison tells the digits. */
  const __m128i offset = _mm_set1_epi8((char)(0x80 - '0')), limit = _mm_set1_epi8(-128 + 10);
  __m128i low = _mm_loadu_si128((const __m128i *)(const void *)at);
  __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(at + 16));
  low = _mm_cmplt_epi8(_mm_add_epi8(low, offset), limit);
  high = _mm_cmplt_epi8(_mm_add_epi8(high, offset), limit);
  return (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
}

/* Bit i: at[i] is this byte. */
static inline uint32_t json_equal32(const char *at, char byte) {
  const __m128i wanted = _mm_set1_epi8(byte);
  __m128i low = _mm_loadu_si128((const __m128i *)(const void *)at);
  __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(at + 16));
  return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(low, wanted)) |
         (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(high, wanted)) << 16;
}

/* Bit i: at[i] ends a run of plain bytes. */
static inline uint32_t json_stops16(const char *at) {
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
  /* The comparison is signed: bytes from 0x80 are negative and thus below the space too. */
  __m128i stops =
      _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                   _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
  return (uint32_t)_mm_movemask_epi8(stops);
}
#endif

/* The first byte that is not plain, or end. */
static inline const char *json_plain_end(const char *at, const char *end) {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    uint32_t stops = json_stops16(at);
    if (stops) return at + __builtin_ctz(stops);
  }
#endif
  while (at < end && json_is_plain(*at)) at++;
  return at;
}

/* The byte after the closing quote of a short plain string whose text starts at `at`, or NULL
 * when that takes a closer look: an escape, other than ASCII, a long string, the end of the text.
 */
static inline const char *json_string_end(const char *at, const char *end) {
#ifdef __SSE2__
  if (end - at < 32) return NULL;
  uint32_t stops = json_stops16(at) | json_stops16(at + 16) << 16;
  if (stops == 0) return NULL;
  at += __builtin_ctz(stops);
  return *at == '"' ? at + 1 : NULL;
#else
  (void)at;
  (void)end;
  return NULL;
#endif
}

/* The end of a plain number (no exponent) that starts at `at` with a digit or '-', or NULL when
 * that takes a closer look: an exponent, a mistake, more digits than a vector holds, the end of the
 * text. Where it ends is known before anything else about it, so that the processor can run ahead
 * into the next token while the checks are still under way. */
static inline const char *json_number_end(const char *at, const char *end) {
#ifdef __SSE2__
  if (end - at < 33) return NULL;
  uint32_t digits = json_digits32(at), dots = json_equal32(at, '.');
  uint32_t outside = ~(digits | dots | 1);
  if (outside == 0) return NULL;
  unsigned size = (unsigned)__builtin_ctz(outside), minus = *at == '-';
  uint32_t body = (((uint32_t)1 << size) - 1) >> minus;
  digits >>= minus;
  dots = dots >> minus & body;
  /* The first and the last byte are digits, there is one dot at most, and a leading 0 stands
   * alone or before the dot. */
  uint32_t ends = 1 | (body ^ body >> 1);
  bool leading_zero = at[minus] == '0' && body > 1 && !(dots & 2);
  if ((~digits & ends) | (dots & (dots - 1)) | leading_zero) return NULL;
  return (at[size] | 0x20) == 'e' ? NULL : at + size;
#else
  (void)at;
  (void)end;
  return NULL;
#endif
}

#endif
