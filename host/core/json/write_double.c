/* Writes doubles as JSON: the fewest digits that read back as the same double and, among those,
 * the nearest to it. See write.h.
 *
 * Layout, for the value 0.DIGITS × 10^point:
 *   -4 <= point-1 < 16   0.0001, 123.45, 3.0, 1000000000000000.0
 *   otherwise            1e+16, 1.5e-07 as d[.ddd]e±XX, the exponent of two digits or more
 * so every double has a '.' or an 'e' and never reads back as an integer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json/write.h"

enum { DIGITS_ALWAYS_ENOUGH = 17 };

typedef struct {
  char digits[DIGITS_ALWAYS_ENOUGH + 1]; /* significant, neither first nor last is '0' */
  int count;
  int point; /* the decimal point's place, counted from the first digit */
} shortest;

static void set_digits(shortest *out, uint64_t integer, int exponent) {
  char reversed[20];
  int count = 0, skipped = 0;
  while (integer % 10 == 0) integer /= 10, skipped++;
  for (; integer; integer /= 10) reversed[count++] = (char)('0' + integer % 10);
  for (int i = 0; i < count; i++) out->digits[i] = reversed[count - 1 - i];
  out->count = count;
  out->point = count + skipped + exponent;
}

/* Values that people write: an integer below 10^15 divided by a power of ten. Such a decimal has
 * at most 15 digits, so no other of 15 digits reads back as this double, and the smallest power
 * gives the fewest digits. False when the value is not one of them. */
static bool short_decimal(double value, shortest *out) {
  static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
  for (int places = 0; places < (int)(sizeof powers / sizeof *powers); places++) {
    double scaled = value * powers[places];
    if (scaled >= 1e15) return false;
    uint64_t integer = (uint64_t)(scaled + 0.5);
    /* Integer and power are exact doubles: one rounding, as in reading the decimal. */
    if (integer == 0 || (double)integer / powers[places] != value) continue;
    set_digits(out, integer, -places);

    return true;
  }

  return false;
}

/* Digits and exponent written without a decimal point: there is no locale in it. */
static bool reads_back(uint64_t integer, int exponent, double value) {
  char text[40];
  snprintf(text, sizeof text, "%llue%d", (unsigned long long)integer, exponent);
  return strtod(text, NULL) == value;
}

/* The value rounded to `count` digits, as integer × 10^exponent. */
static uint64_t round_to(double value, int count, int *exponent) {
  char text[40];
  snprintf(text, sizeof text, "%.*e", count - 1, value);
  uint64_t integer = 0;
  const char *at = text;
  for (; *at != 'e'; at++) /* whatever the locale's decimal point is, it is not a digit */
    if (*at >= '0' && *at <= '9') integer = integer * 10 + (uint64_t)(*at - '0');
  *exponent = atoi(at + 1) - (count - 1);
  return integer;
}

static void search_digits(double value, shortest *out) {
  /* Normal doubles: what reads back with fewer than 15 digits is found at 15, with zeros behind.
   * Below them precision fades, and one digit may be enough. */
  int count = value < 2.2250738585072014e-308 ? 1 : 15;
  for (;; count++) {
    int exponent;
    uint64_t integer = round_to(value, count, &exponent);
    if (!reads_back(integer, exponent, value)) {
      if (count < 16) continue;
      /* At powers of two the interval reaches farther up than down: the nearest decimal may
       * miss it from below while the next one up is inside. */
      if (count == 16 && !reads_back(++integer, exponent, value)) continue;
    }

    set_digits(out, integer, exponent);
    return;
  }
}

static void write_plain(text_buffer *out, const shortest *number) {
  if (number->point <= 0) {
    text_buffer_text(out, "0.");
    for (int i = number->point; i < 0; i++) text_buffer_byte(out, '0');
    text_buffer_append(out, number->digits, (size_t)number->count);
    return;
  }

  if (number->point < number->count) {
    text_buffer_append(out, number->digits, (size_t)number->point);
    text_buffer_byte(out, '.');
    text_buffer_append(out, number->digits + number->point,
                       (size_t)(number->count - number->point));
    return;
  }

  text_buffer_append(out, number->digits, (size_t)number->count);
  for (int i = number->count; i < number->point; i++) text_buffer_byte(out, '0');
  text_buffer_text(out, ".0");
}

static void write_scientific(text_buffer *out, const shortest *number) {
  int exponent = number->point - 1;
  text_buffer_byte(out, number->digits[0]);
  if (number->count > 1) {
    text_buffer_byte(out, '.');
    text_buffer_append(out, number->digits + 1, (size_t)number->count - 1);
  }

  text_buffer_text(out, exponent < 0 ? "e-" : "e+");
  if (abs(exponent) < 10) text_buffer_byte(out, '0');
  json_write_integer(out, abs(exponent));
}

bool json_write_double(text_buffer *out, double value) {
  if (!isfinite(value)) return false;
  if (signbit(value)) text_buffer_byte(out, '-');
  value = fabs(value);
  if (value == 0.0) {
    text_buffer_text(out, "0.0");
    return true;
  }

  shortest number;
  if (!short_decimal(value, &number)) search_digits(value, &number);
  if (number.point > -4 && number.point <= 16)
    write_plain(out, &number);
  else
    write_scientific(out, &number);
  return true;
}
