/* Finds the tests that one scalar value passes: one look-up for each kind of test on its path,
 * whatever the number of patterns. See scratch.h.
 * Memory: the scratch's buffers. */
#include <string.h>

#include "core/pattern/scratch.h"
#include "core/text/case_fold.h"

typedef struct {
  const pattern_set *set;
  pattern_scratch *scratch;
  const pattern_node *node;
  uint32_t node_id;
} value_reader;

static bool passes(const value_reader *reader, const pattern_test *test) {
  pattern_scratch *scratch = reader->scratch;
  if (test->slot != PATTERN_NONE && !pattern_scratch_hit(scratch, reader->node, test->slot))
    return false;
  for (uint32_t id = test->negation; id != PATTERN_NONE;) {
    const pattern_negation *negation = pattern_negation_at(reader->set, id);
    uint32_t slot = pattern_but_at(reader->set, negation->but)->slot;
    id = negation->next;
    if (slot == PATTERN_NONE) continue;
    /* One value fails an anything-but once, by however many of its tests. */
    const slot_state *state = pattern_scratch_slot(scratch, slot);
    if (state->value != scratch->value && !pattern_scratch_hit(scratch, reader->node, slot))
      return false;
  }

  return true;
}

static bool passes_id(const value_reader *reader, uint32_t id) {
  return id == PATTERN_NONE || passes(reader, pattern_test_at(reader->set, id));
}

static bool try_keyed(const value_reader *reader, pattern_test_kind kind, const char *bytes,
                      size_t size) {
  if (!(reader->node->kinds & 1u << kind)) return true;
  return passes_id(reader, pattern_test_find(reader->set, reader->node_id, kind, bytes, size));
}

static bool try_intervals(const value_reader *reader, const pattern_intervals *intervals,
                          const pattern_point *point) {
  uint32_t at = pattern_interval_cell(intervals, point) + intervals->leaves;
  for (; at > 0; at /= 2)
    for (uint32_t id = intervals->lists[at]; id != PATTERN_NONE;) {
      const pattern_link *link = pattern_link_at(reader->set, id);
      if (!passes_id(reader, link->test)) return false;
      id = link->next;
    }
  return true;
}

/* Tests met at a state of a trie: a prefix or suffix holds there, a wildcard is worth trying, but
 * only once for a value. */
static bool try_filed(const value_reader *reader, uint32_t id, const char *bytes, size_t size) {
  pattern_scratch *scratch = reader->scratch;
  for (; id != PATTERN_NONE; id = pattern_test_at(reader->set, id)->next) {
    const pattern_test *test = pattern_test_at(reader->set, id);
    if (test->kind == TEST_WILDCARD) {
      if (scratch->tried[id] == scratch->value) continue;
      scratch->tried[id] = scratch->value;
      if (!pattern_wildcard_match(test->bytes, test->size, bytes, size)) continue;
    }

    if (!passes(reader, test)) return false;
  }

  return true;
}

/* Wildcards whose longest piece lies between two '*': Aho and Corasick's search for all. */
static bool try_inside(const value_reader *reader, const char *bytes, size_t size) {
  uint32_t root = reader->node->tries[TRIE_INSIDE], state = root;
  const pattern_state *states = reader->set->states.items;
  if (root == PATTERN_NONE) return true;
  for (size_t i = 0; i < size; i++) {
    uint32_t next = pattern_step(reader->set, state, (uint8_t)bytes[i]);
    while (next == PATTERN_NONE && state != root) {
      state = states[state].fallback;
      next = pattern_step(reader->set, state, (uint8_t)bytes[i]);
    }

    state = next != PATTERN_NONE ? next : root;
    for (uint32_t at = state; at != PATTERN_NONE; at = states[at].shorter)
      if (!try_filed(reader, states[at].tests, bytes, size)) return false;
  }

  return true;
}

