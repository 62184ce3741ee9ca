/* Matches an event: one walk over its text, going only into what some path leads to, then a look
 * at the rules whose pivot was hit.
 *
 * The whole text is checked: a broken event matches nothing, wherever it breaks. The walk keeps
 * its own stack, so nesting cannot exhaust C's. An event with more than MAX_LOG hits, or tied
 * rules that take more than MAX_RULE_STEPS to decide, is refused rather than guessed.
 * Memory: the scratch's. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/scratch.h"

/* Takes back the hits of a key that is repeated. */
static void strike_out(pattern_scratch *scratch, const field_state *field) {
  for (uint32_t i = field->begin; i < field->end; i++) {
    log_entry *entry = pattern_scratch_log_at(scratch, i);
    slot_state *state = &scratch->slots[entry->slot];
    state->live -= entry->count;
    if (entry->place == 0) state->root -= entry->count;
    entry->count = 0;
  }
}

/* The node of a key with dots, each of them a step like one of nesting. */
static uint32_t descend_dotted(const pattern_set *set, pattern_scratch *scratch, uint32_t node,
                               const char *at, size_t size) {
  const char *end = at + size;
  for (;;) {
    const char *dot = memchr(at, '.', (size_t)(end - at));
    size_t segment = (size_t)((dot ? dot : end) - at);
    if (segment > set->longest_key) return PATTERN_NONE;
    scratch->heights[pattern_node_at(set, node)->depth] = scratch->element_count;
    node = pattern_child(set, node, at, segment);
    if (!dot || node == PATTERN_NONE) return node;
    at = dot + 1;
  }
}

static uint32_t find_node(const pattern_set *set, pattern_scratch *scratch,
                          const open_container *object, json_span key, bool *dotted) {
  const pattern_node *node = pattern_node_at(set, object->node);
  *dotted = false;
  if (key.escaped) {
    scratch->text.size = 0;
    if (!text_buffer_reserve(&scratch->text, key.size + 1)) {
      pattern_scratch_fail(scratch, "out of memory");
      return PATTERN_NONE;
    }

    key.size = json_unescape(key, scratch->text.data);
    key.at = scratch->text.data;
  }

  if (node->key_sizes >> (key.size < 63 ? key.size : 63) & 1 && key.size <= set->longest_key) {
    uint32_t child = pattern_child(set, object->node, key.at, key.size);
    if (child != PATTERN_NONE) return child;
  }

  if (!node->has_grandchildren || !memchr(key.at, '.', key.size)) return PATTERN_NONE;
  *dotted = true;
  return descend_dotted(set, scratch, object->node, key.at, key.size);
}

/* The record of a dotted key in this object, new or old; NULL when memory is short. */
static field_state *dotted_field(pattern_scratch *scratch, open_container *object, uint32_t node) {
  for (size_t i = object->first_dotted; i < scratch->dotted.count; i++) {
    field_state *field = pattern_scratch_dotted_at(scratch, i);
    if (field->node == node) {
      object->field = (uint32_t)i;
      return field;
    }
  }

  object->field = (uint32_t)scratch->dotted.count;
  return pattern_vector_add(&scratch->dotted, sizeof(field_state));
}

static void end_field(pattern_scratch *scratch, open_container *object) {
  if (object->field == PATTERN_NONE) return;
  field_state *field = object->field_is_dotted ? pattern_scratch_dotted_at(scratch, object->field)
                                               : &scratch->fields[object->field];
  field->end = (uint32_t)scratch->log.count;
  object->field = PATTERN_NONE;
}

static bool begin_field(pattern_scratch *scratch, open_container *object, uint32_t node,
                        bool dotted) {
  field_state *field = &scratch->fields[node];
  object->field = node;
  if (dotted) field = dotted_field(scratch, object, node);
  if (!field) return pattern_scratch_fail(scratch, "out of memory");
  object->field_is_dotted = dotted;
  if (field->object == object->object) strike_out(scratch, field);
  *field = (field_state){.object = object->object,
                         .node = node,
                         .begin = (uint32_t)scratch->log.count,
                         .end = (uint32_t)scratch->log.count};
  scratch->log_floor = field->begin;

  return true;
}

