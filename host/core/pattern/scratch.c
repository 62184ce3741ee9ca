/* Makes the state of a match, and logs hits in it. See scratch.h. */
#include "core/pattern/scratch.h"

#include <stdlib.h>

bool pattern_scratch_fail(pattern_scratch *scratch, const char *error) {
  scratch->error = error;
  return false;
}

pattern_scratch *pattern_scratch_new(const pattern_set *set) {
  pattern_scratch *scratch = calloc(1, sizeof *scratch);
  if (!scratch) return NULL;
  scratch->heights = calloc(PATTERN_MAX_DEPTH + 2, sizeof *scratch->heights);
  scratch->slots = calloc((size_t)set->slot_count + 1, sizeof *scratch->slots);
  scratch->fields = calloc(set->nodes.count, sizeof *scratch->fields);
  scratch->tried = calloc(set->tests.count + 1, sizeof *scratch->tried);
  scratch->conditions = calloc(set->conditions.count + 1, sizeof *scratch->conditions);
  scratch->rules = calloc(set->rules.count + 1, sizeof *scratch->rules);
  scratch->patterns = calloc(set->pattern_count + 1, sizeof *scratch->patterns);
  scratch->matches = calloc(set->pattern_count + 1, sizeof *scratch->matches);
  if (scratch->heights && scratch->tried && scratch->slots && scratch->fields &&
      scratch->conditions && scratch->rules && scratch->patterns && scratch->matches)
    return scratch;
  pattern_scratch_free(scratch);

  return NULL;
}

void pattern_scratch_free(pattern_scratch *scratch) {
  if (!scratch) return;
  void *const blocks[] = {scratch->tried,        scratch->heights,      scratch->slots,
                          scratch->fields,       scratch->conditions,   scratch->rules,
                          scratch->patterns,     scratch->matches,      scratch->dotted.items,
                          scratch->places.items, scratch->log.items,    scratch->touched.items,
                          scratch->items.items,  scratch->groups.items, scratch->choices.items};
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) free(blocks[i]);
  json_index_free(&scratch->index);
  text_buffer_free(&scratch->text);
  text_buffer_free(&scratch->folded);
  free(scratch);
}

/* Numbers the element at this height of the stack, and those around it. */
static uint32_t place_at(pattern_scratch *scratch, uint32_t height) {
  if (height == 0) return 0;
  uint32_t from = height;
  while (from > 0 && scratch->elements[from - 1].place == PATTERN_NONE) from--;
  uint32_t parent = from > 0 ? scratch->elements[from - 1].place : 0;
  for (; from < height; from++) {
    uint32_t id = (uint32_t)scratch->places.count;
    place_state *place = pattern_vector_add(&scratch->places, sizeof *place);
    if (!place) {
      pattern_scratch_fail(scratch, "out of memory");
      return PATTERN_NONE;
    }

    *place = (place_state){.parent = parent, .array = scratch->elements[from].array};
    parent = scratch->elements[from].place = id;
  }

  return parent;
}

static slot_state *touch(pattern_scratch *scratch, uint32_t slot) {
  slot_state *state = &scratch->slots[slot];
  if (state->event == scratch->event) return state;
  uint32_t *touched = pattern_vector_add(&scratch->touched, sizeof *touched);
  if (!touched) return NULL;
  *touched = slot;
  *state = (slot_state){.event = scratch->event, .head = PATTERN_NONE, .tail = PATTERN_NONE};
  return state;
}

bool pattern_scratch_hit(pattern_scratch *scratch, const pattern_node *node, uint32_t slot) {
  uint32_t height = node->shared_depth < node->depth ? scratch->heights[node->shared_depth]
                                                     : scratch->element_count;
  uint32_t place = place_at(scratch, height);
  slot_state *state = touch(scratch, slot);
  if (place == PATTERN_NONE || !state) return pattern_scratch_fail(scratch, "out of memory");
  state->value = scratch->value;
  state->live++;
  if (place == 0) state->root++;
  if (state->tail != PATTERN_NONE && state->tail >= scratch->log_floor) {
    log_entry *last = pattern_scratch_log_at(scratch, state->tail);
    if (last->place == place) {
      last->count++;
      return true;
    }
  }

  uint32_t id = (uint32_t)scratch->log.count;
  if (id >= MAX_LOG)
    return pattern_scratch_fail(scratch, "too many values match to tell its arrays apart");
  log_entry *entry = pattern_vector_add(&scratch->log, sizeof *entry);
  if (!entry) return pattern_scratch_fail(scratch, "out of memory");
  *entry = (log_entry){.slot = slot, .place = place, .count = 1, .next = PATTERN_NONE};
  if (state->tail == PATTERN_NONE)
    state->head = id;
  else
    pattern_scratch_log_at(scratch, state->tail)->next = id;
  state->tail = id;

  return true;
}
