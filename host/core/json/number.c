/* Numbers inside JSON text: exact integers, nearest doubles. See scan.h.
 *
 * A literal is taken apart into significant digits and a power of ten. Up to 19 digits and a
 * power within ±19 are rounded right here with 128-bit integers; the rest goes to strtod, written
 * as DIGITSeEXPONENT: without a decimal point there is nothing for a locale to change. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/scan.h"

__extension__ typedef unsigned __int128 uint128;

/* A double that lies halfway between two others has at most 767 significant digits, so beyond
 * that only "was there anything more" can matter. */
enum { DIGITS_THAT_MATTER = 768, EXPONENT_LIMIT = 100000000 };

typedef struct {
  const char *first; /* the first significant digit */
  const char *end;   /* behind the last digit of the mantissa */
  size_t count;      /* significant digits; a '.' between them is not counted */
  uint64_t mantissa; /* their value when count <= 19, else modulo 2^64 */
  int64_t exponent;  /* of ten, for the mantissa as an integer */
  bool negative;
  bool integer; /* no '.', no exponent */
} decimal;

/* The written exponent, saturated: the text may hold any number of digits. */
static int64_t read_exponent(const char *at, const char *end) {
  bool negative = *at == '-';
  if (*at == '-' || *at == '+') at++;
  int64_t value = 0;
  for (; at < end; at++)
    if (value < (int64_t)1 << 50) value = value * 10 + (*at - '0');
  return negative ? -value : value;
}

static decimal take_apart(json_span number) {
  decimal parts = {.integer = true};
  const char *at = number.at, *end = at + number.size;
  bool fraction = false;
  if (*at == '-') parts.negative = true, at++;
  for (; at < end && (*at | 0x20) != 'e'; at++) {
    if (*at == '.') {
      fraction = true;
      parts.integer = false;
      continue;
    }

    if (fraction) parts.exponent--;
    if (parts.count == 0 && *at == '0') continue; /* leading zeros are not significant */
    if (parts.count++ == 0) parts.first = at;
    parts.mantissa = parts.mantissa * 10 + (uint64_t)(*at - '0');
  }

  parts.end = at;
  if (at < end) {
    parts.integer = false;
    parts.exponent += read_exponent(at + 1, end);
  }

  return parts;
}

/* value × 2^scale, rounded to the nearest double, ties to even. `more`: the true value is a
 * little above `value`. The caller keeps the result within the normal range. */
static double round_binary(uint128 value, bool more, int scale) {
  uint64_t high = (uint64_t)(value >> 64);
  int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)value);
  int drop = bits - 53;
  if (drop <= 0) return ldexp((double)(uint64_t)value, scale);
  uint128 rest = value & (((uint128)1 << drop) - 1), half = (uint128)1 << (drop - 1);
  uint64_t kept = (uint64_t)(value >> drop);
  if (rest > half || (rest == half && (more || (kept & 1)))) kept++;

  return ldexp((double)kept, scale + drop);
}

static const uint64_t powers_of_ten[] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

/* mantissa × 10^exponent, for a mantissa of at most 19 digits that is not 0 and an exponent
 * within ±19. */
static double round_decimal(uint64_t mantissa, int exponent) {
  static const uint64_t exact = (uint64_t)1 << 53;
  if (exponent >= 0) {
    uint64_t power = powers_of_ten[exponent];
    return round_binary((uint128)mantissa * power, false, 0);
  }

  uint64_t power = powers_of_ten[-exponent];
  /* Both are doubles without loss: IEEE division rounds once (Clinger's fast path). */
  if (mantissa <= exact && -exponent <= 15) return (double)mantissa / (double)power;
  /* Shifted to the top, the quotient keeps at least 64 bits: more than a double's 53. */
  int shift = 64 + __builtin_clzll(mantissa);
  uint128 dividend = (uint128)mantissa << shift;
  uint128 quotient = dividend / power;

  return round_binary(quotient, quotient * power != dividend, -shift);
}

static double round_long(const decimal *parts) {
  char text[DIGITS_THAT_MATTER + 32];
  size_t size = 0;
  bool more = false;
  for (const char *at = parts->first; at < parts->end; at++) {
    if (*at == '.') continue;
    if (size < DIGITS_THAT_MATTER)
      text[size++] = *at;
    else if (*at != '0')
      more = true;
  }

  int64_t exponent = parts->exponent + (int64_t)(parts->count - size);
  if (more) {
    text[size++] = '1';
    exponent--;
  }

  if (exponent > EXPONENT_LIMIT) exponent = EXPONENT_LIMIT;
  if (exponent < -EXPONENT_LIMIT) exponent = -EXPONENT_LIMIT;
  snprintf(text + size, sizeof text - size, "e%d", (int)exponent);

  return strtod(text, NULL);
}

static bool fits_int64(const decimal *parts) {
  uint64_t limit = (uint64_t)INT64_MAX + parts->negative;
  return parts->count <= 19 && parts->mantissa <= limit;
}

/* Digits only, too few to overflow: what most numbers are. */
static bool parse_short_integer(json_span number, int64_t *integer) {
  if (number.size > 18) return false;
  int64_t value = 0;
  for (const char *at = number.at, *end = at + number.size; at < end; at++) {
    unsigned digit = (unsigned char)*at - (unsigned)'0';
    if (digit > 9) return false;
    value = value * 10 + digit;
  }

  *integer = value;
  return true;
}

json_number_kind json_number_parse(json_span number, int64_t *integer, double *real) {
  if (parse_short_integer(number, integer)) return JSON_NUMBER_INTEGER;
  decimal parts = take_apart(number);
  if (parts.integer && fits_int64(&parts) && !(parts.negative && parts.count == 0)) {
    *integer = parts.negative ? (int64_t)(0 - parts.mantissa) : (int64_t)parts.mantissa;
    return JSON_NUMBER_INTEGER;
  }

  double value = 0.0;
  if (parts.count > 0) {
    bool small = parts.count <= 19 && parts.exponent >= -19 && parts.exponent <= 19;
    value = small ? round_decimal(parts.mantissa, (int)parts.exponent) : round_long(&parts);
  }

  if (isinf(value)) return JSON_NUMBER_OVERFLOW;
  *real = parts.negative ? -value : value;
  return JSON_NUMBER_DOUBLE;
}
