/* Vector help for the scanner: where a run of plain string bytes ends.
 * Reads whole vectors only while they lie inside the text, so that no byte at or after `end` is
 * touched. Memory: none. Callers: json_token.c, json_skip.c, json_write.c. */
#ifndef WEIR_JSON_BLOCK_H
#define WEIR_JSON_BLOCK_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Plain: printable ASCII other than quote and backslash. */
static inline int json_is_plain(char byte) {
  return (unsigned char)(byte - 0x20) < 0x60 && byte != '"' && byte != '\\';
}

/* The first byte that is not plain, or end. */
static inline const char *json_plain_end(const char *at, const char *end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  for (; end - at >= 16; at += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    /* The comparison is signed: bytes from 0x80 are negative and thus below the space too. */
    __m128i stops =
        _mm_or_si128(_mm_cmplt_epi8(bytes, space),
                     _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    int mask = _mm_movemask_epi8(stops);
    if (mask) return at + __builtin_ctz((unsigned)mask);
  }
#endif
  while (at < end && json_is_plain(*at)) at++;
  return at;
}

#endif
