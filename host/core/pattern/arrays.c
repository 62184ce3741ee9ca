/* Decides a tied rule: the places of its hits must agree on an element of each array.
 *
 * The hits are sorted by place and the tree of places is searched from the top: a condition hit
 * under one array only must be met by the element chosen there, together with all others under that
 * array. Only a key that can be met in several ways (a dotted key beside a nested one) needs trying
 * out.
 *
 * `exists: false` follows event-ruler: fields are looked at in the order of their paths, and a
 * field is absent when no value of it lies in the elements chosen for the fields before it.
 *
 * Memory: the scratch's. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/scratch.h"

/* A set of the rule's conditions. */
typedef struct {
  uint64_t words[PATTERN_MAX_KEYS / 64];
} key_set;

/* A condition hit in a place; `absent` when it is the presence that an exists:false forbids. */
typedef struct {
  uint32_t place;
  uint16_t key;
  bool absent;
  int64_t count;
} rule_item;

/* The hits under one array. */
typedef struct {
  uint32_t array;
  uint32_t first, last; /* in items */
  key_set met, present;
} array_group;

typedef struct {
  const pattern_set *set;
  pattern_scratch *scratch;
  const pattern_rule *rule;
  bool exceeded;
} rule_search;

static rule_item *item_at(const pattern_scratch *scratch, size_t place) {
  return (rule_item *)scratch->items.items + place;
}

static array_group *group_at(const pattern_scratch *scratch, size_t place) {
  return (array_group *)scratch->groups.items + place;
}

static bool has_key(const key_set *set, uint32_t key) {
  return set->words[key / 64] >> key % 64 & 1;
}

static void add_key(key_set *set, uint32_t key) {
  set->words[key / 64] |= UINT64_C(1) << key % 64;
}

static void remove_keys(key_set *set, const key_set *other) {
  for (size_t i = 0; i < PATTERN_MAX_KEYS / 64; i++) set->words[i] &= ~other->words[i];
}

static bool shares_key(const key_set *a, const key_set *b) {
  uint64_t shared = 0;
  for (size_t i = 0; i < PATTERN_MAX_KEYS / 64; i++) shared |= a->words[i] & b->words[i];
  return shared != 0;
}

static bool is_empty(const key_set *set) {
  return !shares_key(set, set);
}

static const pattern_condition *condition_at(const rule_search *search, uint32_t key) {
  uint32_t id = *pattern_rule_condition_at(search->set, search->rule->first_condition + key);
  return pattern_condition_at(search->set, id);
}

static bool add_items(rule_search *search, uint32_t slot, uint32_t key, bool absent, int sign) {
  pattern_scratch *scratch = search->scratch;
  const slot_state *state = pattern_scratch_slot(scratch, slot);
  if (state->live == 0) return true;
  for (uint32_t id = state->head; id != PATTERN_NONE;) {
    const log_entry *entry = pattern_scratch_log_at(scratch, id);
    id = entry->next;
    if (entry->count == 0) continue;
    rule_item *item = pattern_vector_add(&scratch->items, sizeof *item);
    if (!item) return false;
    *item = (rule_item){entry->place, (uint16_t)key, absent, sign * (int64_t)entry->count};
  }
  return true;
}

static int compare_items(const void *left, const void *right) {
  const rule_item *a = left, *b = right;
  if (a->place != b->place) return a->place < b->place ? -1 : 1;
  if (a->key != b->key) return a->key < b->key ? -1 : 1;
  return (int)a->absent - (int)b->absent;
}

/* Sorts the items from `first` on and adds up those of one place and key; where as many values
 * were refused as there are, nothing holds. */
static void merge_items(pattern_vector *items, size_t first) {
  rule_item *all = items->items;
  size_t kept = first;
  if (items->count == first) return;
  qsort(all + first, items->count - first, sizeof *all, compare_items);
  for (size_t i = first; i < items->count;) {
    rule_item sum = all[i];
    for (i++; i < items->count && compare_items(&sum, &all[i]) == 0; i++) sum.count += all[i].count;
    if (sum.count > 0) all[kept++] = sum;
  }
  items->count = kept;
}

