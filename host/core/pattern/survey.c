/* Looks over a whole event for one path: the values there, and what could have been meant when
 * there are none. Slow, and only for explanations. See explain.h.
 * Memory: the survey owns its texts; spans point into the event. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/explain.h"
#include "core/text/case_fold.h"
#include "core/text/edit_distance.h"

enum { LONGEST_COMPARED = 64 };

typedef struct {
  json_scan scan;
  const text_buffer *wanted;
  text_buffer path, key;
  size_t depth; /* objects around: the first key has no dot before it */
  event_survey *survey;
  bool compares;  /* looks for what could be meant, not only for what stands at the path */
  size_t deepest; /* size of the longest path above the wanted one where there is an object */
} surveyor;

static bool is_wanted(const surveyor *self) {
  return self->depth > 0 && self->path.size == self->wanted->size &&
         memcmp(self->path.data, self->wanted->data, self->path.size) == 0;
}

/* True when the path is one of those above the wanted one ("" is above all). */
static bool is_above(const surveyor *self, size_t size) {
  if (size == 0) return true;
  return size < self->wanted->size && self->wanted->data[size] == '.' &&
         memcmp(self->path.data, self->wanted->data, size) == 0;
}

static bool has_same_last_key(const surveyor *self) {
  const char *dot = memrchr(self->wanted->data, '.', self->wanted->size);
  size_t start = dot ? (size_t)(dot + 1 - self->wanted->data) : 0;
  size_t size = self->wanted->size - start;
  if (self->path.size < size) return false;
  size_t at = self->path.size - size;

  return memcmp(self->path.data + at, self->wanted->data + start, size) == 0 &&
         (at == 0 || self->path.data[at - 1] == '.');
}

static bool equals_folded(const char *a, size_t a_size, const char *b, size_t b_size) {
  char one[2 * LONGEST_COMPARED], two[2 * LONGEST_COMPARED];
  size_t one_size = case_fold(a, a_size, one);
  return one_size == case_fold(b, b_size, two) && memcmp(one, two, one_size) == 0;
}

/* Keeps the key beside the wanted one that is most like it. */
static void compare_key(surveyor *self, json_span key, const char *segment, size_t size) {
  event_survey *survey = self->survey;
  const text_buffer *name = &self->key;
  if (name->size > LONGEST_COMPARED || size > LONGEST_COMPARED) return;
  if (name->size == size && memcmp(name->data, segment, size) == 0) return;
  bool in_case = equals_folded(name->data, name->size, segment, size);
  size_t least = name->size > size ? name->size - size : size - name->size;
  if (!in_case && least > edit_distance_likely(size)) return;
  size_t distance = in_case ? 0 : edit_distance(name->data, name->size, segment, size);
  if (!in_case && (distance > edit_distance_likely(size) || distance >= size)) return;
  if (survey->similar_key.size > 0 && survey->similar_distance <= distance) return;
  survey->similar_key = key;
  survey->similar_in_case = in_case;
  survey->similar_distance = distance;
}

/* Compares a key with the wanted path's segment at this depth; the deepest object on the way
 * counts, since above it all is well. */
static void look_at_key(surveyor *self, json_span key, size_t above) {
  if (!is_above(self, above) || above < self->deepest) return;
  if (above > self->deepest) self->survey->similar_key.size = 0;
  self->deepest = above;
  const char *segment = self->wanted->data + (above ? above + 1 : 0);
  const char *end = self->wanted->data + self->wanted->size;
  const char *dot = memchr(segment, '.', (size_t)(end - segment));
  compare_key(self, key, segment, (size_t)((dot ? dot : end) - segment));
}

static void look_at_value(surveyor *self, json_span value) {
  event_survey *survey = self->survey;
  if (is_wanted(self)) {
    if (survey->value_count < SURVEY_VALUES) survey->values[survey->value_count] = value;
    survey->value_count++;
    return;
  }

  if (survey->elsewhere.size == 0 && has_same_last_key(self))
    text_buffer_append(&survey->elsewhere, self->path.data, self->path.size);
  if (survey->blocked.size == 0 && self->path.size > 0 && is_above(self, self->path.size))
    text_buffer_append(&survey->blocked, self->path.data, self->path.size);
}

static bool walk_value(surveyor *self);

/* Passes a value that neither stands at the wanted path nor leads there. */
static bool pass_value(surveyor *self) {
  json_span value;
  return json_scan_value(&self->scan, &value);
}

static bool walk_object(surveyor *self) {
  json_span key;
  size_t above = self->path.size;
  if (is_wanted(self)) self->survey->has_object = true;
  json_scan_enter(&self->scan, JSON_OBJECT);
  while (json_scan_member(&self->scan, &key)) {
    self->key.size = 0;
    if (!text_buffer_reserve(&self->key, key.size + 1)) return false;
    self->key.size = json_unescape(key, self->key.data);
    if (self->compares) look_at_key(self, key, above);
    if (self->depth > 0) text_buffer_byte(&self->path, '.');
    text_buffer_append(&self->path, self->key.data, self->key.size);
    self->depth++;
    bool leads = self->compares || is_wanted(self) || is_above(self, self->path.size);
    if (self->path.failed || !(leads ? walk_value(self) : pass_value(self))) return false;
    self->depth--;
    self->path.size = above;
  }

  return !self->scan.error;
}

static bool walk_array(surveyor *self) {
  if (is_wanted(self)) self->survey->has_array = true;
  json_scan_enter(&self->scan, JSON_ARRAY);
  while (json_scan_element(&self->scan))
    if (!walk_value(self)) return false;
  return !self->scan.error;
}

/* At most JSON_MAX_DEPTH calls deep: the scanner refuses to enter more. */
static bool walk_value(surveyor *self) {
  json_type type;
  json_span value;
  if (!json_scan_peek(&self->scan, &type)) return false;
  if (type == JSON_OBJECT) return walk_object(self);
  if (type == JSON_ARRAY) return walk_array(self);
  if (!json_scan_value(&self->scan, &value)) return false;
  look_at_value(self, value);

  return true;
}

static bool look(const char *event, size_t size, const text_buffer *path, bool compares,
                 event_survey *survey) {
  *survey = (event_survey){0};
  surveyor self = {.wanted = path, .survey = survey, .compares = compares};
  json_scan_begin(&self.scan, event, size);
  /* The empty path needs an address too. */
  bool ok = text_buffer_reserve(&self.path, 1) && walk_value(&self) && !survey->elsewhere.failed &&
            !survey->blocked.failed;
  text_buffer_free(&self.path);
  text_buffer_free(&self.key);
  if (!ok) pattern_survey_free(survey);

  return ok;
}

/* Looking at every value and key is dear, and of use only where nothing stands at the path. */
bool pattern_survey(const char *event, size_t size, const text_buffer *path, event_survey *survey) {
  if (!look(event, size, path, false, survey)) return false;
  if (survey->value_count > 0 || survey->has_object || survey->has_array) return true;
  pattern_survey_free(survey);

  return look(event, size, path, true, survey);
}

void pattern_survey_free(event_survey *survey) {
  text_buffer_free(&survey->elsewhere);
  text_buffer_free(&survey->blocked);
}
