/* JSON numbers compared by value, exactly: 300, 300.0 and 3e2 are equal, 9007199254740993 and
 * 9007199254740992 are not, and nothing is ever rounded to a double.
 *
 * Memory: a decimal points into the number's text for its digits past the eighteenth; the text
 * must outlive it. */
#ifndef WEIR_CORE_PATTERN_DECIMAL_H
#define WEIR_CORE_PATTERN_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  /* Decides nearly every comparison: the sign, and the power of ten above the first digit (the
   * value is 0.DIGITS times ten to it), as one ordered number; 0 for zero. */
  int64_t scale;
  int64_t head;     /* the first eighteen significant digits, left-aligned, with the sign */
  const char *text; /* the whole literal */
  size_t size;
  const char *tail; /* digits after the first eighteen (a point may stand among them) */
  const char *end;  /* one past the last digit of the mantissa */
  bool has_tail;    /* a digit other than 0 stands in the tail */
  bool enormous;    /* an exponent past all reason: such numbers are equal only as text */
} pattern_decimal;

/* From a number the JSON scanner accepted. */
pattern_decimal pattern_decimal_parse(const char *text, size_t size);

/* The comparison where scale and head do not decide. */
int pattern_decimal_compare_closely(const pattern_decimal *a, const pattern_decimal *b);

/* Negative, 0 or positive, as memcmp. */
static inline int pattern_decimal_compare(const pattern_decimal *a, const pattern_decimal *b) {
  if (a->enormous & b->enormous) return pattern_decimal_compare_closely(a, b);
  if (a->scale != b->scale) return a->scale < b->scale ? -1 : 1;
  if (a->head != b->head) return a->head < b->head ? -1 : 1;
  return (a->has_tail | b->has_tail) ? pattern_decimal_compare_closely(a, b) : 0;
}

/* Equal values have equal hashes. */
uint64_t pattern_decimal_hash(const pattern_decimal *number, uint64_t seed);

#endif
