/* Drawing facts and parameters that a schema allows, and changing them a little. Numbers and texts
 * are mostly those that the policy mentions, or one beside them, and the ends of what is allowed.
 *
 * The same state draws the same. Memory: values go into the caller's arena; a dictionary is made
 * once and shared, and owns its lists. */
#ifndef WEIR_EXPLORE_DRAW_H
#define WEIR_EXPLORE_DRAW_H

#include "explore/value.h"
#include "policy/code.h"

typedef struct {
  double *numbers;
  size_t number_count;
  value_text *texts, *keys;
  size_t text_count, key_count;
} dictionary;

/* What the codes mention, at most two of them (the second may be NULL). The texts stay the codes'.
 * False when memory is short. */
bool draw_dictionary_new(dictionary *self, const policy_code *one, const policy_code *two);
void draw_dictionary_free(dictionary *self);

typedef struct {
  uint64_t state;
  const dictionary *words;
  value_arena *arena;
  value *root; /* of what is being changed: values are copied from elsewhere in it */
} drawing;

/* A number below n, which is above 0. */
static inline uint64_t draw_below(drawing *d, uint64_t n);

/* Draws all of a value anew; what may be absent is so half of the time. */
void draw_value(drawing *d, value *self);

/* Draws the fields of a record that is all absent: those that are required, and with `optional`
 * others too. */
void draw_record(drawing *d, value *self, bool optional);

/* Changes one value somewhere below the root. */
void draw_change(drawing *d);

/* The number or text, fitted to what the field allows. False when the value cannot hold it. */
bool draw_set_number(value *self, double number);
bool draw_set_text(drawing *d, value *self, value_text text);

/* Makes lists differ in what must be unique in them, and objects have each key once. */
void draw_repair(value_arena *arena, value *self);

static inline uint64_t draw_next(drawing *d) {
  uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15)); /* SplitMix64 */
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static inline uint64_t draw_below(drawing *d, uint64_t n) {
  return (draw_next(d) >> 32) * n >> 32;
}

#endif
