/* Numeric ranges and address blocks of a node, so that a value finds all that cover it in
 * logarithmic time: the sorted ends cut the line into cells, and a segment tree over the cells
 * lists each range at no more than two places a level.
 * Memory: owned by the node. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/impl.h"

static int compare_points(const void *left, const void *right) {
  const pattern_point *a = left, *b = right;
  if (a->is_address) return memcmp(&a->address, &b->address, sizeof a->address);
  return pattern_decimal_compare(&a->number, &b->number);
}

/* Even cells lie between ends, odd ones on them. */
uint32_t pattern_interval_cell(const pattern_intervals *intervals, const pattern_point *point) {
  uint32_t low = 0, high = intervals->point_count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    int order = compare_points(&intervals->points[middle], point);
    if (order == 0) return 2 * middle + 1;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }

  return 2 * low;
}

enum { INTERVALS_OF_A_TEST = 2 };

/* A piece of the line that a test accepts. */
typedef struct {
  pattern_point low, high;
  bool has_low, has_high, open_low, open_high;
} interval;

static interval between_addresses(const pattern_address *low, const pattern_address *high) {
  return (interval){
      .low = {.is_address = true, .address = *low},
      .high = {.is_address = true, .address = *high},
      .has_low = true,
      .has_high = true,
  };
}

static interval between_numbers(const pattern_range *range) {
  return (interval){
      .low = {.number = range->low},
      .high = {.number = range->high},
      .has_low = range->has_low,
      .has_high = range->has_high,
      .open_low = range->open_low,
      .open_high = range->open_high,
  };
}

/* Fills in the intervals of a test, and returns how many there are. */
static size_t intervals_of(const pattern_test *test, interval out[INTERVALS_OF_A_TEST]) {
  pattern_address low, high;
  switch (test->kind) {
  case TEST_NUMBER:
    out[0] =
        between_numbers(&(pattern_range){test->number, test->number, true, true, false, false});
    return 1;
  case TEST_RANGE: out[0] = between_numbers(&test->range); return 1;
  default:
    out[0] = between_addresses(&test->address.low, &test->address.high);
    if (!pattern_address_other_family(&test->address.low, &test->address.high, &low, &high))
      return 1;
    out[1] = between_addresses(&low, &high);
    return 2;
  }
}

static bool add_link(pattern_set *set, uint32_t *list, uint32_t test) {
  uint32_t id = (uint32_t)set->links.count;
  pattern_link *link = pattern_vector_add(&set->links, sizeof *link);
  if (!link) return false;
  *link = (pattern_link){.test = test, .next = *list};
  *list = id;
  return true;
}

static bool cover(pattern_set *set, pattern_intervals *intervals, const interval *piece,
                  uint32_t id) {
  uint32_t first = 0, last = 2 * intervals->point_count;
  if (piece->has_low) first = pattern_interval_cell(intervals, &piece->low) + piece->open_low;
  if (piece->has_high) last = pattern_interval_cell(intervals, &piece->high) - piece->open_high;
  if (first > last) return true;

  uint32_t left = first + intervals->leaves, right = last + intervals->leaves + 1;
  for (; left < right; left /= 2, right /= 2) {
    if (left % 2 && !add_link(set, &intervals->lists[left++], id)) return false;
    if (right % 2 && !add_link(set, &intervals->lists[--right], id)) return false;
  }

  return true;
}

static bool build(pattern_set *set, pattern_intervals *intervals, const uint32_t *ids,
                  size_t count) {
  interval pieces[INTERVALS_OF_A_TEST];
  pattern_point *points = intervals->points =
      malloc(2 * INTERVALS_OF_A_TEST * count * sizeof *points);
  if (!points) return false;
  size_t ends = 0, kept = 0;
  for (size_t i = 0; i < count; i++) {
    size_t found = intervals_of(pattern_test_at(set, ids[i]), pieces);
    for (size_t k = 0; k < found; k++) {
      if (pieces[k].has_low) points[ends++] = pieces[k].low;
      if (pieces[k].has_high) points[ends++] = pieces[k].high;
    }
  }

  qsort(points, ends, sizeof *points, compare_points);
  for (size_t i = 0; i < ends; i++)
    if (i == 0 || compare_points(&points[kept - 1], &points[i]) != 0) points[kept++] = points[i];
  intervals->point_count = (uint32_t)kept;
  intervals->leaves = 1;
  while (intervals->leaves < 2 * kept + 1) intervals->leaves *= 2;
  size_t size = 2 * (size_t)intervals->leaves * sizeof *intervals->lists;
  intervals->lists = malloc(size);
  if (!intervals->lists) return false;
  memset(intervals->lists, 0xff, size); /* PATTERN_NONE everywhere */
  for (size_t i = 0; i < count; i++) {
    size_t found = intervals_of(pattern_test_at(set, ids[i]), pieces);
    for (size_t k = 0; k < found; k++)
      if (!cover(set, intervals, &pieces[k], ids[i])) return false;
  }

  return true;
}

/* Single numbers are kept with the ranges of their node, where there are any. */
static bool belongs_here(const pattern_set *set, const pattern_test *test) {
  const pattern_node *node = pattern_node_at(set, test->node);
  if (!test->used) return false;
  if (test->kind == TEST_NUMBER) return node->kinds >> TEST_RANGE & 1;
  return test->kind == TEST_RANGE || test->kind == TEST_ADDRESS;
}

static int compare_by_node(const void *left, const void *right, void *context) {
  const pattern_test *tests = context;
  const pattern_test *a = &tests[*(const uint32_t *)left], *b = &tests[*(const uint32_t *)right];
  if (a->node != b->node) return a->node < b->node ? -1 : 1;
  return (a->kind == TEST_ADDRESS) - (b->kind == TEST_ADDRESS);
}

bool pattern_index_intervals(pattern_set *set) {
  const pattern_test *tests = set->tests.items;
  uint32_t *ids = malloc((set->tests.count + 1) * sizeof *ids);
  if (!ids) return false;
  size_t count = 0;
  for (uint32_t i = 0; i < set->tests.count; i++)
    if (belongs_here(set, &tests[i])) ids[count++] = i;
  qsort_r(ids, count, sizeof *ids, compare_by_node, set->tests.items);
  bool ok = true;
  for (size_t first = 0, last; ok && first < count; first = last) {
    for (last = first + 1; last < count; last++)
      if (compare_by_node(&ids[first], &ids[last], set->tests.items) != 0) break;
    pattern_node *node = pattern_node_at(set, tests[ids[first]].node);
    bool address = tests[ids[first]].kind == TEST_ADDRESS;
    ok = build(set, address ? &node->addresses : &node->numbers, ids + first, last - first);
  }

  free(ids);

  return ok;
}