static bool open(pattern_scratch *scratch, json_type type, uint32_t node, bool in_element) {
  if (!json_scan_enter(&scratch->scan, type)) return false;
  open_container *container = &scratch->containers[scratch->container_count++];
  *container = (open_container){.node = node,
                                .field = PATTERN_NONE,
                                .in_element = in_element,
                                .first_dotted = (uint32_t)scratch->dotted.count};
  if (in_element) {
    const open_container *around = container - 1;
    scratch->elements[scratch->element_count++] =
        (open_element){.array = around->array, .place = PATTERN_NONE};
  }

  if (type == JSON_OBJECT)
    container->object = ++scratch->object;
  else
    container->array = ++scratch->array;
  return true;
}

static void close(pattern_scratch *scratch) {
  open_container *container = &scratch->containers[--scratch->container_count];
  end_field(scratch, container);
  scratch->dotted.count = container->first_dotted;
  if (!container->in_element) return;
  uint32_t place = scratch->elements[--scratch->element_count].place;
  if (place != PATTERN_NONE)
    pattern_scratch_place_at(scratch, place)->end = (uint32_t)scratch->places.count;
}

/* A value that no path leads to. */
static bool pass_value(pattern_scratch *scratch) {
  json_span value;
  json_scan *scan = &scratch->scan;
  bool container = scratch->indexed && (*scan->at == '{' || *scan->at == '[');
  if (!container) return json_scan_value(scan, &value);
  const char *from = scan->at;
  json_index_pass(&scratch->index, scan);
  scratch->passed += (size_t)(scan->at - from);

  return true;
}

/* Passes the members that no path can lead to, and the commas before them. */
static void pass_members(const pattern_set *set, pattern_scratch *scratch, uint32_t node) {
  const char *from = scratch->scan.at;
  scratch->indexed =
      json_index_seek(&scratch->index, &scratch->scan, pattern_node_at(set, node)->keys);
  scratch->passed += (size_t)(scratch->scan.at - from);
}

/* A value at a node: goes into a container that something leads into, or takes a scalar. */
static bool read_value(const pattern_set *set, pattern_scratch *scratch, uint32_t id,
                       bool in_element) {
  const pattern_node *node = pattern_node_at(set, id);
  /* The scanner stands on the value's first byte, if there is one. */
  char first = scratch->scan.at < scratch->scan.end ? *scratch->scan.at : '\0';
  if (first == '{' && node->has_children) return open(scratch, JSON_OBJECT, id, in_element);
  if (first == '[' && (node->has_children || node->has_leaf))
    return open(scratch, JSON_ARRAY, id, in_element);
  if (first == '{' || first == '[' || !node->has_leaf) return pass_value(scratch);
  json_span value;
  if (!json_scan_value(&scratch->scan, &value)) return false;

  return pattern_take_value(set, scratch, id, value);
}

static bool read_member(const pattern_set *set, pattern_scratch *scratch, open_container *object) {
  json_span key;
  end_field(scratch, object);
  if (scratch->indexed) pass_members(set, scratch, object->node);
  if (!json_scan_member(&scratch->scan, &key)) {
    if (scratch->scan.error) return false;
    close(scratch);
    return true;
  }

  bool dotted;
  uint32_t node = find_node(set, scratch, object, key, &dotted);
  if (scratch->error) return false;
  if (node == PATTERN_NONE) return pass_value(scratch);
  scratch->heights[pattern_node_at(set, object->node)->depth] = scratch->element_count;

  return begin_field(scratch, object, node, dotted) && read_value(set, scratch, node, false);
}

