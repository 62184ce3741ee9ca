/* What a compiled set is kept in: vectors, copied texts, the nodes and the tests. See impl.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/pattern/impl.h"

enum { BLOCK_SIZE = 4096 };

struct pattern_block {
  pattern_block *next;
  size_t used, capacity;
  char bytes[];
};

void *pattern_vector_add(pattern_vector *vector, size_t size) {
  if (vector->count == vector->capacity) {
    size_t capacity = vector->capacity ? vector->capacity * 2 : 16;
    if (capacity >= PATTERN_NONE / 2) return NULL;
    void *items = realloc(vector->items, capacity * size);
    if (!items) return NULL;
    vector->items = items;
    vector->capacity = capacity;
  }

  char *item = (char *)vector->items + vector->count++ * size;
  memset(item, 0, size);

  return item;
}

char *pattern_copy(pattern_set *set, const char *bytes, size_t size) {
  pattern_block *block = set->blocks;
  if (size >= PATTERN_NONE) return NULL;
  if (!block || block->capacity - block->used < size) {
    size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    block = malloc(sizeof *block + capacity);
    if (!block) return NULL;
    *block = (pattern_block){.next = set->blocks, .capacity = capacity};
    set->blocks = block;
  }

  char *copy = block->bytes + block->used;
  if (size > 0) memcpy(copy, bytes, size);
  block->used += size;

  return copy;
}

static uint64_t keyed_hash(const pattern_set *set, uint32_t node, uint32_t kind, const char *bytes,
                           size_t size) {
  return pattern_hash_bytes(set->seed + ((uint64_t)node << 8 | kind), bytes, size);
}

uint32_t pattern_child(const pattern_set *set, uint32_t parent, const char *segment, size_t size) {
  uint32_t hash = pattern_table_hash(keyed_hash(set, parent, 0, segment, size));
  for (uint32_t at = hash, id; pattern_table_next(&set->children, hash, &at, &id);) {
    const pattern_node *node = pattern_node_at(set, id);
    if (node->parent == parent && node->segment_size == size &&
        memcmp(node->segment, segment, size) == 0)
      return id;
  }

  return PATTERN_NONE;
}

static uint32_t add_node(pattern_set *set, uint32_t parent) {
  uint32_t id = (uint32_t)set->nodes.count;
  pattern_node *node = pattern_vector_add(&set->nodes, sizeof *node);
  if (!node) return PATTERN_NONE;
  node->parent = parent;
  node->slot = node->wildcards = PATTERN_NONE;
  for (int i = 0; i < TRIE_COUNT; i++) node->tries[i] = PATTERN_NONE;

  return id;
}

/* Which keys lead to the new node: its segment at the node above, and those with dots that end with
 * it at every other. */
static void note_keys(pattern_set *set, uint32_t above, const char *segment, size_t size) {
  uint64_t ends = ~UINT64_C(0), sizes = UINT64_C(1) << (size < 63 ? size : 63);
  if (size == 1)
    ends = json_names_end('"', *segment) | json_names_end('.', *segment);
  else if (size > 1)
    ends = json_names_end(segment[size - 2], segment[size - 1]);
  for (; above != PATTERN_NONE; above = pattern_node_at(set, above)->parent) {
    json_names *keys = &pattern_node_at(set, above)->keys;
    keys->ends |= ends;
    keys->sizes |= sizes;
    sizes = ~UINT64_C(0);
  }
}

