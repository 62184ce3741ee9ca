/* See dynamodb_number.h. */
#include "core/aws/dynamodb_number.h"

#include <stdio.h>
#include <string.h>

#include "core/json/scan.h"
#include "core/json/write.h"

enum { LOWEST_MAGNITUDE = -130, HIGHEST_MAGNITUDE = 125, EXPONENT_CAP = 1000000 };

typedef struct {
  const char *at, *end;
} cursor;

static bool is_digit(const cursor *c) {
  return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

/* Collects digits until something else, leaving out leading zeros. Zeros wait in `zeros` until a
 * digit follows, so that trailing ones are never kept. True when there was a digit at all. */
typedef struct {
  long zeros;
  long dropped; /* digits beyond those that fit */
} pending;

static bool collect_digits(cursor *c, dynamodb_number *number, pending *p, long *read) {
  const char *start = c->at;
  for (; is_digit(c); c->at++) {
    if (*c->at == '0') {
      if (number->count > 0) p->zeros++;
      continue;
    }

    long needed = p->zeros + 1;
    if (p->dropped > 0 || number->count + needed > DYNAMODB_DIGITS) {
      p->dropped += needed;
    } else {
      memset(number->digits + number->count, '0', (size_t)p->zeros);
      number->count += (int)needed;
      number->digits[number->count - 1] = *c->at;
    }

    p->zeros = 0;
  }

  *read = c->at - start;
  return *read > 0;
}

static bool read_sign(cursor *c) {
  bool negative = c->at < c->end && *c->at == '-';
  if (c->at < c->end && (*c->at == '-' || *c->at == '+')) c->at++;
  return negative;
}

static bool read_exponent(cursor *c, long *exponent) {
  *exponent = 0;
  if (c->at == c->end || (*c->at != 'e' && *c->at != 'E')) return true;
  c->at++;
  bool negative = read_sign(c);
  if (!is_digit(c)) return false;
  for (; is_digit(c); c->at++)
    if (*exponent < EXPONENT_CAP) *exponent = 10 * *exponent + (*c->at - '0');
  if (negative) *exponent = -*exponent;

  return true;
}

dynamodb_number_status dynamodb_number_parse(const char *text, size_t size,
                                             dynamodb_number *number) {
  cursor c = {text, text + size};
  pending p = {0, 0};
  long whole, fraction = 0, exponent;
  number->count = number->scale = 0;
  number->negative = read_sign(&c);
  bool some = collect_digits(&c, number, &p, &whole);
  if (c.at < c.end && *c.at == '.') {
    c.at++;
    some = collect_digits(&c, number, &p, &fraction) || some;
  }

  if (!some || !read_exponent(&c, &exponent) || c.at != c.end) return DYNAMODB_NUMBER_MALFORMED;
  if (number->count == 0) {
    number->negative = false;
    return DYNAMODB_NUMBER_FINE;
  }

  if (p.dropped > 0) return DYNAMODB_NUMBER_TOO_PRECISE;
  long scale = exponent - fraction + p.zeros, magnitude = scale + number->count - 1;
  if (magnitude < LOWEST_MAGNITUDE || magnitude > HIGHEST_MAGNITUDE)
    return DYNAMODB_NUMBER_OUT_OF_RANGE;
  number->scale = (int)scale;

  return DYNAMODB_NUMBER_FINE;
}

/* Order of the magnitudes. */
static int compare_sizes(const dynamodb_number *a, const dynamodb_number *b) {
  if (a->count == 0 || b->count == 0) return (a->count > 0) - (b->count > 0);
  int a_magnitude = a->count + a->scale, b_magnitude = b->count + b->scale;
  if (a_magnitude != b_magnitude) return a_magnitude > b_magnitude ? 1 : -1;
  int order = memcmp(a->digits, b->digits, (size_t)(a->count < b->count ? a->count : b->count));
  if (order == 0) order = a->count - b->count;

  return (order > 0) - (order < 0);
}

int dynamodb_number_compare(const dynamodb_number *a, const dynamodb_number *b) {
  if (a->negative != b->negative) return a->negative ? -1 : 1;
  return a->negative ? compare_sizes(b, a) : compare_sizes(a, b);
}

static bool to_integer(const dynamodb_number *number, int64_t *integer) {
  if (number->scale < 0 || number->count + number->scale > 19) return false;
  uint64_t value = 0; /* 19 digits always fit */
  for (int i = 0; i < number->count + number->scale; i++)
    value = 10 * value + (uint64_t)(i < number->count ? number->digits[i] - '0' : 0);
  if (value > (uint64_t)INT64_MAX + number->negative) return false;
  *integer = number->negative ? (int64_t)(0 - value) : (int64_t)value;
  return true;
}

/* Up to 15 digits over a power of ten that a double holds exactly: one correctly rounded
 * operation, and no other 15-digit decimal rounds to the same double. */
static bool to_double_directly(const dynamodb_number *number, double *real) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (number->count > 15 || number->scale < -22 || number->scale > 22) return false;
  int64_t digits = 0;
  for (int i = 0; i < number->count; i++) digits = 10 * digits + (number->digits[i] - '0');
  double value = (double)(number->negative ? -digits : digits);
  *real = number->scale < 0 ? value / powers[-number->scale] : value * powers[number->scale];
  return true;
}

/* The nearest double, if its shortest form reads back as the very same decimal. */
static bool to_double(const dynamodb_number *number, double *real) {
  enum { MOST_DIGITS = 17 };
  char text[64];
  int64_t ignored;
  if (number->count > MOST_DIGITS) return false;
  int size = snprintf(text, sizeof text, "%s%.*se%d", number->negative ? "-" : "", number->count,
                      number->digits, number->scale);
  json_span span = {.at = text, .size = (size_t)size, .type = JSON_NUMBER};
  if (json_number_parse(span, &ignored, real) != JSON_NUMBER_DOUBLE) return false;
  text_buffer shortest = {0};
  dynamodb_number again;
  bool same = json_write_double(&shortest, *real) && !shortest.failed &&
              dynamodb_number_parse(shortest.data, shortest.size, &again) == DYNAMODB_NUMBER_FINE &&
              dynamodb_number_compare(number, &again) == 0;
  text_buffer_free(&shortest);

  return same;
}

dynamodb_number_form dynamodb_number_convert(const dynamodb_number *number, int64_t *integer,
                                             double *real) {
  *integer = 0;
  if (number->count == 0 || to_integer(number, integer)) return DYNAMODB_AS_INTEGER;
  if (to_double_directly(number, real) || to_double(number, real)) return DYNAMODB_AS_DOUBLE;
  return DYNAMODB_AS_TEXT;
}

size_t dynamodb_number_size(const dynamodb_number *number) {
  return 1 + (size_t)(number->count + 1) / 2 + number->negative;
}
