/* Likely causes of a miss, in plain words. See explain.h.
 * Memory: appends to the caller's text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/pattern/explain.h"
#include "core/text/case_fold.h"

enum { LONGEST_COMPARED = 4096, LONGEST_QUOTED = 100 };

/* One value of the event, unescaped. */
typedef struct {
  json_type type;
  const char *bytes;
  size_t size;
} plain_value;

static void quote(text_buffer *hint, const char *bytes, size_t size) {
  bool cut = size > LONGEST_QUOTED;
  if (cut)
    for (size = LONGEST_QUOTED; size > 0 && ((uint8_t)bytes[size] & 0xc0) == 0x80;) size--;
  text_buffer_byte(hint, '"');
  text_buffer_append(hint, bytes, size);
  text_buffer_text(hint, cut ? "...\"" : "\"");
}

static bool equals_with_slashes(const plain_value *value, const pattern_test *test) {
  bool differs = false;
  if (value->size != test->size) return false;
  for (size_t i = 0; i < value->size; i++) {
    char a = value->bytes[i], b = test->bytes[i];
    bool swapped = (a == ':' && b == '/') || (a == '/' && b == ':');
    if (a != b && !swapped) return false;
    differs |= swapped;
  }

  return differs;
}

static bool equals_folded(const plain_value *value, const char *bytes, size_t size) {
  if (value->size > LONGEST_COMPARED || size > LONGEST_COMPARED) return false;
  char *one = malloc(case_fold_bound(value->size) + case_fold_bound(size));
  if (!one) return false;
  char *two = one + case_fold_bound(value->size);
  size_t one_size = case_fold(value->bytes, value->size, one);
  bool equal = one_size == case_fold(bytes, size, two) && memcmp(one, two, one_size) == 0;
  free(one);

  return equal;
}

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool equals_trimmed(const plain_value *value, const pattern_test *test) {
  const char *a = value->bytes, *a_end = a + value->size;
  const char *b = test->bytes, *b_end = b + test->size;
  while (a < a_end && is_blank(*a)) a++;
  while (a < a_end && is_blank(a_end[-1])) a_end--;
  while (b < b_end && is_blank(*b)) b++;
  while (b < b_end && is_blank(b_end[-1])) b_end--;

  return a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0;
}

static bool starts_with(const plain_value *value, const pattern_test *test) {
  return test->size > 0 && value->size > test->size &&
         memcmp(value->bytes, test->bytes, test->size) == 0;
}

static bool ends_with(const plain_value *value, const pattern_test *test) {
  return test->size > 0 && value->size > test->size &&
         memcmp(value->bytes + value->size - test->size, test->bytes, test->size) == 0;
}

/* A plain string of the pattern against a string of the event. */
static const char *hint_exact(const plain_value *value, const pattern_test *test) {
  if (equals_folded(value, test->bytes, test->size))
    return "differs in upper and lower case only; {\"equals-ignore-case\": ...} accepts both";
  if (equals_with_slashes(value, test)) return "differs only in ':' where the other has '/'";
  if (equals_trimmed(value, test)) return "differs in white space only";
  if (test->kind == TEST_EXACT && memchr(test->bytes, '*', test->size))
    return "'*' in a plain string stands for itself; {\"wildcard\": ...} makes it stand for any "
           "text";
  if (starts_with(value, test))
    return "the event's value is longer, and begins with it; {\"prefix\": ...} accepts that";
  if (ends_with(value, test))
    return "the event's value is longer, and ends with it; {\"suffix\": ...} accepts that";
  return NULL;
}

static bool begins_folded(const plain_value *value, const pattern_test *test, bool at_end) {
  if (value->size < test->size) return false;
  plain_value part = {JSON_STRING, value->bytes + (at_end ? value->size - test->size : 0),
                      test->size};
  return equals_folded(&part, test->bytes, test->size);
}

/* The wildcard in lower case, with its stars; `out` as for case_fold. */
static size_t fold_wildcard(const pattern_test *test, char *out) {
  size_t size = 0;
  for (size_t at = 0; at <= test->size;) {
    const char *piece = test->bytes + at;
    const char *star = memchr(piece, PATTERN_STAR, test->size - at);
    size_t length = star ? (size_t)(star - piece) : test->size - at;
    size += case_fold(piece, length, out + size);
    if (star) out[size++] = PATTERN_STAR;
    at += length + 1;
  }

  return size;
}

/* What does not fit behind a star is tried one byte further on, behind the last star alone. */
static bool fits_wildcard(const char *text, size_t text_size, const char *wildcard, size_t size) {
  const size_t none = SIZE_MAX;
  size_t at = 0, w = 0, star = none, from = 0;
  while (at < text_size) {
    if (w < size && wildcard[w] == PATTERN_STAR) {
      star = w++;
      from = at;
    } else if (w < size && wildcard[w] == text[at]) {
      w++;
      at++;
    } else if (star != none) {
      w = star + 1;
      at = ++from;
    } else {
      return false;
    }
  }

  while (w < size && wildcard[w] == PATTERN_STAR) w++;
  return w == size;
}

