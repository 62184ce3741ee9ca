/* How complex the wildcards of a pattern are, as event-ruler measures it
 * (MachineComplexityEvaluator).
 *
 * A reader of a value stands in several places of a wildcard at once: in "*ab*", after "xab", it
 * stands behind "*", behind "*ab" and behind "*ab*". The complexity of a field is how many places
 * one value can put it in, over all wildcards that are tried at the same time. EventBridge takes
 * patterns up to PATTERN_MAX_COMPLEXITY.
 *
 * Tried at the same time are the wildcards of one list, and those of the same field in branches of
 * $or that agree in all fields before it (fields are looked at in the order of their paths). A
 * wildcard inside an anything-but does not count.
 *
 * Values are read with their quotes, which are literal bytes like any other. All places that values
 * can lead to are walked through; a pattern that has more than WALK_MAX of them is too complex.
 * Memory: freed before the functions return. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/impl.h"

enum {
  WALK_MAX = 20000,                    /* sets of places that are looked at */
  PLACES_MAX = PATTERN_MAX_COMPLEXITY, /* in one set: a larger one ends the walk */
  OTHER_BYTE = 256,                    /* any byte that no wildcard names */
};

/* What stands in front of a place: a byte, a star, or nothing any more. */
enum { TOKEN_STAR = -1, TOKEN_END = -2 };

/* The wildcards one behind the other, each between quotes and with TOKEN_END at its end. A place is
 * an index of `tokens`: the reader stands before that token. */
typedef struct {
  int16_t *tokens;
  uint32_t count, capacity;
  bool used[OTHER_BYTE + 1]; /* bytes worth trying */
  bool failed;
} wildcard_list;

typedef struct {
  uint32_t count;
  uint32_t at[PLACES_MAX]; /* ascending */
} place_set;

typedef struct {
  const wildcard_list *list;
  place_set *sets; /* those reached so far, in the order in which they were */
  size_t count;
  uint32_t *buckets; /* of their hashes; PATTERN_NONE is empty */
} walk;

enum { BUCKETS = 65536 };

static void add_token(wildcard_list *list, int16_t token) {
  if (list->count == list->capacity) {
    uint32_t capacity = list->capacity ? 2 * list->capacity : 256;
    int16_t *tokens = realloc(list->tokens, capacity * sizeof *tokens);
    if (!tokens) {
      list->failed = true;
      return;
    }

    list->tokens = tokens;
    list->capacity = capacity;
  }

  list->tokens[list->count++] = token;
  if (token >= 0) list->used[token] = true;
}

static void add_wildcard(wildcard_list *list, const pattern_test *test) {
  add_token(list, '"');
  for (uint32_t i = 0; i < test->size; i++)
    add_token(list, test->bytes[i] == PATTERN_STAR ? TOKEN_STAR : (uint8_t)test->bytes[i]);
  add_token(list, '"');
  add_token(list, TOKEN_END);
}

/* False when the set is full: more places than EventBridge takes. */
static bool add_place(place_set *set, uint32_t place) {
  uint32_t i = set->count;
  while (i > 0 && set->at[i - 1] > place) i--;
  if (i > 0 && set->at[i - 1] == place) return true;
  if (set->count == PLACES_MAX) return false;
  memmove(set->at + i + 1, set->at + i, (set->count - i) * sizeof set->at[0]);
  set->at[i] = place;
  set->count++;

  return true;
}

/* A star stands for nothing, too: who stands before it stands behind it as well. The place before
 * the star is kept when text led there. */
static bool arrive(const walk *self, place_set *set, uint32_t place) {
  if (!add_place(set, place)) return false;
  return self->list->tokens[place] != TOKEN_STAR || add_place(set, place + 1);
}

static bool behind_star(const walk *self, uint32_t place) {
  return place > 0 && self->list->tokens[place - 1] == TOKEN_STAR;
}