/* The places where a condition holds. */
static bool gather_condition(rule_search *search, uint32_t key) {
  const pattern_set *set = search->set;
  pattern_vector *items = &search->scratch->items;
  const pattern_condition *condition = condition_at(search, key);
  const uint32_t *members = pattern_member_at(set, condition->first_member);
  uint32_t present = pattern_node_at(set, condition->node)->slot;
  uint32_t tests = condition->member_count - condition->but_count;
  for (uint32_t k = 0; k < tests; k++)
    if (!add_items(search, pattern_test_at(set, members[k])->slot, key, false, 1)) return false;
  for (uint32_t k = tests; k < condition->member_count; k++) {
    /* Present, but not refused: what remains of each anything-but is added up on its own. */
    size_t first = items->count;
    uint32_t refused = pattern_but_at(set, members[k])->slot;
    if (!add_items(search, present, key, false, 1) || !add_items(search, refused, key, false, -1))
      return false;
    merge_items(items, first);
  }
  if (condition->exists_true && !add_items(search, present, key, false, 1)) return false;
  return !condition->exists_false || add_items(search, present, key, true, 1);
}

static bool is_within(const rule_search *search, uint32_t place, uint32_t around) {
  return place < pattern_scratch_place_at(search->scratch, around)->end;
}

/* The place directly under `above` on the way to `place`. */
static uint32_t child_towards(rule_search *search, uint32_t above, uint32_t place) {
  for (;;) {
    uint32_t parent = pattern_scratch_place_at(search->scratch, place)->parent;
    search->scratch->steps++;
    if (parent == above) return place;
    place = parent;
  }
}

/* The items after `first` that lie in the same child of `above` as it does. */
static uint32_t end_of_child(rule_search *search, uint32_t above, uint32_t first, uint32_t last,
                             uint32_t *child) {
  const rule_item *items = search->scratch->items.items;
  *child = child_towards(search, above, items[first].place);
  while (first < last && is_within(search, items[first].place, *child)) first++;
  return first;
}

/* Groups items under a place by the array they are in; the groups go on top of the stack. */
static bool group_items(rule_search *search, uint32_t above, uint32_t first, uint32_t last) {
  pattern_scratch *scratch = search->scratch;
  array_group *group = NULL;
  for (uint32_t next; first < last; first = next) {
    uint32_t child;
    next = end_of_child(search, above, first, last, &child);
    uint32_t array = pattern_scratch_place_at(scratch, child)->array;
    if (!group || group->array != array) {
      group = pattern_vector_add(&scratch->groups, sizeof *group);
      if (!group) return false;
      *group = (array_group){.array = array, .first = first};
    }
    group->last = next;
    for (uint32_t i = first; i < next; i++) {
      const rule_item *item = item_at(scratch, i);
      add_key(item->absent ? &group->present : &group->met, item->key);
    }
    scratch->steps += next - first;
  }
  return true;
}

/* How a key is met: directly in this place, or by one of the groups that meet it. */
typedef struct {
  uint16_t key;
  bool direct; /* the first way is the direct one */
  uint32_t ways;
  uint32_t chosen; /* which way, from 0 */
  uint32_t group;  /* the chosen way's group, or PATTERN_NONE */
} key_choice;

static key_choice *choice_at(const pattern_vector *choices, size_t place) {
  return (key_choice *)choices->items + place;
}

static bool search_place(rule_search *search, uint32_t place, uint32_t first, uint32_t last,
                         key_set need, key_set absent, uint32_t depth);

static bool search_elements(rule_search *search, uint32_t above, const array_group *group,
                            key_set need, key_set absent, uint32_t depth) {
  uint32_t last = group->last;
  for (uint32_t first = group->first, next; first < last; first = next) {
    uint32_t child;
    next = end_of_child(search, above, first, last, &child);
    if (search_place(search, child, first, next, need, absent, depth + 1)) return true;
    if (search->exceeded) return false;
  }
  return false;
}

