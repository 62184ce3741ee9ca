/* The compiler's last stage: gives slots to what rules use and files every test where a value
 * finds it. See impl.h.
 * Memory: owned by the set. */
#include <stdlib.h>

#include "core/pattern/impl.h"

static uint32_t slot_of(pattern_set *set, uint32_t *slot) {
  if (*slot == PATTERN_NONE) *slot = set->slot_count++;
  return *slot;
}

static void use_condition(pattern_set *set, pattern_condition *condition) {
  pattern_node *node = pattern_node_at(set, condition->node);
  node->has_leaf = true;
  if (condition->but_count > 0 || condition->exists_true || condition->exists_false)
    slot_of(set, &node->slot);
  uint32_t tests = condition->member_count - condition->but_count;
  for (uint32_t k = 0; k < condition->member_count; k++) {
    uint32_t id = *pattern_member_at(set, condition->first_member + k);
    if (k >= tests) {
      slot_of(set, &pattern_but_at(set, id)->slot);
      continue;
    }

    pattern_test *test = pattern_test_at(set, id);
    test->used = true;
    slot_of(set, &test->slot);
  }
}

static void use_negations(pattern_set *set) {
  for (size_t i = 0; i < set->tests.count; i++) {
    pattern_test *test = pattern_test_at(set, i);
    for (uint32_t id = test->negation; id != PATTERN_NONE && !test->used;) {
      const pattern_negation *negation = pattern_negation_at(set, id);
      test->used = pattern_but_at(set, negation->but)->slot != PATTERN_NONE;
      id = negation->next;
    }
  }
}

/* Finds, for each node, the deepest array that can tie a condition on it to another condition of
 * the same rule. Elements of deeper arrays need not be told apart. */
static bool find_shared_depths(pattern_set *set) {
  uint32_t *counts = calloc(set->nodes.count, sizeof *counts);
  if (!counts) return false;
  pattern_node *nodes = set->nodes.items;
  for (size_t i = 0; i < set->rules.count; i++) {
    const pattern_rule *rule = pattern_rule_at(set, i);
    const uint32_t *ids = pattern_rule_condition_at(set, rule->first_condition);
    for (uint32_t k = 0; k < rule->condition_count; k++) {
      uint32_t at = pattern_condition_at(set, ids[k])->node;
      for (; at != 0; at = nodes[at].parent) counts[at]++;
    }

    for (uint32_t k = 0; k < rule->condition_count; k++) {
      uint32_t node = pattern_condition_at(set, ids[k])->node, at = node;
      while (at != 0 && counts[at] < 2) at = nodes[at].parent;
      if (nodes[at].depth > nodes[node].shared_depth) nodes[node].shared_depth = nodes[at].depth;
    }

    for (uint32_t k = 0; k < rule->condition_count; k++) {
      uint32_t at = pattern_condition_at(set, ids[k])->node;
      for (; at != 0; at = nodes[at].parent) counts[at] = 0;
    }
  }

  free(counts);

  return true;
}

static bool file_test(pattern_set *set, uint32_t id) {
  pattern_test *test = pattern_test_at(set, id);
  pattern_node_at(set, test->node)->kinds |= (uint16_t)(1u << test->kind);
  switch ((pattern_test_kind)test->kind) {
  case TEST_PREFIX: return pattern_file_text(set, id, TRIE_PREFIX, test->bytes, test->size);
  case TEST_SUFFIX: return pattern_file_text(set, id, TRIE_SUFFIX, test->bytes, test->size);
  case TEST_PREFIX_FOLDED:
    return pattern_file_text(set, id, TRIE_PREFIX_FOLDED, test->bytes, test->size);
  case TEST_SUFFIX_FOLDED:
    return pattern_file_text(set, id, TRIE_SUFFIX_FOLDED, test->bytes, test->size);
  case TEST_WILDCARD: return pattern_file_wildcard(set, id);
  case TEST_EXACT:
  case TEST_WORD:
  case TEST_EQUALS_FOLDED: return true; /* found by operand in `keyed` */
  case TEST_NUMBER:
  case TEST_RANGE:
  case TEST_ADDRESS: return true; /* file_numbers, pattern_index_intervals */
  }

  return false;
}

/* Numbers of nodes that have no ranges are found by hash. */
static bool file_numbers(pattern_set *set) {
  for (uint32_t i = 0; i < set->tests.count; i++) {
    const pattern_test *test = pattern_test_at(set, i);
    const pattern_node *node = pattern_node_at(set, test->node);
    bool hashed = test->used && test->kind == TEST_NUMBER && !(node->kinds >> TEST_RANGE & 1);
    if (hashed &&
        !pattern_table_add(&set->numbers, pattern_number_hash(set, test->node, &test->number), i))
      return false;
  }

  return true;
}

bool pattern_index(pattern_set *set) {
  for (size_t i = 0; i < set->rule_conditions.count; i++) {
    uint32_t id = *pattern_rule_condition_at(set, i);
    use_condition(set, pattern_condition_at(set, id));
  }

  use_negations(set);
  for (uint32_t i = 0; i < set->tests.count; i++)
    if (pattern_test_at(set, i)->used && !file_test(set, i)) return false;
  return pattern_link_states(set) && file_numbers(set) && find_shared_depths(set) &&
         pattern_index_intervals(set) && pattern_index_pivots(set);
}
