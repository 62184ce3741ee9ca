/* What the scanner's spans mean (unescaping, comparing, numbers) and what the writer makes of
 * values; the C library's strtod is the oracle for doubles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/scan.h"
#include "core/json/write.h"

static json_span span_of(const char *text) {
  json_scan scan;
  json_span value;
  json_scan_begin(&scan, text, strlen(text));
  if (!json_scan_value(&scan, &value) || !json_scan_finish(&scan))
    fail_msg("refused: %s (%s)", text, scan.error);
  return value;
}

static void test_unescapes(void **state) {
  (void)state;
  static const struct {
    const char *text, *plain;
    size_t size;
  } cases[] = {
      {"\"\"", "", 0},
      {"\"plain\"", "plain", 5},
      {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
      {"\"a\\u0000b\"", "a\0b", 3},
      {"\"\\u0041\\u00e9\\u20AC\\uD834\\uDD1E!\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e!", 11},
      {"\"\\uFFFF\\uD7FF\\uE000\\uDBFF\\uDFFF\"",
       "\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 13},
      {"\"\xc3\xa9\\n\"", "\xc3\xa9\n", 3},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    json_span span = span_of(cases[i].text);
    char *out = malloc(span.size + 1); /* hardly more than the promised room */
    size_t size = json_unescape(span, out);
    assert_int_equal(size, cases[i].size);
    assert_memory_equal(out, cases[i].plain, size);
    assert_true(json_string_equals(span, cases[i].plain, size));
    assert_false(json_string_equals(span, "other than that", 15));
    if (size > 0) {
      assert_false(json_string_equals(span, cases[i].plain, size - 1));
      out[size - 1] ^= 1;
      assert_false(json_string_equals(span, out, size));
    }

    free(out);
  }
}

static void assert_integer(const char *text, int64_t expected) {
  int64_t integer = 7;
  double real;
  assert_int_equal(json_number_parse(span_of(text), &integer, &real), JSON_NUMBER_INTEGER);
  assert_true(integer == expected);
}

static void assert_double(const char *text) {
  int64_t integer;
  double real = -1, expected = strtod(text, NULL);
  assert_int_equal(json_number_parse(span_of(text), &integer, &real), JSON_NUMBER_DOUBLE);
  if (memcmp(&real, &expected, sizeof real) != 0)
    fail_msg("%s read as %.17g, strtod says %.17g", text, real, expected);
}

static void test_integers(void **state) {
  (void)state;
  assert_integer("0", 0);
  assert_integer("-1", -1);
  assert_integer("9007199254740993", 9007199254740993);
  assert_integer("9223372036854775807", INT64_MAX);
  assert_integer("-9223372036854775808", INT64_MIN);
  assert_double("9223372036854775808");
  assert_double("-9223372036854775809");
  assert_double("18446744073709551616");
  assert_double("99999999999999999999999999999");
  assert_double("-0");
  assert_double("-0.0");
  assert_double("3.0");
}

static void test_doubles(void **state) {
  (void)state;
  static const char *const texts[] = {"0.0",
                                      "0e999999999999999999999",
                                      "0.000000e-5",
                                      "0.1",
                                      "0.7",
                                      "1e22",
                                      "1e23",
                                      "123456e-3",
                                      "-122.42200352825247",
                                      "37.808480096967251",
                                      "9007199254740993.0",
                                      "9007199254740992.5",
                                      "9007199254740993e0",
                                      "9007199254740991.5",
                                      "1.7976931348623157e308",
                                      "4.9e-324",
                                      "2e-324",
                                      "2.4703282292062327e-324",
                                      "2.4703282292062328e-324",
                                      "2.2250738585072011e-308",
                                      "2.2250738585072014e-308",
                                      "1e-400",
                                      "1e-99999999999999999999",
                                      "8.5e-20",
                                      "5e-19",
                                      "1234567890123456789e19",
                                      "9999999999999999999e-19",
                                      "9999999999999999999e19",
                                      "18446744073709551615.0",
                                      "1e19",
                                      "1e20",
                                      "100000000000000000000000e-23",
                                      "0.0000000000000000000000000000000000000000000001e46",
                                      "1000000000000000000000000e-24",
                                      "1.00000000000000011102230246251565404236316680908203125",
                                      "1.00000000000000011102230246251565404236316680908203124",
                                      "1.00000000000000011102230246251565404236316680908203126",
                                      "6.631236871469758276785396630275e11",
                                      "7.3177701707893310e15",
                                      "3.5844466002796428e+298"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_double(texts[i]);
  static const char *const beyond[] = {"1e999", "-1e309", "1e99999999999999999999",
                                       "1.7976931348623159e308"};
  int64_t integer;
  double real;
  for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
    assert_int_equal(json_number_parse(span_of(beyond[i]), &integer, &real), JSON_NUMBER_OVERFLOW);
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_bits(void) { /* xorshift64: the same numbers in every run */
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

static void test_doubles_against_strtod(void **state) {
  (void)state;
  char text[64];
  for (int i = 0; i < 200000; i++) {
    uint64_t digits = random_bits() >> random_bits() % 64;
    if (i % 2)
      snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits,
               (int)(random_bits() % 60) - 30);
    else
      snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)digits,
               (unsigned long long)(random_bits() >> random_bits() % 64));
    assert_double(text);
  }
}

