/* DynamoDB's numbers at their limits: digits, range, conversion and counted size. */
#include "core/aws/dynamodb_number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static dynamodb_number parse(const char *text) {
  dynamodb_number number;
  assert_int_equal(dynamodb_number_parse(text, strlen(text), &number), DYNAMODB_NUMBER_FINE);
  return number;
}

static void assert_parts(const char *text, bool negative, const char *digits, int scale) {
  dynamodb_number number = parse(text);
  assert_int_equal(number.negative, negative);
  assert_int_equal(number.count, (int)strlen(digits));
  assert_memory_equal(number.digits, digits, strlen(digits));
  assert_int_equal(number.scale, scale);
}

static void takes_numbers_apart(void **state) {
  (void)state;
  assert_parts("0", false, "", 0);
  assert_parts("-0.00e5", false, "", 0);
  assert_parts("120", false, "12", 1);
  assert_parts("-0012.340", true, "1234", -2);
  assert_parts("1.0e-5", false, "1", -5);
  assert_parts("+100.5e2", false, "1005", 1);
  assert_parts("0.00010203", false, "10203", -8);
}

static void converts_only_what_is_exact(void **state) {
  (void)state;
  static const struct {
    const char *text;
    dynamodb_number_form form;
  } cases[] = {
      {"9223372036854775807", DYNAMODB_AS_INTEGER},
      {"-9223372036854775808", DYNAMODB_AS_INTEGER},
      {"9223372036854775808", DYNAMODB_AS_TEXT},
      {"-9223372036854775809", DYNAMODB_AS_TEXT},
      {"9.223372036854775807e18", DYNAMODB_AS_INTEGER},
      {"1e18", DYNAMODB_AS_INTEGER},
      {"1e19", DYNAMODB_AS_DOUBLE},
      {"1e125", DYNAMODB_AS_DOUBLE},
      {"0.1", DYNAMODB_AS_DOUBLE},
      {"0.10000000000000001", DYNAMODB_AS_TEXT},
      {"5e-130", DYNAMODB_AS_DOUBLE},
      {"0.30000000000000004", DYNAMODB_AS_DOUBLE},
      {"123456789012345678.5", DYNAMODB_AS_TEXT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dynamodb_number number = parse(cases[i].text);
    int64_t integer;
    double real;
    assert_int_equal(dynamodb_number_convert(&number, &integer, &real), cases[i].form);
    if (cases[i].form == DYNAMODB_AS_DOUBLE) assert_true(real == strtod(cases[i].text, NULL));
  }
}

static void counts_bytes_by_two_digits(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t size;
  } cases[] = {{"0", 1}, {"7", 2}, {"12", 2}, {"123", 3}, {"-123", 4}, {"1000", 2}, {"0.001", 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    dynamodb_number number = parse(cases[i].text);
    assert_int_equal(dynamodb_number_size(&number), cases[i].size);
  }
}

static void a_million_zeros_are_no_digits(void **state) {
  (void)state;
  enum { ZEROS = 1000000 };
  char *text = malloc(ZEROS + 8);
  dynamodb_number number;
  memset(text, '0', ZEROS);
  memcpy(text + ZEROS, "1.5", 3);
  assert_int_equal(dynamodb_number_parse(text, ZEROS + 3, &number), DYNAMODB_NUMBER_FINE);
  assert_int_equal(number.count, 2);
  text[0] = '1';
  assert_int_equal(dynamodb_number_parse(text, ZEROS, &number), DYNAMODB_NUMBER_OUT_OF_RANGE);
  memset(text, '9', ZEROS);
  assert_int_equal(dynamodb_number_parse(text, ZEROS, &number), DYNAMODB_NUMBER_TOO_PRECISE);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_numbers_apart),
      cmocka_unit_test(converts_only_what_is_exact),
      cmocka_unit_test(counts_bytes_by_two_digits),
      cmocka_unit_test(a_million_zeros_are_no_digits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