static bool walk(const pattern_set *set, pattern_scratch *scratch) {
  json_type type;
  if (!json_scan_peek(&scratch->scan, &type)) return false;
  if (type != JSON_OBJECT) return pattern_scratch_fail(scratch, "an event must be a JSON object");
  if (!open(scratch, JSON_OBJECT, 0, false)) return false;
  while (scratch->container_count > 0) {
    open_container *container = &scratch->containers[scratch->container_count - 1];
    if (container->object) {
      if (!read_member(set, scratch, container)) return false;
    } else if (json_scan_element(&scratch->scan)) {
      if (!read_value(set, scratch, container->node, true)) return false;
    } else if (scratch->scan.error) {
      return false;
    } else {
      close(scratch);
    }
  }

  return json_scan_finish(&scratch->scan);
}

static bool look_at_rule(const pattern_set *set, pattern_scratch *scratch, uint32_t id) {
  const pattern_rule *rule = pattern_rule_at(set, id);
  if (scratch->rules[id] == scratch->event || scratch->patterns[rule->pattern] == scratch->event)
    return true;
  scratch->rules[id] = scratch->event;
  bool matches;
  if (!pattern_rule_matches(set, scratch, rule, &matches)) return false;
  if (!matches) return true;
  scratch->patterns[rule->pattern] = scratch->event;
  scratch->matches[scratch->match_count++] = rule->pattern;

  return true;
}

static int compare_ids(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

static bool look_at_rules(const pattern_set *set, pattern_scratch *scratch) {
  for (size_t i = 0; i < scratch->touched.count; i++) {
    uint32_t slot = *pattern_scratch_touched_at(scratch, i);
    if (scratch->slots[slot].live == 0) continue;
    for (uint32_t k = set->slot_starts[slot]; k < set->slot_starts[slot + 1]; k++) {
      uint32_t condition = set->slot_conditions[k];
      uint32_t end = set->condition_starts[condition + 1];
      for (uint32_t rule = set->condition_starts[condition]; rule < end; rule++)
        if (!look_at_rule(set, scratch, set->condition_rules[rule])) return false;
    }
  }

  for (size_t i = 0; i < set->always_count; i++)
    if (!look_at_rule(set, scratch, set->always[i])) return false;
  if (scratch->match_count > 1)
    qsort(scratch->matches, scratch->match_count, sizeof *scratch->matches, compare_ids);
  return true;
}

enum { INDEXED_SIZE = 256, TRIED_EVENTS = 64 };

/* Indexes an event that is large enough, if in the last one much of the text was passed; now and
 * then one is tried anyway. */
static void index_event(pattern_scratch *scratch, const char *event, size_t size) {
  bool paid = scratch->passed * 2 > scratch->indexed_size;
  scratch->indexed = false;
  if (size < INDEXED_SIZE || (!paid && scratch->event % TRIED_EVENTS != 1)) return;
  scratch->indexed = json_index_text(&scratch->index, event, size);
  scratch->indexed_size = size;
  scratch->passed = 0;
}

static bool begin(pattern_scratch *scratch, const char *event, size_t size) {
  scratch->event++;
  scratch->error = NULL;
  scratch->container_count = scratch->element_count = scratch->array = 0;
  scratch->dotted.count = scratch->places.count = scratch->log.count = scratch->touched.count = 0;
  scratch->log_floor = 0;
  scratch->match_count = scratch->found_count = 0;
  scratch->steps = 0;
  json_scan_begin(&scratch->scan, event, size);
  index_event(scratch, event, size);

  return pattern_vector_add(&scratch->places, sizeof(place_state)) != NULL; /* the event itself */
}

bool pattern_match(const pattern_set *set, pattern_scratch *scratch, const char *event, size_t size,
                   pattern_result *result) {
  *result = (pattern_result){0};
  if (begin(scratch, event, size) && walk(set, scratch)) {
    pattern_scratch_place_at(scratch, 0)->end = (uint32_t)scratch->places.count;
    if (look_at_rules(set, scratch)) {
      result->patterns = scratch->matches;
      result->count = scratch->match_count;
      return true;
    }
  }

  result->error = scratch->scan.error ? scratch->scan.error : scratch->error;
  if (!result->error) result->error = "out of memory";
  json_scan_place(&scratch->scan, &result->line, &result->column);

  return false;
}
