/* The compiled form of event patterns, shared by pattern_*.c and by nobody else.
 *
 *   pattern    one source text; matches when one of its rules does
 *   rule       one branch of the $or expansion: a conjunction of conditions, sorted by path
 *   condition  the list of one path: a disjunction of tests, anything-buts and exists
 *   test       one operator with its operand, shared by all conditions on that path
 *   node       one path, in a trie of key segments ("a.b" is the path a, b)
 *   slot       what an event can satisfy: a test, the failure of an anything-but, or the
 *              presence of a node. During a match the scratch logs where each slot was hit.
 *
 * Memory: everything here belongs to the pattern_set. */
#ifndef WEIR_CORE_PATTERN_IMPL_H
#define WEIR_CORE_PATTERN_IMPL_H

#include "core/json/index.h"
#include "core/json/scan.h"
#include "core/pattern/address.h"
#include "core/pattern/decimal.h"
#include "core/pattern/hash.h"
#include "core/pattern/pattern.h"

#define PATTERN_NONE UINT32_MAX

enum {
  PATTERN_MAX_RULES = 1000,    /* branches of one pattern's $or expansion */
  PATTERN_MAX_KEYS = 256,      /* conditions of one rule */
  PATTERN_MAX_WORK = 4000000,  /* steps of one pattern's $or expansion */
  PATTERN_MAX_COMPLEXITY = 10, /* see complexity.c */
  PATTERN_MAX_DEPTH = 1000,    /* segments of a path */
};

typedef enum {
  TEST_EXACT,
  TEST_WORD, /* true, false, null */
  TEST_NUMBER,
  TEST_RANGE,
  TEST_ADDRESS,
  TEST_PREFIX,
  TEST_SUFFIX,
  TEST_EQUALS_FOLDED,
  TEST_PREFIX_FOLDED,
  TEST_SUFFIX_FOLDED,
  TEST_WILDCARD,
} pattern_test_kind;

typedef struct {
  pattern_decimal low, high;
  bool has_low, has_high, open_low, open_high;
} pattern_range;

typedef struct {
  uint8_t kind; /* pattern_test_kind */
  bool used;    /* a rule that survived the expansion needs it */
  uint32_t node;
  uint32_t hash;
  uint32_t slot;     /* PATTERN_NONE when it only negates */
  uint32_t negation; /* first pattern_negation, or PATTERN_NONE */
  uint32_t next;     /* the next test filed at the same place of an index */
  uint32_t size;
  const char *bytes; /* the operand (folded, or a wildcard still with its escapes) */
  union {
    pattern_decimal number;
    pattern_range range;
    struct {
      pattern_address low, high;
    } address;
  };
} pattern_test;

/* A test that makes an anything-but fail. */
typedef struct {
  uint32_t but, test;
  uint32_t next; /* of the same test, or PATTERN_NONE */
} pattern_negation;

typedef struct {
  uint32_t node;
  uint32_t slot;                           /* hit by every value that the anything-but refuses */
  uint32_t first_negation, negation_count; /* what it refuses */
} pattern_but;

/* A value in an interval index: a number or an address. */
typedef struct pattern_point {
  bool is_address;
  union {
    pattern_decimal number;
    pattern_address address;
  };
} pattern_point;

/* Byte tries of a node: of beginnings, of ends (backwards), and of text anywhere inside. */
enum {
  TRIE_PREFIX,
  TRIE_SUFFIX,
  TRIE_PREFIX_FOLDED,
  TRIE_SUFFIX_FOLDED,
  TRIE_INSIDE,
  TRIE_COUNT,
};

/* Cells between and on the sorted ends of a node's ranges, under a segment tree. */
typedef struct {
  pattern_point *points;
  uint32_t point_count;
  uint32_t *lists; /* per tree position, the first link of the tests covering it */
  uint32_t leaves;
} pattern_intervals;

typedef struct {
  const char *segment;
  uint32_t segment_size;
  uint32_t parent;
  uint32_t hash;
  uint32_t depth;
  uint32_t slot;         /* presence; PATTERN_NONE when no rule asks */
  uint32_t shared_depth; /* arrays at nodes deeper than this cannot tie its rules' keys together */
  bool has_children;
  bool has_grandchildren;     /* a dotted key can lead past a child */
  json_names keys;            /* that lead to a child, or with dots past it */
  uint64_t key_sizes;         /* bit n: a child's segment has n bytes (bit 63: 63 or more) */
  bool has_leaf;              /* some rule has a condition here */
  uint16_t kinds;             /* bit set of pattern_test_kind */
  uint32_t tries[TRIE_COUNT]; /* roots */
  uint32_t wildcards;         /* first wildcard test without any literal text */
  pattern_intervals numbers, addresses;
} pattern_node;

typedef struct {
  uint32_t parent;
  uint32_t byte;
  uint32_t depth;
  uint32_t tests; /* first test that ends here, or PATTERN_NONE */
  /* In TRIE_INSIDE, an Aho-Corasick automaton: */
  uint32_t fallback; /* the longest other beginning that ends here; PATTERN_NONE at the root */
  uint32_t shorter;  /* the nearest of those with tests, or PATTERN_NONE */
} pattern_state;

typedef struct {
  uint32_t test;
  uint32_t next;
} pattern_link;

typedef struct {
  uint32_t node;
  uint32_t first_member, member_count; /* slots in `members`: tests, then anything-buts */
  uint32_t but_count;                  /* how many of them, at the end, are anything-buts */
  bool exists_true, exists_false;
  const char *text; /* the list as written, for explanations */
  size_t text_size;
} pattern_condition;

typedef struct {
  uint32_t pattern;
  uint32_t first_condition, condition_count; /* in rule_conditions, sorted by path */
} pattern_rule;

