/* pattern_decimal, case_fold and pattern_address, each against a slow and obvious way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/pattern/address.h"
#include "core/pattern/decimal.h"
#include "core/text/case_fold.h"

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static unsigned random_below(unsigned bound) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)((random_state >> 33) % bound);
}

enum { PLACES = 60, POINT = 30 };

/* A value as 60 digits, the point after the thirtieth. */
typedef struct {
  char digits[PLACES + 1];
  bool negative;
} plain_number;

static plain_number random_number(void) {
  plain_number number = {.negative = random_below(2)};
  memset(number.digits, '0', PLACES);
  int first = (int)random_below(PLACES), length = 1 + (int)random_below(24);
  for (int i = first; i < PLACES && i < first + length; i++)
    number.digits[i] = (char)('0' + (random_below(3) ? 0 : random_below(10)));
  return number;
}

static bool is_zero(const plain_number *number) {
  return strspn(number->digits, "0") == PLACES;
}

/* One of the ways to write it, with the exponent shifting the point. */
static void write_number(const plain_number *number, char *out) {
  int shift = (int)random_below(21) - 10;
  int point = POINT + shift;
  int first = 0, last = PLACES;
  while (first < point - 1 && number->digits[first] == '0') first++;
  if (random_below(4)) /* most often without the zeros at the end */
    while (last > point && number->digits[last - 1] == '0') last--;
  char *at = out;
  if (number->negative) *at++ = '-';
  for (int i = first; i < last; i++) {
    if (i == point) *at++ = '.';
    *at++ = number->digits[i];
  }

  *at = '\0';
  if (shift != 0)
    sprintf(at, "%c%s%d", random_below(2) ? 'e' : 'E', shift < 0 && random_below(2) ? "+" : "",
            -shift);
}

static int compare_plain(const plain_number *a, const plain_number *b) {
  bool below_a = a->negative && !is_zero(a), below_b = b->negative && !is_zero(b);
  if (below_a != below_b) return below_a ? -1 : 1;
  int order = strcmp(a->digits, b->digits);
  return below_a ? -order : order;
}

static int sign_of(int value) {
  return (value > 0) - (value < 0);
}

static void decimals_compare_by_value(void **state) {
  (void)state;
  for (int i = 0; i < 200000; i++) {
    plain_number a = random_number(), b = random_below(3) ? random_number() : a;
    if (random_below(4) == 0) { /* nearly equal */
      b = a;
      b.digits[random_below(PLACES)] = (char)('0' + random_below(10));
    }

    char text_a[PLACES + 16], text_b[PLACES + 16];
    write_number(&a, text_a);
    write_number(&b, text_b);
    pattern_decimal one = pattern_decimal_parse(text_a, strlen(text_a));
    pattern_decimal two = pattern_decimal_parse(text_b, strlen(text_b));
    int wanted = sign_of(compare_plain(&a, &b)), got = sign_of(pattern_decimal_compare(&one, &two));
    if (wanted != got) fail_msg("%s and %s compare as %d, not %d", text_a, text_b, got, wanted);
    if (got == 0) assert_int_equal(pattern_decimal_hash(&one, 1), pattern_decimal_hash(&two, 1));
  }
}

static void enormous_exponents_are_ordered(void **state) {
  static const char *const ascending[] = {
      "-1e999999999999999999999", "-1e400", "-1e-400", "0e999999999999999999999",
      "1e-999999999999999999999", "1e-400", "1e400",   "1e999999999999999999999"};
  (void)state;
  for (size_t i = 0; i < sizeof ascending / sizeof ascending[0]; i++)
    for (size_t k = 0; k < sizeof ascending / sizeof ascending[0]; k++) {
      pattern_decimal a = pattern_decimal_parse(ascending[i], strlen(ascending[i]));
      pattern_decimal b = pattern_decimal_parse(ascending[k], strlen(ascending[k]));
      assert_int_equal(sign_of(pattern_decimal_compare(&a, &b)), (i > k) - (i < k));
    }
}

static void assert_folds(const char *text, const char *wanted) {
  char *out = malloc(case_fold_bound(strlen(text)));
  size_t size = case_fold(text, strlen(text), out);
  assert_int_equal(size, strlen(wanted));
  assert_memory_equal(out, wanted, size);
  free(out);
}

static void case_folds(void **state) {
  (void)state;
  assert_folds("", "");
  assert_folds("AZaz09[`{", "azaz09[`{");
  assert_folds("ÀÉÖ×ÞßŸ", "àéö×þßÿ");
  assert_folds("ĀāĂăĲŁ", "āāăăĳł");
  assert_folds("ΑΩΆ", "αωά");
  assert_folds("АЯЁЖ", "аяёж");
  assert_folds("ȺȺȺ", "ⱥⱥⱥ"); /* two bytes become three */
  assert_folds("Ａ𐐀😀", "ａ𐐨😀");
}

static void addresses_are_read_strictly(void **state) {
  static const char *const good[] = {"0.0.0.0", "255.255.255.255", "::",     "::1",
                                     "1::",     "1:2:3:4:5:6:7:8", "FE80::a"};
  static const char *const bad[] = {
      "",  "1.2.3", "1.2.3.4.5",     "256.1.1.1", "01.1.1.1",  "1.1.1.1 ", "1..1.1",
      ":", ":::",   "1:2:3:4:5:6:7", "12345::",   "::1.2.3.4", "g::",      "1.1.1.-1"};
  pattern_address address;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    if (!pattern_address_parse(good[i], strlen(good[i]), &address)) fail_msg("%s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (pattern_address_parse(bad[i], strlen(bad[i]), &address)) fail_msg("%s", bad[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decimals_compare_by_value),
      cmocka_unit_test(enormous_exponents_are_ordered),
      cmocka_unit_test(case_folds),
      cmocka_unit_test(addresses_are_read_strictly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
