/* Any bytes at all as JSON text. The input is copied to a block of its exact size, so that the
 * sanitizer sees a single byte read too far. Checked besides not crashing:
 *   walking into every container accepts what skipping them accepts, and refuses the rest;
 *   every span is itself valid JSON; strings and numbers come back the same through the writer;
 *   a copy in order, or without white space, is the same when it is copied again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/compact.h"
#include "core/json/scan.h"
#include "core/json/sorted.h"
#include "core/json/write.h"

static void check(bool holds) {
  if (!holds) abort();
}

static bool is_valid(const char *text, size_t size) {
  json_scan scan;
  json_scan_begin(&scan, text, size);
  return json_scan_validate(&scan);
}

/* A string is unescaped, written in both styles and read again. */
static void check_string(json_span string) {
  char *plain = malloc(string.size + 1), *again = malloc(string.size + 1);
  check(plain && again);
  size_t size = json_unescape(string, plain);
  check(size <= string.size && json_string_equals(string, plain, size));
  for (int ascii = 0; ascii < 2; ascii++) {
    text_buffer out = {0};
    check(ascii ? json_write_string(&out, plain, size) : json_write_string_utf8(&out, plain, size));
    json_scan scan;
    json_span back;
    json_scan_begin(&scan, out.data, out.size);
    check(json_scan_value(&scan, &back) && json_scan_finish(&scan));
    check(json_string_equals(back, plain, size));
    text_buffer_free(&out);
  }
  free(plain);
  free(again);
}

static void check_number(json_span number) {
  int64_t integer = 0, integer_back = 0;
  double real = 0, real_back = 0;
  json_number_kind kind = json_number_parse(number, &integer, &real);
  if (kind == JSON_NUMBER_OVERFLOW) return;
  text_buffer out = {0};
  if (kind == JSON_NUMBER_INTEGER)
    json_write_integer(&out, integer);
  else
    check(json_write_double(&out, real));
  json_scan scan;
  json_span back;
  json_scan_begin(&scan, out.data, out.size);
  check(json_scan_value(&scan, &back) && json_scan_finish(&scan));
  check(json_number_parse(back, &integer_back, &real_back) == kind);
  check(integer == integer_back && memcmp(&real, &real_back, sizeof real) == 0);
  text_buffer_free(&out);
}

/* Walks through the whole text, entering every container. */
static bool walk(json_scan *scan) {
  json_type types[JSON_MAX_DEPTH];
  json_span value, key;
  json_type type;
  for (;;) {
    if (!json_scan_peek(scan, &type)) return false;
    if (type == JSON_OBJECT || type == JSON_ARRAY) {
      if (!json_scan_enter(scan, type)) return false;
      types[scan->depth - 1] = type;
    } else {
      if (!json_scan_value(scan, &value)) return false;
      if (type == JSON_STRING) check_string(value);
      if (type == JSON_NUMBER) check_number(value);
    }
    for (;;) {
      if (scan->depth == 0) return json_scan_finish(scan);
      bool object = types[scan->depth - 1] == JSON_OBJECT;
      if (object ? json_scan_member(scan, &key) : json_scan_element(scan)) {
        if (object) check_string(key);
        break;
      }
      if (scan->error) return false;
    }
  }
}

static bool is_same(const text_buffer *a, const text_buffer *b) {
  return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* What is put in order is valid, and in order; what is compact is what a copy is. */
static void check_copies(const char *text, size_t size, bool valid) {
  text_buffer sorted = {0}, again = {0}, compact = {0}, twice = {0};
  if (json_sorted(text, size, &sorted)) {
    check(valid && json_sorted(sorted.data, sorted.size, &again) && is_same(&sorted, &again));
  }

  check(json_compact(text, size, &compact) == valid);
  if (valid) {
    bool same = compact.size == size && memcmp(compact.data, text, size) == 0;
    check(same || !json_is_compact(text, size));
    check(json_compact(compact.data, compact.size, &twice) && is_same(&compact, &twice));
  }

  text_buffer_free(&sorted);
  text_buffer_free(&again);
  text_buffer_free(&compact);
  text_buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size ? size : 1);
  check(text != NULL);
  memcpy(text, data, size);
  json_scan walker, skipper;
  json_span value;
  json_scan_begin(&walker, text, size);
  json_scan_begin(&skipper, text, size);
  bool walked = walk(&walker);
  bool skipped = json_scan_value(&skipper, &value) && json_scan_finish(&skipper);
  check(walked == skipped);
  check_copies(text, size, skipped);
  if (skipped) {
    const char *at = value.at - (value.type == JSON_STRING);
    check(is_valid(at, value.size + 2 * (value.type == JSON_STRING)));
  } else {
    /* Both say the same at the same place. */
    check(strcmp(walker.error, skipper.error) == 0 && walker.at == skipper.at);
    check(skipper.at >= text && skipper.at <= text + size);
    size_t line, column;
    json_scan_place(&skipper, &line, &column);
    check(line >= 1 && column >= 1);
  }
  free(text);
  return 0;
}