uint32_t pattern_child_add(pattern_set *set, uint32_t parent, const char *segment, size_t size) {
  uint32_t id = pattern_child(set, parent, segment, size);
  if (id != PATTERN_NONE) return id;
  char *copy = pattern_copy(set, segment, size);
  id = copy ? add_node(set, parent) : PATTERN_NONE;
  if (id == PATTERN_NONE) return id;
  pattern_node *node = pattern_node_at(set, id);
  pattern_node *above = pattern_node_at(set, parent);
  above->has_children = true;
  above->key_sizes |= UINT64_C(1) << (size < 63 ? size : 63);
  if (parent != 0) pattern_node_at(set, above->parent)->has_grandchildren = true;
  node->segment = copy;
  node->segment_size = (uint32_t)size;
  node->depth = above->depth + 1;
  note_keys(set, parent, copy, size);
  if (size > set->longest_key) set->longest_key = size;
  uint32_t hash = pattern_table_hash(keyed_hash(set, parent, 0, segment, size));

  return pattern_table_add(&set->children, hash, id) ? id : PATTERN_NONE;
}

uint32_t pattern_test_find(const pattern_set *set, uint32_t node, pattern_test_kind kind,
                           const char *bytes, size_t size) {
  uint32_t hash = pattern_table_hash(keyed_hash(set, node, kind, bytes, size));
  for (uint32_t at = hash, id; pattern_table_next(&set->keyed, hash, &at, &id);) {
    const pattern_test *test = pattern_test_at(set, id);
    if (test->node == node && test->kind == kind && test->size == size &&
        memcmp(test->bytes, bytes, size) == 0)
      return id;
  }

  return PATTERN_NONE;
}

uint32_t pattern_test_add(pattern_set *set, uint32_t node, pattern_test_kind kind,
                          const char *bytes, size_t size) {
  uint32_t id = pattern_test_find(set, node, kind, bytes, size);
  if (id != PATTERN_NONE) return id;
  id = (uint32_t)set->tests.count;
  char *copy = pattern_copy(set, bytes, size);
  pattern_test *test = copy ? pattern_vector_add(&set->tests, sizeof *test) : NULL;
  if (!test) return PATTERN_NONE;
  test->kind = (uint8_t)kind;
  test->node = node;
  test->slot = test->negation = test->next = PATTERN_NONE;
  test->bytes = copy;
  test->size = (uint32_t)size;
  uint32_t hash = pattern_table_hash(keyed_hash(set, node, kind, bytes, size));

  return pattern_table_add(&set->keyed, hash, id) ? id : PATTERN_NONE;
}

pattern_set *pattern_set_new(size_t pattern_count) {
  pattern_set *set = calloc(1, sizeof *set);
  if (!set) return NULL;
  set->pattern_count = pattern_count;
  /* Without the system's randomness the seed is only predictable, not wrong. */
  if (getrandom(&set->seed, sizeof set->seed, GRND_NONBLOCK) != (ssize_t)sizeof set->seed)
    set->seed = (uint64_t)(uintptr_t)set * 0x9e3779b97f4a7c15u;
  /* A condition without members (exists) points somewhere too: at this first, unused one. */
  bool begun = add_node(set, PATTERN_NONE) == 0 &&
               pattern_vector_add(&set->members, sizeof(uint32_t)) != NULL;
  if (begun) return set;
  pattern_free(set);

  return NULL;
}

void pattern_free(pattern_set *set) {
  if (!set) return;
  for (size_t i = 0; i < set->nodes.count; i++) {
    pattern_node *node = pattern_node_at(set, i);
    free(node->numbers.points);
    free(node->numbers.lists);
    free(node->addresses.points);
    free(node->addresses.lists);
  }

  pattern_vector *vectors[] = {
      &set->nodes, &set->tests,   &set->negations,  &set->buts,  &set->states,
      &set->links, &set->members, &set->conditions, &set->rules, &set->rule_conditions};
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) free(vectors[i]->items);
  pattern_table_free(&set->children);
  pattern_table_free(&set->keyed);
  pattern_table_free(&set->numbers);
  pattern_table_free(&set->edges);
  free(set->slot_starts);
  free(set->slot_conditions);
  free(set->condition_starts);
  free(set->condition_rules);
  free(set->always);
  while (set->blocks) {
    pattern_block *next = set->blocks->next;
    free(set->blocks);
    set->blocks = next;
  }

  free(set);
}
