/* Byte tries: which prefixes, suffixes and wildcards a value is worth trying for, in one pass
 * over its bytes whatever their number.
 * Memory: states live in the set. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/impl.h"

static uint32_t add_state(pattern_set *set, uint32_t parent, uint8_t byte, uint32_t depth) {
  uint32_t id = (uint32_t)set->states.count;
  pattern_state *state = pattern_vector_add(&set->states, sizeof *state);
  if (!state) return PATTERN_NONE;
  *state = (pattern_state){.parent = parent,
                           .byte = byte,
                           .depth = depth,
                           .tests = PATTERN_NONE,
                           .fallback = PATTERN_NONE,
                           .shorter = PATTERN_NONE};
  return id;
}

static uint32_t step_or_add(pattern_set *set, uint32_t state, uint8_t byte) {
  uint32_t next = pattern_step(set, state, byte);
  if (next != PATTERN_NONE) return next;
  uint32_t depth = pattern_state_at(set, state)->depth;
  next = add_state(set, state, byte, depth + 1);
  if (next == PATTERN_NONE) return next;
  bool added = pattern_table_add(&set->edges, pattern_edge_hash(set, state, byte), next);

  return added ? next : PATTERN_NONE;
}

/* Files a test under a text in one of its node's tries; backwards for the ends of values. */
bool pattern_file_text(pattern_set *set, uint32_t test_id, int trie, const char *bytes,
                       size_t size) {
  pattern_test *test = pattern_test_at(set, test_id);
  pattern_node *node = pattern_node_at(set, test->node);
  bool backwards = trie == TRIE_SUFFIX || trie == TRIE_SUFFIX_FOLDED;
  uint32_t state = node->tries[trie];
  if (state == PATTERN_NONE) state = node->tries[trie] = add_state(set, PATTERN_NONE, 0, 0);
  for (size_t i = 0; i < size && state != PATTERN_NONE; i++)
    state = step_or_add(set, state, (uint8_t)bytes[backwards ? size - 1 - i : i]);
  if (state == PATTERN_NONE) return false;
  pattern_state *end = pattern_state_at(set, state);
  test->next = end->tests;
  end->tests = test_id;

  return true;
}

/* A wildcard is tried only on values that hold its longest literal piece where it must be. */
bool pattern_file_wildcard(pattern_set *set, uint32_t test_id) {
  pattern_test *test = pattern_test_at(set, test_id);
  const char *end = test->bytes + test->size, *longest = test->bytes;
  size_t longest_size = 0;
  for (const char *piece = test->bytes, *next; piece <= end; piece = next + 1) {
    next = memchr(piece, PATTERN_STAR, (size_t)(end - piece));
    if (!next) next = end;
    if ((size_t)(next - piece) > longest_size) {
      longest = piece;
      longest_size = (size_t)(next - piece);
    }
  }

  bool plain = longest_size == test->size; /* no '*' at all */
  if (longest_size == 0 && !plain) {
    pattern_node *node = pattern_node_at(set, test->node);
    test->next = node->wildcards;
    node->wildcards = test_id;
    return true;
  }

  int trie = longest == test->bytes          ? TRIE_PREFIX
             : longest + longest_size == end ? TRIE_SUFFIX
                                             : TRIE_INSIDE;
  return pattern_file_text(set, test_id, trie, longest, longest_size);
}

static void mark_inside(const pattern_set *set, bool *inside) {
  for (size_t i = 0; i < set->nodes.count; i++) {
    uint32_t root = pattern_node_at(set, i)->tries[TRIE_INSIDE];
    if (root != PATTERN_NONE) inside[root] = true;
  }

  /* A parent always has a smaller number than its children. */
  for (size_t i = 0; i < set->states.count; i++) {
    uint32_t parent = pattern_state_at(set, i)->parent;
    if (parent != PATTERN_NONE) inside[i] = inside[parent];
  }
}

static int compare_depth(const void *left, const void *right, void *context) {
  const pattern_state *states = context;
  uint32_t a = states[*(const uint32_t *)left].depth, b = states[*(const uint32_t *)right].depth;
  return a < b ? -1 : a > b;
}

static void link_state(pattern_set *set, uint32_t id) {
  pattern_state *states = set->states.items;
  pattern_state *state = &states[id];
  uint32_t at = states[state->parent].fallback, next = PATTERN_NONE, root = state->parent;
  while (at != PATTERN_NONE) {
    next = pattern_step(set, at, (uint8_t)state->byte);
    if (next != PATTERN_NONE) break;
    root = at;
    at = states[at].fallback;
  }

  state->fallback = next != PATTERN_NONE ? next : root; /* the last one passed is the root */
  const pattern_state *fallback = &states[state->fallback];
  state->shorter = fallback->tests != PATTERN_NONE ? state->fallback : fallback->shorter;
}

/* Gives the states of TRIE_INSIDE their fallbacks, shallow ones first. */
bool pattern_link_states(pattern_set *set) {
  size_t count = set->states.count, inner = 0;
  bool *inside = calloc(count + 1, sizeof *inside);
  uint32_t *order = malloc((count + 1) * sizeof *order);
  bool ok = inside && order;
  if (ok) {
    mark_inside(set, inside);
    for (uint32_t i = 0; i < count; i++)
      if (inside[i] && pattern_state_at(set, i)->depth > 0) order[inner++] = i;
    if (inner > 0) qsort_r(order, inner, sizeof *order, compare_depth, set->states.items);
    for (size_t i = 0; i < inner; i++) link_state(set, order[i]);
  }

  free(inside);
  free(order);

  return ok;
}
