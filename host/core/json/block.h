/* Vector help for the scanner: which bytes of a block are digits, which end a run of plain text,
 * one bit a byte. SSE2 is part of every x86-64 and NEON of every arm64 processor, so nothing is
 * chosen at run time; elsewhere JSON_HAS_VECTORS is 0 and the byte-by-byte code does it all.
 * Wider vectors do not help: what limits the scanner is the way from the end of one token to the
 * next, not the width of a comparison. index.h looks at all tokens at once instead.
 * Memory: none. */
#ifndef WEIR_CORE_JSON_BLOCK_H
#define WEIR_CORE_JSON_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(WEIR_NO_VECTORS) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define JSON_HAS_VECTORS 0
#elif defined(__SSE2__)
#define JSON_HAS_VECTORS 1
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define JSON_HAS_VECTORS 1
#include <arm_neon.h>
#else
#define JSON_HAS_VECTORS 0
#endif

/* Plain: ASCII from the space on, other than quote and backslash. */
static inline bool json_is_plain(char byte) {
  return (unsigned char)(byte - 0x20) < 0x60 && byte != '"' && byte != '\\';
}

#if JSON_HAS_VECTORS

/* Bit i stands for byte i of a block. */
typedef struct {
  uint64_t digits;  /* 0 to 9 */
  uint64_t numeric; /* digits and the decimal point */
  uint64_t stops;   /* not plain */
} json_masks;

#ifdef __SSE2__

static inline json_masks json_masks16(const char *at) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
  /* Moved so that '0' becomes the least signed byte: one comparison tells the digits. */
  __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - '0')));
  __m128i digits = _mm_cmplt_epi8(moved, _mm_set1_epi8(-128 + 10));
  __m128i numeric = _mm_or_si128(digits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
  __m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                 _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  /* The comparison is signed: bytes from 0x80 are negative and thus below the space too. */
  __m128i stops = _mm_or_si128(special, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
  return (json_masks){(uint32_t)_mm_movemask_epi8(digits), (uint32_t)_mm_movemask_epi8(numeric),
                      (uint32_t)_mm_movemask_epi8(stops)};
}

#else /* NEON */

static inline uint64_t json_movemask(uint8x16_t lanes) {
  const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t bits = vandq_u8(lanes, weights);
  return (uint64_t)vaddv_u8(vget_low_u8(bits)) | (uint64_t)vaddv_u8(vget_high_u8(bits)) << 8;
}

static inline json_masks json_masks16(const char *at) {
  uint8x16_t bytes = vld1q_u8((const uint8_t *)at);
  uint8x16_t digits = vcltq_u8(vsubq_u8(bytes, vdupq_n_u8('0')), vdupq_n_u8(10));
  uint8x16_t numeric = vorrq_u8(digits, vceqq_u8(bytes, vdupq_n_u8('.')));
  uint8x16_t special =
      vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('"')), vceqq_u8(bytes, vdupq_n_u8('\\')));
  uint8x16_t plain = vcltq_u8(vsubq_u8(bytes, vdupq_n_u8(0x20)), vdupq_n_u8(0x60));
  uint8x16_t stops = vornq_u8(special, plain);
  return (json_masks){json_movemask(digits), json_movemask(numeric), json_movemask(stops)};
}

#endif

static inline json_masks json_masks_join(json_masks low, json_masks high, int shift) {
  return (json_masks){low.digits | high.digits << shift, low.numeric | high.numeric << shift,
                      low.stops | high.stops << shift};
}

static inline json_masks json_masks32(const char *at) {
  return json_masks_join(json_masks16(at), json_masks16(at + 16), 16);
}

static inline json_masks json_masks64(const char *at) {
  return json_masks_join(json_masks32(at), json_masks32(at + 32), 32);
}

/* The end of a plain number (no exponent) that starts at `at` with a digit or '-', or NULL when
 * that takes a closer look: an exponent, a mistake, `window` bytes or more, the end of the text.
 * Where it ends follows from one mask before anything else is known, so that the processor runs
 * ahead into the next token while the checks are still under way. */
static inline const char *json_number_end(uint64_t digits, uint64_t numeric, unsigned window,
                                          const char *at, const char *end) {
  unsigned size = (unsigned)__builtin_ctzll(~(numeric | 1) | (uint64_t)1 << 63);
  if (size >= window || size >= (size_t)(end - at)) return NULL;
  unsigned minus = *at == '-';
  uint64_t body = (((uint64_t)1 << size) - 1) >> minus;
  digits >>= minus;
  uint64_t dots = ~digits & body;
  /* There is one dot at most, with a digit on either side, and no digit comes after a leading 0.
   * Bits are combined without branches, because the processor cannot predict how numbers look. */
  uint64_t lonely = dots & ~(digits << 1 & digits >> 1);
  uint64_t leading_zero = (uint64_t)(at[minus] == '0') & digits >> 1;
  if ((dots & (dots - 1)) | lonely | leading_zero | (uint64_t)(body == 0)) return NULL;
  return (at[size] | 0x20) == 'e' ? NULL : at + size;
}

/* The byte after the closing quote of a plain string whose text starts at `at`, or NULL when
 * that takes a closer look: an escape, other than ASCII, no stop in the mask, the end of the
 * text. */
static inline const char *json_string_end(uint64_t stops, const char *at, const char *end) {
  if (stops == 0) return NULL;
  at += __builtin_ctzll(stops);
  return at < end && *at == '"' ? at + 1 : NULL;
}

#endif

/* The first byte that is not plain, or end. */
static inline const char *json_plain_end(const char *at, const char *end) {
#if JSON_HAS_VECTORS
  for (; end - at >= 16; at += 16) {
    uint64_t stops = json_masks16(at).stops;
    if (stops) return at + __builtin_ctzll(stops);
  }
#endif
  while (at < end && json_is_plain(*at)) at++;
  return at;
}

enum { JSON_PADDING = 16 };

/* Whether all of the bytes are plain. JSON_PADDING bytes beyond them may be read. */
static inline bool json_is_plain_padded(const char *at, size_t size) {
#if JSON_HAS_VECTORS
  for (; size >= 16; at += 16, size -= 16)
    if (json_masks16(at).stops) return false;
  return size == 0 || (json_masks16(at).stops & (((uint64_t)1 << size) - 1)) == 0;
#else
  return json_plain_end(at, at + size) == at + size;
#endif
}

#endif
