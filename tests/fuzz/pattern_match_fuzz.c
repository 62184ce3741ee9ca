/* A pattern (the first line) against an event (the rest): no crash; valid exactly when the
 * scanner finds the event a valid object; the same answer twice, and alone as beside another
 * pattern, and behind white space that makes the event large enough to be indexed; an explanation
 * exactly when it does not match. Run: ./dev fuzz. */
#include <stdlib.h>
#include <string.h>

#include "core/json/scan.h"
#include "core/pattern/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_valid_object(const char *text, size_t size) {
  json_scan scan;
  json_type type;
  json_scan_begin(&scan, text, size);
  return json_scan_peek(&scan, &type) && type == JSON_OBJECT && json_scan_validate(&scan);
}

static void check_explanation(const pattern_set *set, pattern_scratch *scratch, const char *event,
                              size_t size) {
  pattern_explanation explanation;
  if (!pattern_explain(set, scratch, event, size, &explanation)) abort();
  text_buffer key = {0};
  pattern_explain_key(set, scratch, &key);
  text_buffer_free(&key);
  if (explanation.count == 0) abort();
  pattern_explanation_free(&explanation);
}

enum { INDENT = 300 };

static void check_large(const pattern_set *set, const char *event, size_t size, bool valid,
                        bool matched) {
  pattern_scratch *scratch = pattern_scratch_new(set);
  char *large = malloc(INDENT + size);
  if (!scratch || !large) abort();
  memset(large, ' ', INDENT);
  memcpy(large + INDENT, event, size);
  pattern_result result;
  if (pattern_match(set, scratch, large, INDENT + size, &result) != valid) abort();
  if ((result.count > 0) != matched) abort();
  free(large);
  pattern_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data, *newline = memchr(text, '\n', size);
  if (!newline) return 0;
  const char *event = newline + 1;
  size_t event_size = size - (size_t)(event - text);
  const pattern_source sources[2] = {{text, (size_t)(newline - text)},
                                     {"{\"a\":{\"b\":[{\"exists\":true}]}}", 29}};
  pattern_error error;
  pattern_set *one = pattern_compile(sources, 1, &error);
  text_buffer_free(&error.message);
  if (!one) return 0;
  pattern_set *two = pattern_compile(sources, 2, &error);
  text_buffer_free(&error.message);
  pattern_scratch *alone = pattern_scratch_new(one);
  pattern_scratch *beside = two ? pattern_scratch_new(two) : NULL;
  if (!alone || !beside) abort();
  pattern_result result, again;
  bool valid = pattern_match(one, alone, event, event_size, &result);
  bool matched = result.count > 0;
  if (valid != is_valid_object(event, event_size)) abort();
  if (pattern_match(two, beside, event, event_size, &again) != valid) abort();
  if (valid && (again.count > 0 && again.patterns[0] == 0) != matched) abort();
  if (pattern_match(one, alone, event, event_size, &result) != valid) abort();
  if ((result.count > 0) != matched) abort();
  if (valid && !matched) check_explanation(one, alone, event, event_size);
  check_large(one, event, event_size, valid, matched);
  pattern_scratch_free(alone);
  pattern_scratch_free(beside);
  pattern_free(one);
  pattern_free(two);
  return 0;
}
