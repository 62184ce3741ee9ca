/* See pattern_decimal.h. */
#include "core/pattern_decimal.h"

#include <string.h>

#include "core/pattern_hash.h"

enum { HEAD_DIGITS = 18 };
static const int64_t ENORMOUS_EXPONENT = INT64_C(100000000000000000);

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static int64_t read_exponent(const char *at, const char *end) {
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  int64_t exponent = 0;
  for (; at < end && exponent < ENORMOUS_EXPONENT; at++) exponent = exponent * 10 + (*at - '0');
  return negative ? -exponent : exponent;
}

/* Left-aligns the head, so that 3 and 3000 have the same digits and differ in magnitude only. */
static uint64_t align_head(uint64_t head, int digits) {
  for (; digits < HEAD_DIGITS; digits++) head *= 10;
  return head;
}

static void read_mantissa(pattern_decimal *number, const char *at, const char *end) {
  int digits = 0;
  bool after_point = false;
  number->tail = end;
  for (; at < end && *at != 'e' && *at != 'E'; at++) {
    if (*at == '.') {
      after_point = true;
      continue;
    }
    bool significant = digits > 0 || *at != '0';
    if (significant ? !after_point : false) number->magnitude++;
    if (!significant && after_point) number->magnitude--;
    if (!significant) continue;
    if (digits == HEAD_DIGITS) {
      if (number->tail == end) number->tail = at;
      number->has_tail |= *at != '0';
      continue;
    }
    number->head = number->head * 10 + (uint64_t)(*at - '0');
    digits++;
  }
  number->end = at;
  number->head = align_head(number->head, digits);
}

pattern_decimal pattern_decimal_parse(const char *text, size_t size) {
  pattern_decimal number = {.text = text, .size = size};
  const char *at = text, *end = text + size;
  number.negative = at < end && *at == '-';
  read_mantissa(&number, at + number.negative, end);
  if (number.head == 0) {
    number.negative = false; /* -0 is 0 */
    number.magnitude = 0;
    return number;
  }
  if (number.end < end) {
    int64_t exponent = read_exponent(number.end + 1, end);
    number.enormous = exponent >= ENORMOUS_EXPONENT || exponent <= -ENORMOUS_EXPONENT;
    number.magnitude += exponent;
  }
  return number;
}

/* The next digit of a tail; past its end, the zeros that every number ends in. */
static char next_digit(const char **at, const char *end) {
  while (*at < end && !is_digit(**at)) (*at)++;
  return *at < end ? *(*at)++ : '0';
}

static int compare_tails(const pattern_decimal *a, const pattern_decimal *b) {
  const char *at_a = a->has_tail ? a->tail : a->end, *at_b = b->has_tail ? b->tail : b->end;
  while (at_a < a->end || at_b < b->end) {
    int difference = next_digit(&at_a, a->end) - next_digit(&at_b, b->end);
    if (difference) return difference;
  }
  return 0;
}

static int compare_text(const pattern_decimal *a, const pattern_decimal *b) {
  if (a->size != b->size) return a->size < b->size ? -1 : 1;
  return memcmp(a->text, b->text, a->size);
}

int pattern_decimal_compare(const pattern_decimal *a, const pattern_decimal *b) {
  int sign_a = a->head == 0 ? 0 : a->negative ? -1 : 1;
  int sign_b = b->head == 0 ? 0 : b->negative ? -1 : 1;
  if (sign_a != sign_b) return sign_a < sign_b ? -1 : 1;
  if (sign_a == 0) return 0;
  bool same_side = a->enormous && b->enormous && (a->magnitude < 0) == (b->magnitude < 0);
  if (same_side) return compare_text(a, b);
  if (a->magnitude != b->magnitude) return a->magnitude < b->magnitude ? -sign_a : sign_a;
  if (a->head != b->head) return a->head < b->head ? -sign_a : sign_a;
  if (!a->has_tail && !b->has_tail) return 0;
  return compare_tails(a, b) * sign_a;
}

uint64_t pattern_decimal_hash(const pattern_decimal *number, uint64_t seed) {
  if (number->enormous) return pattern_hash_bytes(seed, number->text, number->size);
  uint64_t hash = pattern_hash_mix(seed ^ number->head, 0x9e3779b97f4a7c15u);
  hash = pattern_hash_mix(hash ^ (uint64_t)number->magnitude, 0xd6e8feb86659fd93u);
  return hash + number->negative; /* tails are left to the comparison */
}
