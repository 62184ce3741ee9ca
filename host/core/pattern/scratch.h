/* The state of one match, shared by match.c, values.c, rules.c and arrays.c.
 *
 * A *place* is an element of an array that holds another container: two fields may satisfy one
 * rule together only when no array on the way to both has them in different elements. Places
 * form a tree under place 0, the event; they are numbered in the order of the text, and only
 * those where something was hit get a number.
 *
 * The *log* lists the hits: which slot, in which place, how often. Hits of a key that turns out
 * to be repeated are struck out, since the last one counts.
 *
 * Memory: owned by the scratch, kept from event to event, bounded by MAX_LOG. */
#ifndef WEIR_CORE_PATTERN_SCRATCH_H
#define WEIR_CORE_PATTERN_SCRATCH_H

#include "core/pattern/impl.h"

enum {
  MAX_LOG = 8000000,         /* hits of one event */
  MAX_RULE_STEPS = 50000000, /* steps of deciding one event's rules where arrays tie fields */
  MAX_RULE_DEPTH = 256,      /* arrays within arrays that such a rule may go through */
};

typedef struct {
  uint32_t slot, place;
  uint32_t count; /* values that hit here; 0 when struck out */
  uint32_t next;  /* the slot's next entry */
} log_entry;

typedef struct {
  uint64_t event;      /* the rest is valid for this event only */
  uint64_t value;      /* the last value that hit */
  uint32_t head, tail; /* entries in the log */
  uint32_t live;       /* values that hit */
  uint32_t root;       /* those of them that are in no array that matters */
} slot_state;

/* A key's value in an object that is still open: which hits are its own. */
typedef struct {
  uint64_t object;
  uint32_t node;
  uint32_t begin, end;
} field_state;

typedef struct {
  uint64_t object; /* serial number of an object; 0 for an array */
  uint32_t node;
  uint32_t array;        /* serial number of an array */
  uint32_t field;        /* PATTERN_NONE, or the field whose value was read last */
  bool field_is_dotted;  /* where it is: in `dotted`, or in `fields` */
  bool in_element;       /* this container is an element: it has pushed an open_element */
  uint32_t first_dotted; /* this object's dotted fields begin here */
} open_container;

typedef struct {
  uint32_t array;
  uint32_t place; /* PATTERN_NONE until something is hit in it */
} open_element;

typedef struct {
  uint32_t parent;
  uint32_t array;
  uint32_t end; /* one past the last place within this one */
} place_state;

typedef enum { CONDITION_UNKNOWN, CONDITION_FAILS, CONDITION_HOLDS, CONDITION_TIED } condition_fate;

typedef struct {
  uint64_t event;
  uint8_t fate; /* condition_fate */
} condition_state;

/* A scalar at the path of some condition. */
typedef struct {
  uint32_t node;
  json_span value;
} found_value;

enum { MOST_FOUND = 16 };

struct pattern_scratch {
  uint64_t event, object, value; /* serial numbers; they never come back */
  const char *error;
  json_scan scan;
  json_index index;
  bool indexed;        /* this event is: the walk passes what no path leads to */
  size_t passed;       /* bytes passed so, in this event */
  size_t indexed_size; /* of its text */
  open_container containers[JSON_MAX_DEPTH + 1];
  uint32_t container_count;
  open_element elements[JSON_MAX_DEPTH + 1];
  uint32_t element_count;
  uint32_t array;    /* serial number of the last array */
  uint32_t *heights; /* per depth of the path: elements open above the next step */
  slot_state *slots;
  field_state *fields;   /* per node, for keys that are one segment */
  pattern_vector dotted; /* of field_state, for keys with dots */
  pattern_vector places, log;
  uint32_t log_floor;     /* hits before this belong to another key's value */
  pattern_vector touched; /* slots with hits */
  uint64_t *tried;        /* per test, the value on which it was last tried (wildcards only) */
  text_buffer text, folded;
  condition_state *conditions;
  uint64_t *rules, *patterns; /* the event in which each was last looked at, or matched */
  uint32_t *matches;
  size_t match_count;
  found_value found[MOST_FOUND]; /* the first ones, where the set has one pattern */
  size_t found_count;            /* of all */
  /* arrays.c */
  pattern_vector items, groups, choices;
  uint64_t steps;
};

/* The item at a place of one of the scratch's vectors. */
#define SCRATCH_PLACE(name, type, vector)                                                          \
  static inline type *pattern_scratch_##name##_at(const pattern_scratch *scratch, size_t place) {  \
    return (type *)scratch->vector.items + place;                                                  \
  }
SCRATCH_PLACE(log, log_entry, log)
SCRATCH_PLACE(place, place_state, places)
SCRATCH_PLACE(dotted, field_state, dotted)
SCRATCH_PLACE(touched, uint32_t, touched)
#undef SCRATCH_PLACE

/* Notes why the event cannot be matched, and returns false. */
bool pattern_scratch_fail(pattern_scratch *scratch, const char *error);

/* Logs a hit of a slot at the current place of the event, for a value of this node. */
bool pattern_scratch_hit(pattern_scratch *scratch, const pattern_node *node, uint32_t slot);

/* values.c: logs all hits of one scalar value. */
bool pattern_take_value(const pattern_set *set, pattern_scratch *scratch, uint32_t node_id,
                        json_span value);

/* rules.c: what the counts say of one condition. */
condition_fate pattern_condition_fate(const pattern_set *set, pattern_scratch *scratch,
                                      uint32_t condition);

/* rules.c: false when the bounds were exceeded (then error is set). */
bool pattern_rule_matches(const pattern_set *set, pattern_scratch *scratch,
                          const pattern_rule *rule, bool *matches);

/* arrays.c: a tied rule. `exceeded` when the bounds were. */
bool pattern_search_rule(const pattern_set *set, pattern_scratch *scratch, const pattern_rule *rule,
                         bool *exceeded);

static inline const slot_state *pattern_scratch_slot(const pattern_scratch *scratch,
                                                     uint32_t slot) {
  static const slot_state untouched = {0};
  if (slot == PATTERN_NONE || scratch->slots[slot].event != scratch->event) return &untouched;
  return &scratch->slots[slot];
}

#endif
