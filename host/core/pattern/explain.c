/* Says why a pattern does not match an event: the branch of the pattern that is nearest to
 * matching, each of its conditions that fails, and a likely cause.
 * Memory: see pattern.h. */
#include "core/pattern/explain.h"

#include <stdlib.h>
#include <string.h>

#include "core/pattern/scratch.h"

enum { MOST_MISSES = 32, LONGEST_TEXT = 1000 };

typedef struct {
  const pattern_set *set;
  pattern_scratch *scratch;
  const char *event;
  size_t size;
  pattern_explanation *out;
} explainer;

static uint32_t condition_id(const pattern_set *set, const pattern_rule *rule, uint32_t k) {
  return *pattern_rule_condition_at(set, rule->first_condition + k);
}

/* The rule with the fewest failing conditions. */
static const pattern_rule *nearest_rule(const pattern_set *set, pattern_scratch *scratch,
                                        uint32_t *failing) {
  const pattern_rule *best = NULL;
  for (size_t i = 0; i < set->rules.count; i++) {
    const pattern_rule *rule = pattern_rule_at(set, i);
    uint32_t count = 0;
    for (uint32_t k = 0; k < rule->condition_count; k++)
      count += pattern_condition_fate(set, scratch, condition_id(set, rule, k)) == CONDITION_FAILS;
    if (best && count >= *failing) continue;
    best = rule;
    *failing = count;
  }

  return best;
}

static bool path_of(const pattern_set *set, uint32_t node, text_buffer *path) {
  uint32_t chain[PATTERN_MAX_DEPTH + 1], count = 0;
  if (!text_buffer_reserve(path, 1)) return false; /* "" is a path, and needs an address */
  for (; node != 0; node = pattern_node_at(set, node)->parent) chain[count++] = node;
  for (uint32_t i = count; i > 0; i--) {
    const pattern_node *at = pattern_node_at(set, chain[i - 1]);
    if (i < count) text_buffer_byte(path, '.');
    text_buffer_append(path, at->segment, at->segment_size);
  }

  return !path->failed;
}

/* A text of the explanation, cut when it is long; the buffer is freed. */
static char *keep(text_buffer *text) {
  size_t size = text->size;
  bool cut = size > LONGEST_TEXT;
  if (cut)
    for (size = LONGEST_TEXT; size > 0 && ((uint8_t)text->data[size] & 0xc0) == 0x80;) size--;
  char *copy = text->failed ? NULL : malloc(size + 4);
  if (copy) {
    if (size > 0) memcpy(copy, text->data, size);
    memcpy(copy + size, cut ? "..." : "", cut ? 4 : 1);
  }

  text_buffer_free(text);

  return copy;
}

static void append_found(const event_survey *survey, text_buffer *found) {
  if (survey->value_count == 0)
    text_buffer_text(found, survey->has_object  ? "(an object)"
                            : survey->has_array ? "(an empty array)"
                                                : "(missing)");
  for (size_t i = 0; i < survey->value_count && i < SURVEY_VALUES; i++) {
    json_span value = survey->values[i];
    bool quoted = value.type == JSON_STRING;
    if (i > 0) text_buffer_text(found, ", ");
    text_buffer_append(found, value.at - quoted, value.size + 2 * quoted);
  }

  if (survey->value_count > SURVEY_VALUES)
    text_buffer_format(found, " and %zu more", survey->value_count - SURVEY_VALUES);
}

static bool add_miss(explainer *self, uint32_t id, bool tied) {
  const pattern_condition *condition = pattern_condition_at(self->set, id);
  text_buffer path = {0}, wanted = {0}, found = {0}, hint = {0};
  event_survey survey;
  if (!path_of(self->set, condition->node, &path) ||
      !pattern_survey(self->event, self->size, &path, &survey)) {
    text_buffer_free(&path);
    return false;
  }

  text_buffer_append(&wanted, condition->text, condition->text_size);
  append_found(&survey, &found);
  if (tied && !condition->exists_false)
    text_buffer_text(&hint, "holds in some element of an array, but not in the one where the "
                            "other conditions on that array hold");
  else
    pattern_hint(self->set, condition, &survey, &hint);
  pattern_survey_free(&survey);
  pattern_miss *miss = &self->out->misses[self->out->count++];
  *miss = (pattern_miss){keep(&path), keep(&wanted), keep(&found), keep(&hint)};
  return miss->path && miss->wanted && miss->found && miss->hint;
}

/* The misses of the rule that is nearest to matching, one by one. */
typedef struct {
  const pattern_rule *rule;
  uint32_t failing, k;
  uint32_t id; /* of the condition */
  bool tied;
} miss_walk;

static bool next_miss(const pattern_set *set, pattern_scratch *scratch, miss_walk *walk) {
  if (!walk->rule) walk->rule = nearest_rule(set, scratch, &walk->failing);
  while (walk->k < walk->rule->condition_count) {
    walk->id = condition_id(set, walk->rule, walk->k++);
    condition_fate fate = pattern_condition_fate(set, scratch, walk->id);
    walk->tied = walk->failing == 0 && fate == CONDITION_TIED;
    if (walk->tied || fate == CONDITION_FAILS) return true;
  }

  return false;
}

static bool explain_rule(explainer *self) {
  miss_walk walk = {0};
  self->out->misses = calloc(MOST_MISSES, sizeof *self->out->misses);
  if (!self->out->misses) return false;
  while (self->out->count < MOST_MISSES && next_miss(self->set, self->scratch, &walk))
    if (!add_miss(self, walk.id, walk.tied)) return false;
  return true;
}

bool pattern_explain(const pattern_set *set, pattern_scratch *scratch, const char *event,
                     size_t size, pattern_explanation *explanation) {
  *explanation = (pattern_explanation){0};
  explainer self = {set, scratch, event, size, explanation};
  if (explain_rule(&self)) return true;
  pattern_explanation_free(explanation);

  return false;
}

/* The values at a node; false where there are none, or a long one. */
static bool append_values(const pattern_scratch *scratch, uint32_t node, text_buffer *key) {
  bool any = false;
  for (size_t i = 0; i < scratch->found_count; i++) {
    const json_span *value = &scratch->found[i].value;
    if (scratch->found[i].node != node) continue;
    if (value->size > LONGEST_TEXT) return false;
    text_buffer_byte(key, (char)('0' + value->type));
    text_buffer_append(key, &value->size, sizeof value->size);
    text_buffer_append(key, value->at, value->size);
    any = true;
  }

  return any;
}

bool pattern_explain_key(const pattern_set *set, pattern_scratch *scratch, text_buffer *key) {
  miss_walk walk = {0};
  if (scratch->found_count > MOST_FOUND) return false;
  while (next_miss(set, scratch, &walk)) {
    text_buffer_append(key, &walk.id, sizeof walk.id);
    text_buffer_byte(key, walk.tied ? 't' : 'f');
    if (!append_values(scratch, pattern_condition_at(set, walk.id)->node, key)) return false;
    text_buffer_byte(key, '.');
  }

  return !key->failed;
}

void pattern_explanation_free(pattern_explanation *explanation) {
  for (size_t i = 0; i < explanation->count; i++) {
    free(explanation->misses[i].path);
    free(explanation->misses[i].wanted);
    free(explanation->misses[i].found);
    free(explanation->misses[i].hint);
  }

  free(explanation->misses);
  *explanation = (pattern_explanation){0};
}
