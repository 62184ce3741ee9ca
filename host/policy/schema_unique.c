/* Lists whose elements must differ in one field. See schema.h. */
#include <string.h>

#include "core/json/diff.h"
#include "core/text/shown_text.h"
#include "policy/schema.h"

/* The value of the element's field, which the schema requires. */
static json_span member_of(json_span element, const char *name) {
  json_scan scan;
  json_span key, value;
  json_scan_begin(&scan, element.at, element.size);
  json_scan_enter(&scan, JSON_OBJECT);
  while (json_scan_member(&scan, &key) && json_scan_value(&scan, &value))
    if (json_string_equals(key, name, strlen(name))) return value;
  return (json_span){.at = "", .type = JSON_NULL};
}

static bool is_same(json_span a, json_span b) {
  text_buffer path = {0};
  bool same = !json_first_difference(a, b, &path);
  text_buffer_free(&path);
  return same;
}

static bool refuse(const schema_field *list, size_t first, size_t second, json_span value,
                   text_buffer *why) {
  if (list->name) text_buffer_format(why, "%s: ", list->name);
  text_buffer_format(why, "elements %zu and %zu have the same %s, ", first, second,
                     list->unique_by);
  const char *quote = value.type == JSON_STRING ? "\"" : "";
  text_buffer_text(why, quote);
  shown_text_append(why, value.at, value.size, SHOWN_VALUE_BYTES);
  text_buffer_text(why, quote);

  return false;
}

bool schema_unique_check(const schema_field *list, const char *json, size_t size,
                         text_buffer *why) {
  json_span seen[SCHEMA_MAX_UNIQUE], element;
  size_t count = 0;
  json_scan scan;
  if (!list->unique_by) return true;
  json_scan_begin(&scan, json, size);
  json_scan_enter(&scan, JSON_ARRAY);
  while (count < SCHEMA_MAX_UNIQUE && json_scan_element(&scan) &&
         json_scan_value(&scan, &element)) {
    seen[count] = member_of(element, list->unique_by);
    for (size_t i = 0; i < count; i++)
      if (is_same(seen[i], seen[count])) return refuse(list, i + 1, count + 1, seen[i], why);
    count++;
  }

  return true;
}