/* A growing array of anything. */
typedef struct {
  void *items;
  size_t count, capacity;
} pattern_vector;

/* Room for one more item of `size` bytes, zeroed; NULL when memory is short. */
void *pattern_vector_add(pattern_vector *vector, size_t size);

/* The id at a place of a vector of ids. */
static inline uint32_t pattern_id_at(const pattern_vector *vector, size_t place) {
  return ((const uint32_t *)vector->items)[place];
}

typedef struct pattern_block pattern_block;

struct pattern_set {
  uint64_t seed;
  pattern_block *blocks; /* strings live here */
  pattern_vector nodes, tests, negations, buts, states, links, members, conditions, rules;
  pattern_vector rule_conditions;
  pattern_table children; /* (parent, segment) to node */
  pattern_table keyed;    /* (node, kind, operand) to test */
  pattern_table numbers;  /* (node, value) to test */
  pattern_table edges;    /* (state, byte) to state */
  uint32_t slot_count;
  /* Each rule waits for its pivot, the condition that should hold most rarely. */
  uint32_t *slot_starts; /* per slot, into slot_conditions: the pivots that it can satisfy */
  uint32_t *slot_conditions;
  uint32_t *condition_starts; /* per condition, into condition_rules: the rules that wait for it */
  uint32_t *condition_rules;
  uint32_t *always; /* rules that nothing present can trigger */
  size_t always_count;
  size_t pattern_count;
  size_t longest_key; /* of all segments: a longer key of the event cannot be meant */
};

/* The item at a place of one of the set's vectors. The place stays while the set grows; the pointer
 * does not. */
#define PATTERN_PLACE(name, type, vector)                                                          \
  static inline type *pattern_##name##_at(const pattern_set *set, size_t place) {                  \
    return (type *)set->vector.items + place;                                                      \
  }
PATTERN_PLACE(node, pattern_node, nodes)
PATTERN_PLACE(test, pattern_test, tests)
PATTERN_PLACE(condition, pattern_condition, conditions)
PATTERN_PLACE(rule_condition, uint32_t, rule_conditions)
PATTERN_PLACE(member, uint32_t, members)
PATTERN_PLACE(state, pattern_state, states)
PATTERN_PLACE(rule, pattern_rule, rules)
PATTERN_PLACE(but, pattern_but, buts)
PATTERN_PLACE(negation, pattern_negation, negations)
PATTERN_PLACE(link, pattern_link, links)
#undef PATTERN_PLACE

/* store.c: a set without rules; NULL when memory is short. */
pattern_set *pattern_set_new(size_t pattern_count);

/* A copy inside the set; NULL when memory is short. */
char *pattern_copy(pattern_set *set, const char *bytes, size_t size);

/* What is found or added by name; PATTERN_NONE when it is not there, or when memory is short. */
uint32_t pattern_child(const pattern_set *set, uint32_t parent, const char *segment, size_t size);
uint32_t pattern_child_add(pattern_set *set, uint32_t parent, const char *segment, size_t size);
uint32_t pattern_test_find(const pattern_set *set, uint32_t node, pattern_test_kind kind,
                           const char *bytes, size_t size);
uint32_t pattern_test_add(pattern_set *set, uint32_t node, pattern_test_kind kind,
                          const char *bytes, size_t size);

/* parse.c: reads one pattern's rules into the set. */
bool pattern_parse(pattern_set *set, uint32_t pattern, pattern_source source, text_buffer *message);

/* index.c: after all patterns are read. */
bool pattern_index(pattern_set *set);

/* tries.c */
bool pattern_file_text(pattern_set *set, uint32_t test_id, int trie, const char *bytes,
                       size_t size);
bool pattern_file_wildcard(pattern_set *set, uint32_t test_id);
bool pattern_link_states(pattern_set *set);

/* intervals.c */
bool pattern_index_intervals(pattern_set *set);
uint32_t pattern_interval_cell(const pattern_intervals *intervals, const pattern_point *point);

/* pivots.c */
bool pattern_index_pivots(pattern_set *set);

static inline uint32_t pattern_edge_hash(const pattern_set *set, uint32_t state, uint8_t byte) {
  return pattern_table_hash(
      pattern_hash_mix(set->seed ^ ((uint64_t)state << 8 | byte), 0x9e3779b97f4a7c15u));
}

static inline uint32_t pattern_number_hash(const pattern_set *set, uint32_t node,
                                           const pattern_decimal *number) {
  return pattern_table_hash(pattern_decimal_hash(number, set->seed + node));
}

/* The state after a byte, or PATTERN_NONE. */
static inline uint32_t pattern_step(const pattern_set *set, uint32_t state, uint8_t byte) {
  uint32_t hash = pattern_edge_hash(set, state, byte);
  for (uint32_t at = hash, id; pattern_table_next(&set->edges, hash, &at, &id);) {
    const pattern_state *next = pattern_state_at(set, id);
    if (next->parent == state && next->byte == byte) return id;
  }
  return PATTERN_NONE;
}

/* complexity.c: whether EventBridge takes the wildcards of a pattern, whose rules begin with this
 * one. */
bool pattern_complexity_is_low(const pattern_set *set, uint32_t first_rule);

/* wildcard.c: wildcards are kept with '*' as PATTERN_STAR and without escapes. */
#define PATTERN_STAR ((char)0xff) /* a byte that UTF-8 never has */
bool pattern_wildcard_compile(const char *text, size_t size, char *out, size_t *out_size,
                              text_buffer *reason);
bool pattern_wildcard_match(const char *pattern, size_t pattern_size, const char *text,
                            size_t size);

#endif
