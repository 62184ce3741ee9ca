/* See diff.h. Depth is bounded by the scanner's, which accepted both values. */
#include "core/json/diff.h"

#include <stdlib.h>
#include <string.h>

static bool texts_differ(json_span a, json_span b) {
  if (!a.escaped && !b.escaped) return a.size != b.size || memcmp(a.at, b.at, a.size) != 0;
  char *text = malloc(a.size + 1);
  if (!text) return true; /* never call two values equal without having compared them */
  size_t size = json_unescape(a, text);
  bool equal = json_string_equals(b, text, size);
  free(text);

  return !equal;
}

static bool numbers_differ(json_span a, json_span b) {
  int64_t x = 0, y = 0;
  double p = 0, q = 0;
  json_number_kind k = json_number_parse(a, &x, &p), l = json_number_parse(b, &y, &q);
  if (k == JSON_NUMBER_INTEGER && l == JSON_NUMBER_INTEGER) return x != y;
  if (k == JSON_NUMBER_INTEGER) p = (double)x;
  if (l == JSON_NUMBER_INTEGER) q = (double)y;

  return p != q;
}

static bool find_member(json_span object, json_span name, json_span *value) {
  json_scan scan;
  json_span key;
  json_scan_begin(&scan, object.at, object.size);
  json_scan_enter(&scan, JSON_OBJECT);
  while (json_scan_member(&scan, &key) && json_scan_value(&scan, value))
    if (!texts_differ(key, name)) return true;
  return false;
}

static void step_into(text_buffer *path, json_span name) {
  text_buffer_byte(path, '.');
  text_buffer_append(path, name.at, name.size);
}

static bool objects_differ(json_span a, json_span b, text_buffer *path) {
  json_scan scan;
  json_span key, value, other;
  json_scan_begin(&scan, a.at, a.size);
  json_scan_enter(&scan, JSON_OBJECT);
  while (json_scan_member(&scan, &key) && json_scan_value(&scan, &value)) {
    size_t before = path->size;
    step_into(path, key);
    if (!find_member(b, key, &other) || json_first_difference(value, other, path)) return true;
    path->size = before;
  }

  json_scan_begin(&scan, b.at, b.size);
  json_scan_enter(&scan, JSON_OBJECT);
  while (json_scan_member(&scan, &key) && json_scan_value(&scan, &value))
    if (!find_member(a, key, &other)) {
      step_into(path, key);
      return true;
    }
  return false;
}

static bool arrays_differ(json_span a, json_span b, text_buffer *path) {
  json_scan x, y;
  json_span p, q;
  size_t before = path->size;
  json_scan_begin(&x, a.at, a.size);
  json_scan_begin(&y, b.at, b.size);
  json_scan_enter(&x, JSON_ARRAY);
  json_scan_enter(&y, JSON_ARRAY);
  for (size_t i = 1;; i++) {
    bool more = json_scan_element(&x), other = json_scan_element(&y);
    if (!more && !other) return false;
    text_buffer_format(path, "[%zu]", i);
    if (more != other || !json_scan_value(&x, &p) || !json_scan_value(&y, &q) ||
        json_first_difference(p, q, path))
      return true;
    path->size = before;
  }
}

bool json_first_difference(json_span a, json_span b, text_buffer *path) {
  if (a.type != b.type) return true;
  if (a.size == b.size && memcmp(a.at, b.at, a.size) == 0) return false;
  switch (a.type) {
  case JSON_NUMBER: return numbers_differ(a, b);
  case JSON_STRING: return texts_differ(a, b);
  case JSON_OBJECT: return objects_differ(a, b, path);
  case JSON_ARRAY: return arrays_differ(a, b, path);
  default: return false; /* null, true, false: the type says it all */
  }
}