static bool try_trie(const value_reader *reader, int trie, const char *bytes, size_t size) {
  uint32_t state = reader->node->tries[trie];
  bool backwards = trie == TRIE_SUFFIX || trie == TRIE_SUFFIX_FOLDED;
  for (size_t i = 0; state != PATTERN_NONE; i++) {
    uint32_t tests = pattern_state_at(reader->set, state)->tests;
    if (!try_filed(reader, tests, bytes, size)) return false;
    if (i == size) break;
    state = pattern_step(reader->set, state, (uint8_t)bytes[backwards ? size - 1 - i : i]);
  }

  return true;
}

static bool try_folded(const value_reader *reader, const char *bytes, size_t size) {
  enum { FOLDED = 1 << TEST_EQUALS_FOLDED | 1 << TEST_PREFIX_FOLDED | 1 << TEST_SUFFIX_FOLDED };
  if (!(reader->node->kinds & FOLDED)) return true;
  text_buffer *folded = &reader->scratch->folded;
  folded->size = 0;
  if (!text_buffer_reserve(folded, case_fold_bound(size))) {
    reader->scratch->error = "out of memory";
    return false;
  }

  size = case_fold(bytes, size, folded->data);

  return try_keyed(reader, TEST_EQUALS_FOLDED, folded->data, size) &&
         try_trie(reader, TRIE_PREFIX_FOLDED, folded->data, size) &&
         try_trie(reader, TRIE_SUFFIX_FOLDED, folded->data, size);
}

static bool take_string(const value_reader *reader, json_span value) {
  const char *bytes = value.at;
  size_t size = value.size;
  if (value.escaped) {
    text_buffer *text = &reader->scratch->text;
    text->size = 0;
    if (!text_buffer_reserve(text, size + 1)) {
      reader->scratch->error = "out of memory";
      return false;
    }

    size = json_unescape(value, text->data);
    bytes = text->data;
  }

  if (!try_keyed(reader, TEST_EXACT, bytes, size)) return false;
  if (reader->node->addresses.points) {
    pattern_point point = {.is_address = true};
    if (pattern_address_parse(bytes, size, &point.address) &&
        !try_intervals(reader, &reader->node->addresses, &point))
      return false;
  }

  return try_trie(reader, TRIE_PREFIX, bytes, size) && try_trie(reader, TRIE_SUFFIX, bytes, size) &&
         try_inside(reader, bytes, size) &&
         try_filed(reader, reader->node->wildcards, bytes, size) && try_folded(reader, bytes, size);
}

static bool try_number(const value_reader *reader, const pattern_decimal *number) {
  uint32_t hash = pattern_number_hash(reader->set, reader->node_id, number);
  for (uint32_t at = hash, id; pattern_table_next(&reader->set->numbers, hash, &at, &id);) {
    const pattern_test *test = pattern_test_at(reader->set, id);
    if (test->node == reader->node_id && pattern_decimal_compare(&test->number, number) == 0 &&
        !passes(reader, test))
      return false;
  }

  return true;
}

static bool take_number(const value_reader *reader, json_span value) {
  const pattern_node *node = reader->node;
  if (!(node->kinds & (1u << TEST_NUMBER | 1u << TEST_RANGE))) return true;
  pattern_point point;
  point.is_address = false;
  point.number = pattern_decimal_parse(value.at, value.size);
  if (node->numbers.points) return try_intervals(reader, &node->numbers, &point);

  return try_number(reader, &point.number);
}

/* For the explanation of a miss. */
static void keep_found(pattern_scratch *scratch, uint32_t node_id, json_span value) {
  size_t place = scratch->found_count++;
  if (place < MOST_FOUND) scratch->found[place] = (found_value){node_id, value};
}

bool pattern_take_value(const pattern_set *set, pattern_scratch *scratch, uint32_t node_id,
                        json_span value) {
  const pattern_node *node = pattern_node_at(set, node_id);
  const value_reader reader = {set, scratch, node, node_id};
  scratch->value++;
  if (set->pattern_count == 1) keep_found(scratch, node_id, value);
  if (node->slot != PATTERN_NONE && !pattern_scratch_hit(scratch, node, node->slot)) return false;
  switch (value.type) {
  case JSON_STRING: return take_string(&reader, value);
  case JSON_NUMBER: return take_number(&reader, value);
  default: return try_keyed(&reader, TEST_WORD, value.at, value.size);
  }
}
