/* See decimal.h. */
#include "core/pattern/decimal.h"

#include <string.h>

#include "core/pattern/hash.h"

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

static const uint64_t POWERS[HEAD_DIGITS + 1] = {UINT64_C(1),
                                                 UINT64_C(10),
                                                 UINT64_C(100),
                                                 UINT64_C(1000),
                                                 UINT64_C(10000),
                                                 UINT64_C(100000),
                                                 UINT64_C(1000000),
                                                 UINT64_C(10000000),
                                                 UINT64_C(100000000),
                                                 UINT64_C(1000000000),
                                                 UINT64_C(10000000000),
                                                 UINT64_C(100000000000),
                                                 UINT64_C(1000000000000),
                                                 UINT64_C(10000000000000),
                                                 UINT64_C(100000000000000),
                                                 UINT64_C(1000000000000000),
                                                 UINT64_C(10000000000000000),
                                                 UINT64_C(100000000000000000),
                                                 UINT64_C(1000000000000000000)};

typedef struct {
  const char *at, *end;
  uint64_t head;
  unsigned digits; /* in the head */
} digit_reader;

/* Eight digits at once: pairs, fours and eights are added up inside one word. */
static bool read_eight(digit_reader *reader) {
  uint64_t word;
  if (reader->end - reader->at < 8 || reader->digits + 8 > HEAD_DIGITS) return false;
  memcpy(&word, reader->at, 8);
  if (((word & 0xf0f0f0f0f0f0f0f0u) |
       (((word + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4)) != 0x3333333333333333u)
    return false;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  word = (word & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
  word = (word & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
  word = (word & 0x0000ffff0000ffffu) * 42949672960001 >> 32;
  reader->head = reader->head * POWERS[8] + word;
  reader->digits += 8;
  reader->at += 8;

  return true;
}

/* Digits into the head while it has room; stops at the first other byte. */
static void read_digits(digit_reader *reader) {
  while (read_eight(reader)) {
  }

  for (; reader->at < reader->end && is_digit(*reader->at) && reader->digits < HEAD_DIGITS;
       reader->at++) {
    reader->head = reader->head * 10 + (uint64_t)(*reader->at - '0');
    reader->digits++;
  }
}

static void skip_zeros(digit_reader *reader) {
  while (reader->at < reader->end && *reader->at == '0') reader->at++;
}

/* The digits that the head has no room for. Returns how many of them stand before the point. */
static int64_t read_tail(pattern_decimal *number, digit_reader *reader, bool after_point) {
  int64_t whole = 0;
  number->tail = reader->at;
  for (; reader->at < reader->end && (is_digit(*reader->at) || *reader->at == '.'); reader->at++) {
    if (*reader->at == '.') {
      after_point = true;
      continue;
    }

    number->has_tail |= *reader->at != '0';
    whole += !after_point;
  }

  return whole;
}

/* Reads the digits; returns the power of ten above the first significant one. */
static int64_t read_mantissa(pattern_decimal *number, digit_reader *reader) {
  skip_zeros(reader);
  read_digits(reader);
  int64_t magnitude = reader->digits;
  bool point = reader->at < reader->end && *reader->at == '.';
  if (point) {
    const char *first = ++reader->at;
    if (reader->digits == 0) {
      skip_zeros(reader);
      magnitude = first - reader->at;
    }

    read_digits(reader);
  }

  number->tail = reader->at;
  if (reader->digits == HEAD_DIGITS) {
    int64_t whole = read_tail(number, reader, point);
    if (!point) magnitude += whole;
  }

  number->end = reader->at;

  return magnitude;
}

pattern_decimal pattern_decimal_parse(const char *text, size_t size) {
  pattern_decimal number = {.text = text, .size = size};
  bool negative = *text == '-';
  digit_reader reader = {.at = text + negative, .end = text + size};
  int64_t magnitude = read_mantissa(&number, &reader);
  if (reader.digits == 0) return number; /* 0, -0, 0e9 */
  if (reader.at < reader.end) {
    int64_t exponent = read_exponent(reader.at + 1, reader.end);
    number.enormous = exponent >= ENORMOUS_EXPONENT || exponent <= -ENORMOUS_EXPONENT;
    magnitude += exponent;
  }

  int64_t scale = magnitude + (INT64_C(1) << 60); /* positive whatever the magnitude */
  int64_t head = (int64_t)(reader.head * POWERS[HEAD_DIGITS - reader.digits]);
  number.scale = negative ? -scale : scale;
  number.head = negative ? -head : head;

  return number;
}

/* The next digit of a tail; past its end, the zeros that every number ends in. */
static char next_digit(const char **at, const char *end) {
  while (*at < end && !is_digit(**at)) (*at)++;
  return *at < end ? *(*at)++ : '0';
}

static int compare_tails(const pattern_decimal *a, const pattern_decimal *b) {
  const char *at_a = a->tail, *at_b = b->tail;
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

int pattern_decimal_compare_closely(const pattern_decimal *a, const pattern_decimal *b) {
  if (a->enormous && b->enormous) {
    /* A difference this large is one of sign, or of the exponents' signs. */
    if (a->scale / ENORMOUS_EXPONENT < b->scale / ENORMOUS_EXPONENT) return -1;
    if (a->scale / ENORMOUS_EXPONENT > b->scale / ENORMOUS_EXPONENT) return 1;
    return compare_text(a, b);
  }

  int order = compare_tails(a, b);
  return a->scale < 0 ? -order : order;
}

uint64_t pattern_decimal_hash(const pattern_decimal *number, uint64_t seed) {
  if (number->enormous) return pattern_hash_bytes(seed, number->text, number->size);
  /* Tails are left to the comparison. */
  uint64_t hash = pattern_hash_mix(seed ^ (uint64_t)number->head, 0x9e3779b97f4a7c15u);
  return pattern_hash_mix(hash ^ (uint64_t)number->scale, 0xd6e8feb86659fd93u);
}
