/* How complex the wildcards of a pattern are, as event-ruler measures it
 * (MachineComplexityEvaluator): how many places of its wildcards one value can reach, over all that
 * are tried at the same time (machine.h). EventBridge takes patterns up to PATTERN_MAX_COMPLEXITY.
 *
 * Tried at the same time are the wildcards of one list, and those of the same field in branches of
 * $or that can agree in all fields before it (fields are looked at in the order of their paths).
 * Those inside an anything-but count as well.
 *
 * Memory: freed before the functions return. */
#include "core/pattern/machine.h"

/* What is tried at the same time as what: wildcards by their test, anything-buts by their place. */
typedef struct {
  const pattern_set *set;
  pattern_machine machine;
  uint32_t tests[PATTERN_MAX_COMPLEXITY + 1], buts[PATTERN_MAX_COMPLEXITY + 1];
  uint32_t test_count, but_count;
} field;

static bool is_wildcard(const pattern_set *set, uint32_t test) {
  return pattern_test_at(set, test)->kind == TEST_WILDCARD;
}

/* One more operator than can be is enough. */
static bool is_full(const field *self) {
  return self->test_count + self->but_count > PATTERN_MAX_COMPLEXITY;
}

static void add_test(field *self, uint32_t id) {
  for (uint32_t i = 0; i < self->test_count; i++)
    if (self->tests[i] == id) return;
  if (is_full(self) || !is_wildcard(self->set, id)) return;
  self->tests[self->test_count++] = id;
  pattern_machine_begin(&self->machine);
  pattern_machine_add(&self->machine, pattern_test_at(self->set, id));
}

static bool but_has(const pattern_set *set, const pattern_but *but, uint32_t count, uint32_t test) {
  for (uint32_t i = 0; i < count; i++)
    if (pattern_negation_at(set, but->first_negation + i)->test == test) return true;
  return false;
}

static bool but_covers(const pattern_set *set, const pattern_but *but, const pattern_but *other) {
  for (uint32_t i = 0; i < other->negation_count; i++) {
    uint32_t test = pattern_negation_at(set, other->first_negation + i)->test;
    if (!but_has(set, but, but->negation_count, test)) return false;
  }

  return true;
}

/* Do both refuse the same values? */
static bool are_same_buts(const pattern_set *set, uint32_t a, uint32_t b) {
  const pattern_but *one = pattern_but_at(set, a), *two = pattern_but_at(set, b);
  return a == b || (but_covers(set, one, two) && but_covers(set, two, one));
}

static bool but_has_wildcard(const pattern_set *set, uint32_t id) {
  const pattern_but *but = pattern_but_at(set, id);
  return but->negation_count > 0 &&
         is_wildcard(set, pattern_negation_at(set, but->first_negation)->test);
}

static void add_but(field *self, uint32_t id) {
  const pattern_but *but = pattern_but_at(self->set, id);
  for (uint32_t i = 0; i < self->but_count; i++)
    if (are_same_buts(self->set, self->buts[i], id)) return;
  if (is_full(self) || !but_has_wildcard(self->set, id)) return;
  self->buts[self->but_count++] = id;
  pattern_machine_begin(&self->machine);
  for (uint32_t i = 0; i < but->negation_count; i++) {
    uint32_t test = pattern_negation_at(self->set, but->first_negation + i)->test;
    if (!but_has(self->set, but, i, test))
      pattern_machine_add(&self->machine, pattern_test_at(self->set, test));
  }
}

/* The tests of a condition come first, then its anything-buts. */
static uint32_t count_tests(const pattern_condition *condition) {
  return condition->member_count - condition->but_count;
}

static uint32_t member_of(const pattern_set *set, const pattern_condition *condition, uint32_t i) {
  return *pattern_member_at(set, condition->first_member + i);
}

static bool has_wildcard(const pattern_set *set, const pattern_condition *condition) {
  uint32_t tests = count_tests(condition);
  for (uint32_t i = 0; i < condition->member_count; i++) {
    uint32_t id = member_of(set, condition, i);
    if (i < tests ? is_wildcard(set, id) : but_has_wildcard(set, id)) return true;
  }

  return false;
}

static void add_wildcards(field *self, const pattern_condition *condition) {
  uint32_t tests = count_tests(condition);
  for (uint32_t i = 0; i < condition->member_count; i++) {
    uint32_t id = member_of(self->set, condition, i);
    if (i < tests)
      add_test(self, id);
    else
      add_but(self, id);
  }
}

/* Can one value, or its absence, satisfy both by the same operator? */
static bool can_agree(const pattern_set *set, const pattern_condition *a,
                      const pattern_condition *b) {
  if (a == b) return true;
  if (a->node != b->node) return false;
  if ((a->exists_true && b->exists_true) || (a->exists_false && b->exists_false)) return true;
  uint32_t tests_a = count_tests(a), tests_b = count_tests(b);
  for (uint32_t i = 0; i < a->member_count; i++)
    for (uint32_t j = 0; j < b->member_count; j++) {
      uint32_t one = member_of(set, a, i), two = member_of(set, b, j);
      if ((i < tests_a) != (j < tests_b)) continue;
      if (i < tests_a ? one == two : are_same_buts(set, one, two)) return true;
    }

  return false;
}

static const pattern_condition *condition_of(const pattern_set *set, const pattern_rule *rule,
                                             uint32_t place) {
  return pattern_condition_at(set, *pattern_rule_condition_at(set, rule->first_condition + place));
}

/* Whether both rules try the field at this place at the same time. `same`: in the same way, as all
 * fields before it are the same, too. */
static bool tries_with(const pattern_set *set, const pattern_rule *a, const pattern_rule *b,
                       uint32_t place, bool *same) {
  *same = true;
  if (place >= b->condition_count) return false;
  if (condition_of(set, a, place)->node != condition_of(set, b, place)->node) return false;
  for (uint32_t i = 0; i < place; i++) {
    const pattern_condition *one = condition_of(set, a, i), *two = condition_of(set, b, i);
    if (!can_agree(set, one, two)) return false;
    if (one != two) *same = false;
  }

  return true;
}

/* The field at this place of a rule, with every rule that tries it at the same time. Of rules that
 * do so in the same way only the first looks. */
static bool field_is_low(const pattern_set *set, uint32_t first_rule, uint32_t id, uint32_t place) {
  const pattern_rule *rule = pattern_rule_at(set, id);
  field self = {.set = set};
  bool is_looked_at = false, same;
  for (uint32_t i = first_rule; i < set->rules.count && !is_looked_at && !is_full(&self); i++) {
    const pattern_rule *other = pattern_rule_at(set, i);
    if (!tries_with(set, rule, other, place, &same)) continue;
    is_looked_at = same && i < id;
    if (!is_looked_at) add_wildcards(&self, condition_of(set, other, place));
  }

  bool ok = is_looked_at || pattern_machine_is_low(&self.machine);
  pattern_machine_free(&self.machine);

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
