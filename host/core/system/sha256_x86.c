/* See sha256_x86.h. Names follow FIPS 180-4 and Intel's description of the instructions: the
 * working variables a…h live in two registers, ABEF and CDGH, and each instruction does two of
 * the 64 rounds. */
#include "core/system/sha256_x86.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static bool detect(void) {
  enum { SSSE3 = 1 << 9, SSE4_1 = 1 << 19, SHA = 1 << 29 };
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & SSSE3) || !(ecx & SSE4_1)) return false;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & SHA);
}

bool sha256_x86_available(void) {
  static int known = -1; /* every thread that races here finds the same answer */
  int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (answer < 0) {
    answer = detect();
    __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
  }

  return answer == 1;
}

typedef struct {
  __m128i abef, cdgh;
} working;

/* Four rounds with message words w[0…3] and their constants. */
WITH_SHA static inline void four_rounds(working *v, __m128i words, const uint32_t *constants) {
  __m128i sum = _mm_add_epi32(words, _mm_load_si128((const __m128i *)constants));
  v->cdgh = _mm_sha256rnds2_epu32(v->cdgh, v->abef, sum);
  v->abef = _mm_sha256rnds2_epu32(v->abef, v->cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

/* The message schedule: the four words that follow the sixteen in a, b, c, d. */
WITH_SHA static inline __m128i next_words(__m128i a, __m128i b, __m128i c, __m128i d) {
  __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));
  return _mm_sha256msg2_epu32(partial, d);
}

WITH_SHA static inline __m128i load_big_endian(const uint8_t *bytes) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)bytes), swap);
}

WITH_SHA static inline void one_block(working *v, const uint8_t *block) {
  __m128i a = load_big_endian(block), b = load_big_endian(block + 16);
  __m128i c = load_big_endian(block + 32), d = load_big_endian(block + 48);
  for (const uint32_t *constants = round_constants;; constants += 16) {
    four_rounds(v, a, constants);
    four_rounds(v, b, constants + 4);
    four_rounds(v, c, constants + 8);
    four_rounds(v, d, constants + 12);
    if (constants == round_constants + 48) return;
    a = next_words(a, b, c, d);
    b = next_words(b, c, d, a);
    c = next_words(c, d, a, b);
    d = next_words(d, a, b, c);
  }
}

WITH_SHA void sha256_x86_blocks(uint32_t state[8], const uint8_t *blocks, size_t count) {
  __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
  __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
  working v = {_mm_alignr_epi8(low, high, 8), _mm_blend_epi16(high, low, 0xF0)};
  for (; count > 0; count--, blocks += 64) {
    working before = v;
    one_block(&v, blocks);
    v.abef = _mm_add_epi32(v.abef, before.abef);
    v.cdgh = _mm_add_epi32(v.cdgh, before.cdgh);
  }

  low = _mm_shuffle_epi32(v.abef, 0x1B);
  high = _mm_shuffle_epi32(v.cdgh, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

#else

bool sha256_x86_available(void) {
  return false;
}

void sha256_x86_blocks(uint32_t state[8], const uint8_t *blocks, size_t count) {
  (void)state;
  (void)blocks;
  (void)count;
}

#endif
