/* See machine.h.
 *
 * A reader of a value stands in several places of a wildcard at once: in "*ab*", after "xab", it
 * stands behind "*", behind "*ab" and behind "*ab*". All sets of places that values can lead to are
 * walked through; a machine with more than WALK_MAX of them is too complex.
 *
 * Values are read with their quotes, which are literal bytes like any other. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/machine.h"

enum {
  WALK_MAX = 20000, /* sets of places that are looked at */
  BUCKETS = 65536,
  PLACES_MAX = PATTERN_MAX_COMPLEXITY, /* in one set: a larger one ends the walk */
};

/* Where a reader can stand. Behind a star it stays, whatever comes. */
typedef struct {
  bool behind_star;
  uint32_t star;       /* the place behind the star that comes next, or PATTERN_NONE */
  uint32_t first_edge; /* by the bytes that lead on; PATTERN_NONE without any */
} place;

typedef struct {
  uint8_t byte;
  uint32_t to;
  uint32_t next; /* the next edge of the same place, or PATTERN_NONE */
} edge;

typedef struct {
  uint32_t count;
  uint32_t at[PLACES_MAX]; /* ascending */
} place_set;

typedef struct {
  const pattern_machine *machine;
  place_set *sets; /* those reached so far, in the order in which they were */
  size_t count;
  uint32_t *buckets; /* of their hashes; PATTERN_NONE is empty */
} walk;

static place *place_at(const pattern_machine *self, uint32_t id) {
  return (place *)self->places.items + id;
}

static edge *edge_at(const pattern_machine *self, uint32_t id) {
  return (edge *)self->edges.items + id;
}

static uint32_t add_place(pattern_machine *self) {
  place *added = pattern_vector_add(&self->places, sizeof *added);
  if (!added) {
    self->failed = true;
    return PATTERN_NONE;
  }

  *added = (place){.star = PATTERN_NONE, .first_edge = PATTERN_NONE};
  return (uint32_t)self->places.count - 1;
}

static void add_edge(pattern_machine *self, uint32_t from, uint8_t byte, uint32_t to) {
  edge *added = self->failed ? NULL : pattern_vector_add(&self->edges, sizeof *added);
  if (!added) {
    self->failed = true;
    return;
  }

  *added = (edge){.byte = byte, .to = to, .next = place_at(self, from)->first_edge};
  place_at(self, from)->first_edge = (uint32_t)self->edges.count - 1;
  self->used[byte] = true;
}

/* The place that the byte leads to; PATTERN_NONE when there is none yet. */
static uint32_t find_next(const pattern_machine *self, uint32_t from, uint8_t byte) {
  for (uint32_t id = place_at(self, from)->first_edge; id != PATTERN_NONE;) {
    const edge *found = edge_at(self, id);
    if (found->byte == byte) return found->to;
    id = found->next;
  }

  return PATTERN_NONE;
}

/* The place behind the star that follows. */
static uint32_t pass_star(pattern_machine *self, uint32_t from) {
  uint32_t to = place_at(self, from)->star;
  if (to != PATTERN_NONE) return to;
  to = add_place(self);
  if (self->failed) return from;
  place_at(self, to)->behind_star = true;
  place_at(self, from)->star = to;

  return to;
}

/* The place behind the byte: one that is there when no star came before it. */
static uint32_t pass_byte(pattern_machine *self, uint32_t from, uint8_t byte, bool shared) {
  uint32_t to = shared ? find_next(self, from, byte) : PATTERN_NONE;
  if (to != PATTERN_NONE) return to;
  to = add_place(self);
  add_edge(self, from, byte, to);

  return self->failed ? from : to;
}

void pattern_machine_begin(pattern_machine *self) {
  uint32_t *start = pattern_vector_add(&self->starts, sizeof *start);
  self->start = add_place(self);
  self->end = add_place(self);
  if (start)
    *start = self->start;
  else
    self->failed = true;
}

