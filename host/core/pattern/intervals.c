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

static pattern_point low_end(const pattern_test *test) {
  if (test->kind == TEST_NUMBER) return (pattern_point){.number = test->number};
  if (test->kind == TEST_RANGE) return (pattern_point){.number = test->range.low};
  return (pattern_point){.is_address = true, .address = test->address.low};
}

static pattern_point high_end(const pattern_test *test) {
  if (test->kind == TEST_NUMBER) return (pattern_point){.number = test->number};
  if (test->kind == TEST_RANGE) return (pattern_point){.number = test->range.high};
  return (pattern_point){.is_address = true, .address = test->address.high};
}

static bool has_low(const pattern_test *test) {
  return test->kind != TEST_RANGE || test->range.has_low;
}

static bool has_high(const pattern_test *test) {
  return test->kind != TEST_RANGE || test->range.has_high;
}

static bool add_link(pattern_set *set, uint32_t *list, uint32_t test) {
  uint32_t id = (uint32_t)set->links.count;
  pattern_link *link = pattern_vector_add(&set->links, sizeof *link);
  if (!link) return false;
  *link = (pattern_link){.test = test, .next = *list};
  *list = id;
  return true;
}

static bool cover(pattern_set *set, pattern_intervals *intervals, uint32_t id) {
  const pattern_test *test = pattern_test_at(set, id);
  bool range = test->kind == TEST_RANGE;
  uint32_t first = 0, last = 2 * intervals->point_count;
  if (has_low(test)) {
    pattern_point end = low_end(test);
    first = pattern_interval_cell(intervals, &end) + (range && test->range.open_low);
  }
  if (has_high(test)) {
    pattern_point end = high_end(test);
    last = pattern_interval_cell(intervals, &end) - (range && test->range.open_high);
  }
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
  pattern_point *points = intervals->points = malloc(2 * count * sizeof *points);
  if (!points) return false;
  size_t ends = 0, kept = 0;
  for (size_t i = 0; i < count; i++) {
    const pattern_test *test = pattern_test_at(set, ids[i]);
    if (has_low(test)) points[ends++] = low_end(test);
    if (has_high(test)) points[ends++] = high_end(test);
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
  for (size_t i = 0; i < count; i++)
    if (!cover(set, intervals, ids[i])) return false;
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