/* What the choices ask of one group: the keys to meet in it, and the keys that must be absent
 * from the element chosen. False when a key is present that nothing before it shuts out. */
static bool demand(const rule_search *search, size_t first_choice, uint32_t group_index,
                   const key_set *present, const key_set *absent, key_set *need, key_set *shut) {
  const pattern_vector *choices = &search->scratch->choices;
  uint32_t earliest = PATTERN_MAX_KEYS;
  *need = *shut = (key_set){0};
  for (size_t i = first_choice; i < choices->count; i++) {
    const key_choice *choice = choice_at(choices, i);
    if (choice->group != group_index) continue;
    add_key(need, choice->key);
    if (choice->key < earliest) earliest = choice->key;
  }
  if (!shares_key(absent, present)) return true;
  for (uint32_t key = 0; key < search->rule->condition_count; key++) {
    if (!has_key(absent, key) || !has_key(present, key)) continue;
    if (earliest > key) return false;
    add_key(shut, key);
  }
  return true;
}

/* Finds the group that each choice has come to stand for. */
static void resolve_choices(rule_search *search, size_t first_group, size_t first_choice) {
  pattern_scratch *scratch = search->scratch;
  for (size_t i = first_choice; i < scratch->choices.count; i++) {
    key_choice *choice = choice_at(&scratch->choices, i);
    choice->group = PATTERN_NONE;
    if (choice->direct && choice->chosen == 0) continue;
    uint32_t left = choice->chosen + 1 - choice->direct;
    for (uint32_t at = 0; left > 0; at++) {
      const array_group *group = group_at(scratch, first_group + at);
      if (has_key(&group->met, choice->key) && --left == 0) choice->group = at;
    }
  }
}

static bool try_choice(rule_search *search, uint32_t place, size_t first_group, size_t first_choice,
                       const key_set *absent, uint32_t depth) {
  size_t group_count = search->scratch->groups.count - first_group;
  resolve_choices(search, first_group, first_choice);
  for (uint32_t i = 0; i < group_count; i++) {
    key_set need, shut;
    /* A copy: the search below may move the stack of groups. */
    array_group group = *group_at(search->scratch, first_group + i);
    if (!demand(search, first_choice, i, &group.present, absent, &need, &shut)) return false;
    if (!is_empty(&need) && !search_elements(search, place, &group, need, shut, depth))
      return false;
  }
  return true;
}

/* Steps to the next combination of choices, like an odometer; false after the last one. */
static bool next_choice(pattern_vector *choices, size_t first) {
  for (size_t i = first; i < choices->count; i++) {
    key_choice *choice = choice_at(choices, i);
    if (++choice->chosen < choice->ways) return true;
    choice->chosen = 0;
  }
  return false;
}

/* Lists the ways to meet each needed key; false when one cannot be met. */
static bool list_choices(rule_search *search, size_t first_group, const key_set *need,
                         const key_set *direct) {
  pattern_scratch *scratch = search->scratch;
  for (uint32_t key = 0; key < search->rule->condition_count; key++) {
    if (!has_key(need, key)) continue;
    key_choice choice = {.key = (uint16_t)key, .direct = has_key(direct, key)};
    choice.ways = choice.direct;
    choice.group = PATTERN_NONE;
    for (size_t i = first_group; i < scratch->groups.count; i++)
      choice.ways += has_key(&group_at(scratch, i)->met, key);
    scratch->steps += scratch->groups.count - first_group;
    if (choice.ways == 0) return false;
    key_choice *place = pattern_vector_add(&scratch->choices, sizeof *place);
    if (!place) {
      search->exceeded = true;
      return false;
    }
    *place = choice;
  }
  return true;
}