static bool fits_folded(const plain_value *value, const pattern_test *test) {
  if (value->size > LONGEST_COMPARED || test->size > LONGEST_COMPARED) return false;
  char *text = malloc(case_fold_bound(value->size) + case_fold_bound(test->size));
  if (!text) return false;
  char *wildcard = text + case_fold_bound(value->size);
  size_t text_size = case_fold(value->bytes, value->size, text);
  bool fits = fits_wildcard(text, text_size, wildcard, fold_wildcard(test, wildcard));
  free(text);

  return fits;
}

static const char *hint_wildcard(const plain_value *value, const pattern_test *test) {
  if (fits_folded(value, test))
    return "differs in upper and lower case only; a wildcard takes one spelling, so give one for "
           "each";

  const char *star = memchr(test->bytes, PATTERN_STAR, test->size);
  pattern_test head = *test;
  head.size = star ? (uint32_t)(star - test->bytes) : test->size;
  if (memcmp(value->bytes, head.bytes, value->size < head.size ? value->size : head.size) == 0)
    return NULL;
  return begins_folded(value, &head, false) ? "differs in upper and lower case" : NULL;
}

static const char *hint_string(const plain_value *value, const pattern_test *test) {
  switch ((pattern_test_kind)test->kind) {
  case TEST_EXACT:
  case TEST_ADDRESS: return hint_exact(value, test);
  case TEST_NUMBER:
  case TEST_WORD:
    if (value->size == test->size && memcmp(value->bytes, test->bytes, test->size) == 0)
      return "the event has it as a string; write it in quotes in the pattern";
    return test->kind == TEST_NUMBER ? "the event has a string, the pattern a number" : NULL;
  case TEST_RANGE: return "numeric compares JSON numbers only; the event has a string";
  case TEST_PREFIX:
    return begins_folded(value, test, false)
               ? "differs in case only; {\"prefix\": {\"equals-ignore-case\": ...}} accepts both"
               : NULL;
  case TEST_SUFFIX:
    return begins_folded(value, test, true)
               ? "differs in case only; {\"suffix\": {\"equals-ignore-case\": ...}} accepts both"
               : NULL;
  case TEST_WILDCARD: return hint_wildcard(value, test);
  default: return NULL;
  }
}

static const char *hint_other(const plain_value *value, const pattern_test *test) {
  bool text_test = test->kind != TEST_NUMBER && test->kind != TEST_RANGE && test->kind != TEST_WORD;
  bool same = value->size == test->size && memcmp(value->bytes, test->bytes, test->size) == 0;
  if (value->type == JSON_NULL)
    return same ? "the event has null, the pattern the string \"null\""
                : "the field is there, but null";
  if (!text_test) return NULL;
  if (value->type == JSON_NUMBER)
    return same ? "the event has it as a number; write it without quotes in the pattern"
                : "the event has a number, the pattern a string";
  return same ? "the event has it as true or false, the pattern as a string; leave out the quotes"
              : NULL;
}

static void hint_missing(const event_survey *survey, text_buffer *hint) {
  if (survey->has_object) {
    text_buffer_text(hint, "the event has an object here; a list matches values only, so go on "
                           "into its fields");
  } else if (survey->has_array) {
    text_buffer_text(hint, "the event has an array without values here");
  } else if (survey->similar_key.size > 0) {
    text_buffer_text(hint, "the event has a key spelled ");
    quote(hint, survey->similar_key.at, survey->similar_key.size);
    text_buffer_text(hint, survey->similar_in_case ? "; names are case-sensitive" : "");
  } else if (survey->blocked.size > 0) {
    quote(hint, survey->blocked.data, survey->blocked.size);
    text_buffer_text(hint, " is not an object in the event; JSON inside a string is not searched");
  } else if (survey->elsewhere.size > 0) {
    text_buffer_text(hint, "the event has it at ");
    quote(hint, survey->elsewhere.data, survey->elsewhere.size);
  }
}

static const char *hint_value(const pattern_set *set, const pattern_condition *condition,
                              const plain_value *value) {
  const uint32_t *members = pattern_member_at(set, condition->first_member);
  uint32_t tests = condition->member_count - condition->but_count;
  for (uint32_t k = 0; k < tests; k++) {
    const pattern_test *test = pattern_test_at(set, members[k]);
    const char *hint =
        value->type == JSON_STRING ? hint_string(value, test) : hint_other(value, test);
    if (hint) return hint;
  }

  return NULL;
}

void pattern_hint(const pattern_set *set, const pattern_condition *condition,
                  const event_survey *survey, text_buffer *hint) {
  if (survey->value_count == 0) {
    hint_missing(survey, hint);
    return;
  }

  if (condition->exists_false && condition->member_count == 0) {
    text_buffer_text(hint, "the field must be absent, but it is there");
    return;
  }

  size_t shown = survey->value_count < SURVEY_VALUES ? survey->value_count : SURVEY_VALUES;
  for (size_t i = 0; i < shown; i++) {
    json_span span = survey->values[i];
    text_buffer text = {0};
    if (!text_buffer_reserve(&text, span.size + 1)) return;
    plain_value value = {span.type, span.at, span.size};
    if (span.type == JSON_STRING) {
      value.bytes = text.data;
      value.size = json_unescape(span, text.data);
    }

    const char *found = hint_value(set, condition, &value);
    text_buffer_free(&text);
    if (found) {
      text_buffer_text(hint, found);
      return;
    }
  }

  if (condition->but_count == condition->member_count && condition->but_count > 0)
    text_buffer_text(hint, "the value is among those that anything-but excludes");
}