/* The places after one more byte. */
static bool step(const walk *self, const place_set *from, int byte, place_set *to) {
  *to = (place_set){0};
  for (uint32_t i = 0; i < from->count; i++) {
    uint32_t place = from->at[i];
    if (behind_star(self, place) && !arrive(self, to, place)) return false;
    if (self->list->tokens[place] == byte && !arrive(self, to, place + 1)) return false;
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
    for (int byte = 0; byte <= OTHER_BYTE; byte++) {
      if (!self->list->used[byte]) continue;
      place_set from = self->sets[i];
      if (!step(self, &from, byte, &next) || !remember(self, &next)) return false;
    }
  }

  return true;
}

/* All wildcards begin with the quote, so the first step leads to one set. */
static bool begin_walk(walk *self) {
  place_set first = {0};
  const int16_t *tokens = self->list->tokens;
  for (uint32_t i = 0; i < self->list->count; i++)
    if ((i == 0 || tokens[i - 1] == TOKEN_END) && !arrive(self, &first, i + 1)) return false;
  return remember(self, &first);
}

static bool is_low(wildcard_list *list) {
  walk self = {.list = list};
  list->used[OTHER_BYTE] = true;
  self.sets = malloc(WALK_MAX * sizeof *self.sets);
  self.buckets = malloc(BUCKETS * sizeof *self.buckets);
  bool ok = self.sets && self.buckets && !list->failed;
  if (ok) {
    memset(self.buckets, 0xff, BUCKETS * sizeof *self.buckets);
    ok = begin_walk(&self) && walk_on(&self);
  }

  free(self.sets);
  free(self.buckets);

  return ok;
}

static bool has_wildcard(const pattern_set *set, const pattern_condition *condition) {
  for (uint32_t i = 0; i < condition->member_count - condition->but_count; i++) {
    uint32_t id = *pattern_member_at(set, condition->first_member + i);
    if (pattern_test_at(set, id)->kind == TEST_WILDCARD) return true;
  }

  return false;
}

static void add_wildcards(const pattern_set *set, const pattern_condition *condition, bool *added,
                          wildcard_list *list) {
  for (uint32_t i = 0; i < condition->member_count - condition->but_count; i++) {
    uint32_t id = *pattern_member_at(set, condition->first_member + i);
    const pattern_test *test = pattern_test_at(set, id);
    if (test->kind != TEST_WILDCARD || added[id]) continue;
    added[id] = true;
    add_wildcard(list, test);
  }
}

static const pattern_condition *condition_of(const pattern_set *set, const pattern_rule *rule,
                                             uint32_t place) {
  return pattern_condition_at(set, *pattern_rule_condition_at(set, rule->first_condition + place));
}

/* Whether both rules try the field at this place at the same time. */
static bool tries_with(const pattern_set *set, const pattern_rule *a, const pattern_rule *b,
                       uint32_t place) {
  if (place >= b->condition_count) return false;
  for (uint32_t i = 0; i < place; i++)
    if (*pattern_rule_condition_at(set, a->first_condition + i) !=
        *pattern_rule_condition_at(set, b->first_condition + i))
      return false;
  return condition_of(set, a, place)->node == condition_of(set, b, place)->node;
}

/* The field at this place of a rule, with every rule that tries it at the same time. Only the first
 * of those rules looks. */
static bool field_is_low(const pattern_set *set, uint32_t first_rule, uint32_t id, uint32_t place) {
  const pattern_rule *rule = pattern_rule_at(set, id);
  wildcard_list list = {0};
  bool *added = calloc(set->tests.count, sizeof *added), ok = added != NULL, is_first = true;
  for (uint32_t i = first_rule; ok && i < set->rules.count; i++) {
    const pattern_rule *other = pattern_rule_at(set, i);
    if (!tries_with(set, rule, other, place)) continue;
    is_first = i >= id;
    if (!is_first) break;
    add_wildcards(set, condition_of(set, other, place), added, &list);
  }

  if (ok && is_first) ok = is_low(&list);
  free(added);
  free(list.tokens);

  return ok;
}

bool pattern_complexity_is_low(const pattern_set *set, uint32_t first_rule) {
  for (uint32_t id = first_rule; id < set->rules.count; id++) {
    const pattern_rule *rule = pattern_rule_at(set, id);
    for (uint32_t place = 0; place < rule->condition_count; place++)
      if (has_wildcard(set, condition_of(set, rule, place)) &&
          !field_is_low(set, first_rule, id, place))
        return false;
  }

  return true;
}