static bool search_groups(rule_search *search, uint32_t place, size_t first_group, key_set need,
                          const key_set *direct, const key_set *absent, uint32_t depth) {
  pattern_scratch *scratch = search->scratch;
  size_t first_choice = scratch->choices.count;
  size_t group_count = scratch->groups.count - first_group;
  bool found = false;
  if (list_choices(search, first_group, &need, direct)) {
    do {
      scratch->steps += 1 + 2 * group_count * (scratch->choices.count - first_choice);
      search->exceeded |= scratch->steps > MAX_RULE_STEPS;
      found =
          !search->exceeded && try_choice(search, place, first_group, first_choice, absent, depth);
    } while (!found && !search->exceeded && next_choice(&scratch->choices, first_choice));
  }
  scratch->choices.count = first_choice;
  return found;
}

/* Whether the needed keys can be met, and the absent ones are, by the items (all of them in this
 * place or under it). */
static bool search_place(rule_search *search, uint32_t place, uint32_t first, uint32_t last,
                         key_set need, key_set absent, uint32_t depth) {
  pattern_scratch *scratch = search->scratch;
  key_set direct = {0};
  search->exceeded |= depth > MAX_RULE_DEPTH || scratch->steps > MAX_RULE_STEPS;
  if (search->exceeded) return false;
  for (; first < last; first++) {
    const rule_item *item = item_at(scratch, first);
    if (item->place != place) break;
    if (item->absent && has_key(&absent, item->key)) return false;
    if (!item->absent) add_key(&direct, item->key);
  }
  if (is_empty(&absent)) {
    remove_keys(&need, &direct);
    if (is_empty(&need)) return true;
  }
  size_t first_group = scratch->groups.count;
  bool found = false;
  if (group_items(search, place, first, last))
    found = search_groups(search, place, first_group, need, &direct, &absent, depth);
  else
    search->exceeded = true;
  scratch->groups.count = first_group;
  return found;
}

/* Conditions that hold either by a value or by absence are tried both ways. */
static bool search_either(rule_search *search, const key_set *either, key_set need,
                          key_set absent) {
  uint32_t keys[PATTERN_MAX_KEYS], count = 0;
  for (uint32_t key = 0; key < search->rule->condition_count; key++)
    if (has_key(either, key)) keys[count++] = key;
  bool by_absence[PATTERN_MAX_KEYS] = {false};
  for (;;) {
    key_set needed = need, shut = absent;
    for (uint32_t i = 0; i < count; i++) add_key(by_absence[i] ? &shut : &needed, keys[i]);
    uint32_t last = (uint32_t)search->scratch->items.count;
    if (search_place(search, 0, 0, last, needed, shut, 0)) return true;
    if (search->exceeded) return false;
    uint32_t at = 0;
    while (at < count && by_absence[at]) by_absence[at++] = false;
    if (at == count) return false;
    by_absence[at] = true;
    search->scratch->steps += 1000;
  }
}

static bool search_rule(rule_search *search) {
  pattern_scratch *scratch = search->scratch;
  key_set need = {0}, absent = {0}, either = {0};
  scratch->items.count = scratch->groups.count = scratch->choices.count = 0;
  for (uint32_t key = 0; key < search->rule->condition_count; key++) {
    const pattern_condition *condition = condition_at(search, key);
    bool positive = condition->member_count > 0 || condition->exists_true;
    if (!gather_condition(search, key)) {
      search->exceeded = true;
      return false;
    }
    key_set *kind = !condition->exists_false ? &need : positive ? &either : &absent;
    add_key(kind, key);
  }
  merge_items(&scratch->items, 0);
  scratch->steps += 1000 + scratch->items.count;
  return search_either(search, &either, need, absent);
}

bool pattern_search_rule(const pattern_set *set, pattern_scratch *scratch, const pattern_rule *rule,
                         bool *exceeded) {
  rule_search search = {.set = set, .scratch = scratch, .rule = rule};
  bool matches = search_rule(&search);
  *exceeded = search.exceeded;
  return matches && !search.exceeded;
}
