/* json_index_text with AVX-512. See index_lanes.h. */
#ifdef WEIR_JSON_INDEX
#include <immintrin.h>
#include <stdint.h>

#include "core/json/impl.h"

typedef uint64_t lanes __attribute__((vector_size(64)));

/* A bit for each lane: its highest bit is set, all are, any is. */
static inline unsigned lanes_top(lanes x) {
  return _mm512_movepi64_mask((__m512i)x);
}

static inline unsigned lanes_full(lanes x) {
  return _mm512_cmpeq_epi64_mask((__m512i)x, _mm512_set1_epi8(-1));
}

static inline unsigned lanes_any(lanes x) {
  return _mm512_test_epi64_mask((__m512i)x, (__m512i)x);
}

/* Sixteen bytes, four times. They are read from memory at each use: the compiler would make them
 * anew in the loop, which takes as long as the comparisons. */
#define FOUR_TIMES(...)                                                                            \
  { __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__ }
#define EACH(byte)                                                                                 \
  FOUR_TIMES(byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte,   \
             byte, byte)
typedef struct {
  _Alignas(64) char space[64], quote[64], backslash[64], comma[64], colon[64], open[64], close[64],
      zero[64], ten[64], minus[64], dot[64], spaces[64];
} byte_constants;
static const byte_constants CONSTANTS = {
    .space = EACH(' '),
    .quote = EACH('"'),
    .backslash = EACH('\\'),
    .comma = EACH(','),
    .colon = EACH(':'),
    .open = EACH('{'),
    .close = EACH('}'),
    .zero = EACH('0'),
    .ten = EACH(10),
    .minus = EACH('-'),
    .dot = EACH('.'),
    .spaces = FOUR_TIMES(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0),
};

static inline void index_classify(index_window *window, size_t word, const char *at, size_t left) {
  const byte_constants *constants = &CONSTANTS;
  __asm__("" : "+r"(constants));
#define MASK(name) window->masks[INDEX_##name][word]
#define CONSTANT(name) _mm512_load_si512(constants->name)
#define EQUAL(vector, name) _mm512_cmpeq_epi8_mask(vector, CONSTANT(name))
  __mmask64 present = _bzhi_u64(~UINT64_C(0), left < 64 ? (unsigned)left : 64);
  __m512i space = CONSTANT(space), bytes = _mm512_mask_loadu_epi8(space, present, at);
  __m512i folded = _mm512_or_si512(bytes, space); /* '[' becomes '{', ']' becomes '}' */
  MASK(QUOTE) = EQUAL(bytes, quote);
  MASK(BACKSLASH) = EQUAL(bytes, backslash);
  MASK(ROUGH) = _mm512_cmplt_epi8_mask(bytes, space);
  MASK(SPACE) = _mm512_cmpeq_epi8_mask(bytes, _mm512_shuffle_epi8(CONSTANT(spaces), bytes));
  MASK(COMMA) = EQUAL(bytes, comma);
  MASK(COLON) = EQUAL(bytes, colon);
  MASK(OPEN) = EQUAL(folded, open);
  MASK(CLOSE) = EQUAL(folded, close);
  MASK(BRACE) = _mm512_movepi8_mask(_mm512_slli_epi16(bytes, 2));
  MASK(DIGIT) = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, CONSTANT(zero)), CONSTANT(ten));
  MASK(ZERO) = EQUAL(bytes, zero);
  MASK(MINUS) = EQUAL(bytes, minus);
  MASK(DOT) = EQUAL(bytes, dot);
}

bool json_index_has_avx512(void) {
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("bmi2");
}

#define INDEX_TEXT json_index_avx512
#include "core/json/index_lanes.h"
#endif