/* Exactly between two doubles, and a little above: an odd number of 54 bits, scaled. */
static void test_halfway_doubles(void **state) {
  (void)state;
  char text[128];
  for (int i = 0; i < 20000; i++) {
    uint64_t odd = ((uint64_t)1 << 53) | (random_bits() >> 11) | 1;
    int places = (int)(random_bits() % 10);
    uint64_t whole = odd >> places, rest = odd & (((uint64_t)1 << places) - 1), power = 1;
    for (int j = 0; j < places; j++) power *= 10;
    /* rest / 2^places has exactly `places` decimals: rest × 10^places / 2^places */
    int size = snprintf(text, sizeof text, "%llu.%0*llu0", (unsigned long long)whole, places,
                        (unsigned long long)(rest * power >> places));
    assert_double(text);
    text[size - 1] = '1';
    assert_double(text);
  }
}

/* Halfway, with a difference only after the 768th digit. */
static void test_digits_beyond_any_buffer(void **state) {
  (void)state;
  char text[2100] = "9007199254740993.";
  size_t start = strlen(text);
  memset(text + start, '0', 2000);
  assert_double(text);
  text[start + 1999] = '1';
  assert_double(text);
  memcpy(text + start + 2000, "e-9", 4);
  assert_double(text);
}

static void assert_written(double value, const char *expected) {
  text_buffer out = {0};
  assert_true(json_write_double(&out, value));
  text_buffer_byte(&out, '\0');
  assert_string_equal(out.data, expected);
  text_buffer_free(&out);
}

static void test_writes_doubles(void **state) {
  (void)state;
  assert_written(0.0, "0.0");
  assert_written(-0.0, "-0.0");
  assert_written(1.0, "1.0");
  assert_written(-3.0, "-3.0");
  assert_written(0.7, "0.7");
  assert_written(0.1 + 0.2, "0.30000000000000004");
  assert_written(1.0 / 3.0, "0.3333333333333333");
  assert_written(100.0, "100.0");
  assert_written(123456.789, "123456.789");
  assert_written(9007199254740992.0, "9007199254740992.0");
  assert_written(9999999999999998.0, "9999999999999998.0");
  assert_written(1e16, "1e+16");
  assert_written(1e15, "1000000000000000.0");
  assert_written(0.0001, "0.0001");
  assert_written(0.00001, "1e-05");
  assert_written(1.5e-7, "1.5e-07");
  assert_written(1e300, "1e+300");
  assert_written(5e-324, "5e-324");
  assert_written(2.2250738585072014e-308, "2.2250738585072014e-308");
  assert_written(1.7976931348623157e308, "1.7976931348623157e+308");
  assert_written(ldexp(1, -44), "5.684341886080802e-14"); /* a power of two: see search_digits */
  text_buffer out = {0};
  assert_false(json_write_double(&out, NAN));
  assert_false(json_write_double(&out, INFINITY));
  assert_false(json_write_double(&out, -INFINITY));
  assert_int_equal(out.size, 0);
}

static void test_doubles_round_trip(void **state) {
  (void)state;
  text_buffer out = {0};
  for (int i = 0; i < 100000; i++) {
    uint64_t bits = random_bits();
    double value, back;
    memcpy(&value, &bits, sizeof value);
    if (i % 3 == 0) value = (double)(bits % 1000000) / 1000;
    if (!isfinite(value)) continue;
    out.size = 0;
    assert_true(json_write_double(&out, value));
    text_buffer_byte(&out, '\0');
    int64_t integer;
    assert_int_equal(json_number_parse(span_of(out.data), &integer, &back), JSON_NUMBER_DOUBLE);
    assert_memory_equal(&back, &value, sizeof value);
  }

  text_buffer_free(&out);
}

static void assert_string_written(bool ascii, const char *bytes, size_t size, const char *text) {
  text_buffer out = {0};
  assert_true(ascii ? json_write_string(&out, bytes, size)
                    : json_write_string_utf8(&out, bytes, size));
  text_buffer_byte(&out, '\0');
  assert_string_equal(out.data, text);
  text_buffer_free(&out);
}

static void test_writes_strings_and_integers(void **state) {
  (void)state;
  assert_string_written(true, "", 0, "\"\"");
  assert_string_written(true, "a/b \"c\" \\", 9, "\"a/b \\\"c\\\" \\\\\"");
  assert_string_written(true, "\b\f\n\r\t\0\x1f\x7f", 8,
                        "\"\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\"");
  assert_string_written(true, "\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e", 9,
                        "\"\\u00e9\\u20ac\\ud834\\udd1e\"");
  assert_string_written(false, "\xc3\xa9 a\n", 5, "\"\xc3\xa9 a\\n\"");
  text_buffer out = {0};
  assert_false(json_write_string(&out, "\xff", 1));
  assert_false(json_write_string_utf8(&out, "a\xc3", 2));
  out.size = 0;
  json_write_integer(&out, INT64_MIN);
  json_write_integer(&out, 0);
  json_write_integer(&out, INT64_MAX);
  assert_int_equal(out.size, 40);
  assert_memory_equal(out.data, "-922337203685477580809223372036854775807", 40);
  text_buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_unescapes),
      cmocka_unit_test(test_integers),
      cmocka_unit_test(test_doubles),
      cmocka_unit_test(test_doubles_against_strtod),
      cmocka_unit_test(test_halfway_doubles),
      cmocka_unit_test(test_digits_beyond_any_buffer),
      cmocka_unit_test(test_writes_doubles),
      cmocka_unit_test(test_doubles_round_trip),
      cmocka_unit_test(test_writes_strings_and_integers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