void pattern_machine_add(pattern_machine *self, const pattern_test *test) {
  bool shared = true;
  uint32_t at = self->start;
  for (uint32_t i = 0; i < test->size && !self->failed; i++) {
    bool star = test->bytes[i] == PATTERN_STAR;
    at = star ? pass_star(self, at) : pass_byte(self, at, (uint8_t)test->bytes[i], shared);
    shared = shared && !star;
  }

  if (!self->failed) add_edge(self, at, '"', self->end);
}

/* False when the set is full: more places than EventBridge takes. */
static bool add_to_set(place_set *set, uint32_t id) {
  uint32_t i = set->count;
  while (i > 0 && set->at[i - 1] > id) i--;
  if (i > 0 && set->at[i - 1] == id) return true;
  if (set->count == PLACES_MAX) return false;
  memmove(set->at + i + 1, set->at + i, (set->count - i) * sizeof set->at[0]);
  set->at[i] = id;
  set->count++;

  return true;
}

/* A star stands for nothing, too: who stands before it stands behind it as well. The place before
 * the star is kept when text led there. */
static bool arrive(const walk *self, place_set *set, uint32_t id) {
  uint32_t star = place_at(self->machine, id)->star;
  return add_to_set(set, id) && (star == PATTERN_NONE || add_to_set(set, star));
}

/* The places after one more byte. */
static bool step(const walk *self, const place_set *from, int byte, place_set *to) {
  *to = (place_set){0};
  for (uint32_t i = 0; i < from->count; i++) {
    const place *here = place_at(self->machine, from->at[i]);
    if (here->behind_star && !add_to_set(to, from->at[i])) return false;
    for (uint32_t id = here->first_edge; id != PATTERN_NONE;) {
      const edge *way = edge_at(self->machine, id);
      if (way->byte == byte && !arrive(self, to, way->to)) return false;
      id = way->next;
    }
  }

  return true;
}

/* False when too many sets were reached. */
static bool remember(walk *self, const place_set *set) {
  uint64_t hash = pattern_hash_bytes(0, (const char *)set->at, set->count * sizeof set->at[0]);
  uint32_t bucket = (uint32_t)(hash % BUCKETS);
  for (; self->buckets[bucket] != PATTERN_NONE; bucket = (bucket + 1) % BUCKETS) {
    const place_set *known = &self->sets[self->buckets[bucket]];
    if (known->count == set->count &&
        memcmp(known->at, set->at, set->count * sizeof set->at[0]) == 0)
      return true;
  }

  if (self->count == WALK_MAX) return false;
  self->buckets[bucket] = (uint32_t)self->count;
  self->sets[self->count++] = *set;

  return true;
}

/* Looks at all sets of places that follow those already reached. */
static bool walk_on(walk *self) {
  place_set next;
  for (size_t i = 0; i < self->count; i++) {
    for (int byte = 0; byte <= PATTERN_OTHER_BYTE; byte++) {
      if (!self->machine->used[byte]) continue;
      place_set from = self->sets[i];
      if (!step(self, &from, byte, &next) || !remember(self, &next)) return false;
    }
  }

  return true;
}

/* The quote that all values begin with leads to one set: the starts of all operators. */
static bool begin_walk(walk *self) {
  place_set first = {0};
  const pattern_vector *starts = &self->machine->starts;
  for (size_t i = 0; i < starts->count; i++)
    if (!arrive(self, &first, pattern_id_at(starts, i))) return false;
  return remember(self, &first);
}

bool pattern_machine_is_low(pattern_machine *machine) {
  walk self = {.machine = machine};
  machine->used[PATTERN_OTHER_BYTE] = true;
  self.sets = malloc(WALK_MAX * sizeof *self.sets);
  self.buckets = malloc(BUCKETS * sizeof *self.buckets);
  bool ok = self.sets && self.buckets && !machine->failed;
  if (ok) {
    memset(self.buckets, 0xff, BUCKETS * sizeof *self.buckets);
    ok = begin_walk(&self) && walk_on(&self);
  }

  free(self.sets);
  free(self.buckets);

  return ok;
}

void pattern_machine_free(pattern_machine *self) {
  free(self->places.items);
  free(self->edges.items);
  free(self->starts.items);
}
