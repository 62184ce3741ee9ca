/* Decides one rule from the log of an event, by counting where that is enough: every condition
 * was hit outside all arrays that matter, or one was not hit at all. Otherwise the rule is *tied*:
 * some condition holds only inside elements of an array, and what else must hold may have to hold
 * in the same element (arrays.c).
 * Memory: the scratch's. */
#include "core/pattern/scratch.h"

/* Whether the condition can be decided from counts alone. */
static condition_fate weigh(const pattern_set *set, const pattern_scratch *scratch,
                            const pattern_condition *condition) {
  const uint32_t *members = pattern_member_at(set, condition->first_member);
  const slot_state *present =
      pattern_scratch_slot(scratch, pattern_node_at(set, condition->node)->slot);
  uint32_t tests = condition->member_count - condition->but_count;
  bool hit = condition->exists_true && present->live > 0;
  if (condition->exists_true && present->root > 0) return CONDITION_HOLDS;
  for (uint32_t k = 0; k < condition->member_count; k++) {
    bool is_test = k < tests;
    const slot_state *state =
        pattern_scratch_slot(scratch, is_test ? pattern_test_at(set, members[k])->slot
                                              : pattern_but_at(set, members[k])->slot);
    if (is_test ? state->root > 0 : present->root > state->root) return CONDITION_HOLDS;
    hit |= is_test ? state->live > 0 : present->live > state->live;
  }

  if (condition->exists_false && present->live == 0) return CONDITION_HOLDS;
  if (condition->exists_false && present->root == 0) return CONDITION_TIED;

  return hit ? CONDITION_TIED : CONDITION_FAILS;
}

condition_fate pattern_condition_fate(const pattern_set *set, pattern_scratch *scratch,
                                      uint32_t id) {
  condition_state *state = &scratch->conditions[id];
  if (state->event != scratch->event) {
    condition_fate fate = weigh(set, scratch, pattern_condition_at(set, id));
    *state = (condition_state){.event = scratch->event, .fate = (uint8_t)fate};
  }

  return (condition_fate)state->fate;
}

bool pattern_rule_matches(const pattern_set *set, pattern_scratch *scratch,
                          const pattern_rule *rule, bool *matches) {
  bool tied = false;
  *matches = false;
  for (uint32_t k = 0; k < rule->condition_count; k++) {
    uint32_t id = *pattern_rule_condition_at(set, rule->first_condition + k);
    condition_fate fate = pattern_condition_fate(set, scratch, id);
    if (fate == CONDITION_FAILS) return true;
    tied |= fate == CONDITION_TIED;
  }

  if (!tied) {
    *matches = true;
    return true;
  }

  bool exceeded;
  *matches = pattern_search_rule(set, scratch, rule, &exceeded);
  if (exceeded) scratch->error = "its nested arrays allow too many combinations to decide";

  return !exceeded;
}
