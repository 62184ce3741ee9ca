/* The branches of a pattern's $or expansion, and the rules they become.
 * Memory: branches live until the pattern is read. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/parse.h"

/* One branch of the expansion: which condition stands at each path so far. */
typedef struct {
  uint32_t conditions[PATTERN_MAX_KEYS];
  uint32_t count;
} pattern_branch;

static pattern_branch *branch_at(const pattern_vector *branches, size_t place) {
  return ((pattern_branch **)branches->items)[place];
}

static bool charge(pattern_parser *parser, size_t steps) {
  parser->work += steps;
  if (parser->work <= PATTERN_MAX_WORK) return true;
  return pattern_refuse(parser, parser->scan.at, "Rule is too complex - try using fewer fields");
}

/* Sets a path's condition in every branch: the last one for a path wins. */
bool pattern_put_condition(pattern_parser *parser, uint32_t id) {
  uint32_t node = pattern_condition_at(parser->set, id)->node;
  for (size_t i = 0; i < parser->branches.count; i++) {
    pattern_branch *branch = branch_at(&parser->branches, i);
    uint32_t at = 0;
    while (at < branch->count &&
           pattern_condition_at(parser->set, branch->conditions[at])->node != node)
      at++;
    if (!charge(parser, at + 1)) return false;
    if (at == PATTERN_MAX_KEYS)
      return pattern_refuse(parser, parser->scan.at, "Size of rule exceeds max value of %d",
                            PATTERN_MAX_KEYS);
    branch->conditions[at] = id;
    if (at == branch->count) branch->count++;
  }

  return true;
}

void pattern_free_branches(pattern_vector *branches) {
  for (size_t i = 0; i < branches->count; i++) free(branch_at(branches, i));
  free(branches->items);
  *branches = (pattern_vector){0};
}

static bool add_branch(pattern_parser *parser, pattern_vector *branches,
                       const pattern_branch *from) {
  size_t used = from ? from->count : 0;
  if (!charge(parser, 64 + used)) return false;
  pattern_branch *branch = malloc(sizeof *branch);
  pattern_branch **place = branch ? pattern_vector_add(branches, sizeof *place) : NULL;
  if (!place) {
    free(branch);
    return pattern_refuse_memory(parser);
  }

  branch->count = (uint32_t)used;
  if (from) memcpy(branch->conditions, from->conditions, used * sizeof from->conditions[0]);
  *place = branch;
  return true;
}

bool pattern_copy_branches(pattern_parser *parser, const pattern_vector *from, pattern_vector *to) {
  for (size_t i = 0; i < from->count; i++)
    if (!add_branch(parser, to, branch_at(from, i))) return false;
  return true;
}

/* Moves parser->branches to the end of `to`. */
bool pattern_move_branches(pattern_parser *parser, pattern_vector *to) {
  while (parser->branches.count > 0) {
    pattern_branch **place = pattern_vector_add(to, sizeof *place);
    if (!place) return pattern_refuse_memory(parser);
    *place = branch_at(&parser->branches, --parser->branches.count);
  }

  if (to->count <= PATTERN_MAX_RULES) return true;
  return pattern_refuse(parser, parser->scan.at,
                        "Rule is too complex - $or expands to more than %d combinations",
                        PATTERN_MAX_RULES);
}

/* Where two paths part: their ancestors below the last common one; equal when one is the other's
 * ancestor or they are the same. */
static void part(const pattern_set *set, uint32_t *a, uint32_t *b) {
  const pattern_node *nodes = set->nodes.items;
  while (nodes[*a].depth > nodes[*b].depth) *a = nodes[*a].parent;
  while (nodes[*b].depth > nodes[*a].depth) *b = nodes[*b].parent;
  while (nodes[*a].parent != nodes[*b].parent) {
    *a = nodes[*a].parent;
    *b = nodes[*b].parent;
  }
}

/* Orders paths as their dotted text: EventBridge looks at fields in that order, and an
 * `exists: false` cares which fields came before it. */
static int compare_paths(const void *left, const void *right, void *context) {
  const pattern_set *set = context;
  const pattern_node *nodes = set->nodes.items;
  const pattern_condition *conditions = set->conditions.items;
  uint32_t a = conditions[*(const uint32_t *)left].node;
  uint32_t b = conditions[*(const uint32_t *)right].node;
  uint32_t depth_a = nodes[a].depth, depth_b = nodes[b].depth;
  part(set, &a, &b);
  if (a == b) return depth_a < depth_b ? -1 : depth_a > depth_b;
  const pattern_node *one = &nodes[a], *two = &nodes[b];
  uint32_t common = one->segment_size < two->segment_size ? one->segment_size : two->segment_size;
  int order = memcmp(one->segment, two->segment, common);
  if (order) return order;
  /* One segment begins the other: its dot, or its end, meets the other's next byte. */
  if (one->segment_size == common)
    return depth_a > one->depth && '.' > (uint8_t)two->segment[common] ? 1 : -1;
  return depth_b > two->depth && '.' > (uint8_t)one->segment[common] ? -1 : 1;
}

static bool add_rule(pattern_parser *parser, pattern_branch *branch) {
  pattern_set *set = parser->set;
  uint32_t deepest = 0;
  for (uint32_t i = 0; i < branch->count; i++) {
    uint32_t node = pattern_condition_at(set, branch->conditions[i])->node;
    uint32_t depth = pattern_node_at(set, node)->depth;
    if (depth > deepest) deepest = depth;
  }

  if (!charge(parser, (size_t)branch->count * deepest)) return false;
  qsort_r(branch->conditions, branch->count, sizeof branch->conditions[0], compare_paths, set);
  pattern_rule *rule = pattern_vector_add(&set->rules, sizeof *rule);
  if (!rule) return pattern_refuse_memory(parser);
  *rule = (pattern_rule){.pattern = parser->pattern,
                         .first_condition = (uint32_t)set->rule_conditions.count,
                         .condition_count = branch->count};
  for (uint32_t i = 0; i < branch->count; i++) {
    uint32_t *place = pattern_vector_add(&set->rule_conditions, sizeof *place);
    if (!place) return pattern_refuse_memory(parser);
    *place = branch->conditions[i];
  }

  return true;
}

bool pattern_begin_branches(pattern_parser *parser) {
  return add_branch(parser, &parser->branches, NULL);
}

bool pattern_end_branches(pattern_parser *parser) {
  uint32_t first_rule = (uint32_t)parser->set->rules.count;
  for (size_t i = 0; i < parser->branches.count; i++)
    if (!add_rule(parser, branch_at(&parser->branches, i))) return false;
  if (pattern_complexity_is_low(parser->set, first_rule)) return true;
  return pattern_refuse(parser, parser->scan.at,
                        "Rule is too complex - try using fewer wildcard characters or fewer "
                        "repeating character sequences after a wildcard character");
}
