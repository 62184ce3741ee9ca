/* DynamoDB's numbers: decimal, up to 38 significant digits, magnitude 1E-130 to
 * 9.9999999999999999999999999999999999999E+125. A number is taken apart into its digits, so that
 * equality, order and conversion never pass through a double that cannot hold it.
 * Memory: values only. */
#ifndef WEIR_CORE_AWS_DYNAMODB_NUMBER_H
#define WEIR_CORE_AWS_DYNAMODB_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DYNAMODB_DIGITS = 38 };

/* The value is ±digits × 10^scale. Neither the first nor the last digit is zero; zero itself has no
 * digits. */
typedef struct {
  bool negative;
  int count;
  int scale;
  char digits[DYNAMODB_DIGITS]; /* '0' to '9', not NUL-terminated */
} dynamodb_number;

typedef enum {
  DYNAMODB_NUMBER_FINE,
  DYNAMODB_NUMBER_MALFORMED,
  DYNAMODB_NUMBER_TOO_PRECISE,
  DYNAMODB_NUMBER_OUT_OF_RANGE,
} dynamodb_number_status;

/* Reads [+-]digits[.digits][e[+-]digits]; leading zeros do not matter. */
dynamodb_number_status dynamodb_number_parse(const char *text, size_t size,
                                             dynamodb_number *number);

/* -1, 0 or 1. */
int dynamodb_number_compare(const dynamodb_number *a, const dynamodb_number *b);

typedef enum { DYNAMODB_AS_INTEGER, DYNAMODB_AS_DOUBLE, DYNAMODB_AS_TEXT } dynamodb_number_form;

/* The simplest form that holds exactly this value: a 64-bit integer; a double whose shortest
 * decimal form is the number; or nothing but its text. */
dynamodb_number_form dynamodb_number_convert(const dynamodb_number *number, int64_t *integer,
                                             double *real);

/* The common case at once: a plain whole number of at most 18 digits. */
static inline bool dynamodb_number_is_small(const char *text, size_t size, int64_t *integer) {
  bool negative = size > 0 && text[0] == '-';
  if (size - negative == 0 || size - negative > 18) return false;
  *integer = 0;
  for (size_t i = negative; i < size; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    *integer = 10 * *integer + (text[i] - '0');
  }
  if (negative) *integer = -*integer;
  return true;
}

/* Bytes that DynamoDB counts for it in an item. */
size_t dynamodb_number_size(const dynamodb_number *number);

#endif
