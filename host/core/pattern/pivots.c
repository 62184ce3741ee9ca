/* Chooses each rule's pivot: the condition that should hold most rarely. A rule is looked at only
 * when its pivot was satisfied, so an event does not pay for the rules it has nothing to do with.
 * Memory: owned by the set. */
#include <stdlib.h>

#include "core/pattern/impl.h"

static const uint64_t NEVER_PIVOT = UINT64_MAX;
static const uint64_t BROAD = UINT64_C(1) << 40; /* satisfied by nearly any value */

static const uint32_t *members_of(const pattern_set *set, const pattern_condition *condition) {
  return pattern_member_at(set, condition->first_member);
}

static uint32_t test_count(const pattern_condition *condition) {
  return condition->member_count - condition->but_count;
}

/* How many rules each slot serves: the less it is shared, the more it tells rules apart. */
static void count_uses(const pattern_set *set, const uint32_t *condition_uses,
                       uint64_t *slot_uses) {
  for (size_t i = 0; i < set->conditions.count; i++) {
    const pattern_condition *condition = pattern_condition_at(set, i);
    const uint32_t *members = members_of(set, condition);
    for (uint32_t k = 0; condition_uses[i] > 0 && k < test_count(condition); k++)
      slot_uses[pattern_test_at(set, members[k])->slot] += condition_uses[i];
  }
}

static uint64_t expected_hits(const pattern_set *set, const pattern_condition *condition,
                              const uint64_t *slot_uses) {
  uint64_t hits = 0;
  if (condition->exists_false) return NEVER_PIVOT; /* what is absent triggers nothing */
  if (condition->exists_true || condition->but_count > 0) hits = BROAD;
  const uint32_t *members = members_of(set, condition);
  for (uint32_t k = 0; k < test_count(condition); k++) {
    const pattern_test *test = pattern_test_at(set, members[k]);
    /* One value of many fits an operator; a literal fits one. A word is one of three values. */
    bool narrow = test->kind == TEST_EXACT || test->kind == TEST_NUMBER;
    uint64_t weight = narrow ? 2 : test->kind == TEST_WORD ? 16 : 3;
    hits += weight * slot_uses[test->slot];
  }

  return hits;
}

/* Turns counts, one place to the right, into starts. */
static void accumulate(uint32_t *starts, size_t count) {
  for (size_t i = 0; i < count; i++) starts[i + 1] += starts[i];
}

/* Calls for each slot that can satisfy a condition: its tests', and its node's presence. */
static void file_condition(const pattern_set *set, uint32_t id, uint32_t *starts,
                           uint32_t *filled) {
  const pattern_condition *condition = pattern_condition_at(set, id);
  const uint32_t *members = members_of(set, condition);
  bool present = condition->exists_true || condition->but_count > 0;
  for (uint32_t k = 0; k < test_count(condition) + present; k++) {
    uint32_t slot = k < test_count(condition) ? pattern_test_at(set, members[k])->slot
                                              : pattern_node_at(set, condition->node)->slot;
    if (filled)
      filled[starts[slot]++] = id;
    else
      starts[slot + 1]++;
  }
}

/* Undoes the advance that filling made. */
static void rewind_starts(uint32_t *starts, size_t count) {
  for (size_t i = count; i > 0; i--) starts[i] = starts[i - 1];
  starts[0] = 0;
}

static bool file_slots(pattern_set *set, const bool *is_pivot) {
  set->slot_starts = calloc((size_t)set->slot_count + 2, sizeof *set->slot_starts);
  if (!set->slot_starts) return false;
  for (uint32_t i = 0; i < set->conditions.count; i++)
    if (is_pivot[i]) file_condition(set, i, set->slot_starts, NULL);
  accumulate(set->slot_starts, set->slot_count);
  set->slot_conditions = malloc((set->slot_starts[set->slot_count] + 1u) * sizeof(uint32_t));
  if (!set->slot_conditions) return false;
  for (uint32_t i = 0; i < set->conditions.count; i++)
    if (is_pivot[i]) file_condition(set, i, set->slot_starts, set->slot_conditions);
  rewind_starts(set->slot_starts, set->slot_count);

  return true;
}

/* The rule's pivot, or PATTERN_NONE. */
static uint32_t choose(const pattern_set *set, const pattern_rule *rule, const uint64_t *hits) {
  uint32_t best = PATTERN_NONE;
  for (uint32_t k = 0; k < rule->condition_count; k++) {
    uint32_t id = *pattern_rule_condition_at(set, rule->first_condition + k);
    if (hits[id] != NEVER_PIVOT && (best == PATTERN_NONE || hits[id] < hits[best])) best = id;
  }

  return best;
}

static bool file_rules(pattern_set *set, const uint64_t *hits, bool *is_pivot) {
  size_t conditions = set->conditions.count;
  uint32_t *starts = set->condition_starts = calloc(conditions + 2, sizeof *starts);
  set->condition_rules = malloc((set->rules.count + 1) * sizeof *set->condition_rules);
  set->always = malloc((set->rules.count + 1) * sizeof *set->always);
  if (!starts || !set->condition_rules || !set->always) return false;
  for (uint32_t i = 0; i < set->rules.count; i++) {
    uint32_t pivot = choose(set, pattern_rule_at(set, i), hits);
    if (pivot == PATTERN_NONE) {
      set->always[set->always_count++] = i;
      continue;
    }

    is_pivot[pivot] = true;
    starts[pivot + 1]++;
  }

  accumulate(starts, conditions);
  for (uint32_t i = 0; i < set->rules.count; i++) {
    uint32_t pivot = choose(set, pattern_rule_at(set, i), hits);
    if (pivot != PATTERN_NONE) set->condition_rules[starts[pivot]++] = i;
  }

  rewind_starts(starts, conditions);

  return true;
}

bool pattern_index_pivots(pattern_set *set) {
  size_t conditions = set->conditions.count;
  uint32_t *condition_uses = calloc(conditions + 1, sizeof *condition_uses);
  uint64_t *slot_uses = calloc((size_t)set->slot_count + 1, sizeof *slot_uses);
  uint64_t *hits = calloc(conditions + 1, sizeof *hits);
  bool *is_pivot = calloc(conditions + 1, sizeof *is_pivot);
  bool ok = condition_uses && slot_uses && hits && is_pivot;
  if (ok) {
    for (size_t i = 0; i < set->rule_conditions.count; i++)
      condition_uses[*pattern_rule_condition_at(set, i)]++;
    count_uses(set, condition_uses, slot_uses);
    for (size_t i = 0; i < conditions; i++)
      if (condition_uses[i] > 0)
        hits[i] = expected_hits(set, pattern_condition_at(set, i), slot_uses);
    ok = file_rules(set, hits, is_pivot) && file_slots(set, is_pivot);
  }

  free(condition_uses);
  free(slot_uses);
  free(hits);
  free(is_pivot);

  return ok;
}
