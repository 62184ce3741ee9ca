/* How much latencies wander: by numbers of another program, and what must not change them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <math.h>

#include "core/stats/blocks.h"

enum { HOUR = 3600, BLOCKS = 10 };

static const int own[BLOCKS] = {0, 3, -2, 4, 1, -5, 0, 2, -1, 3};
static const int other[BLOCKS] = {1, 0, 2, -3, 0, 1, -1, 0, 3, -2};

static void fill_bell(stats_sketch *sketch, double scale, int shift) {
  stats_sketch_clear(sketch);
  for (int i = 0; i < 200; i++) {
    double x = (i - 60) / 25., count = floor(scale * exp(-x * x / 2) / 2.5066 + .5);
    assert_true(stats_sketch_add_bucket(sketch, 300 + i + shift, count));
  }
}

/* An hour each in `parts` windows, each with its part of the values. */
static stats_blocks live(const int *one_shifts, const int *zero_shifts, int blocks, int parts) {
  stats_blocks found = stats_blocks_new(.01);
  stats_blocks_clear(&found);
  stats_sketch one = stats_sketch_new(.01), zero = stats_sketch_new(.01);
  for (int block = 0; block < blocks; block++) {
    fill_bell(&one, 160, one_shifts[block]);
    fill_bell(&zero, 800, zero_shifts[block]);
    stats_sketch one_part = stats_sketch_new(.01), zero_part = stats_sketch_new(.01);
    assert_true(stats_sketch_merge_scaled(&one_part, &one, 1. / parts));
    assert_true(stats_sketch_merge_scaled(&zero_part, &zero, 1. / parts));
    for (int part = 0; part < parts; part++) {
      double from = block * HOUR + part * HOUR / parts;
      assert_true(
          stats_blocks_add(&found, from, from + (double)HOUR / parts, &one_part, &zero_part));
    }

    stats_sketch_free(&one_part);
    stats_sketch_free(&zero_part);
  }

  stats_sketch_free(&one);
  stats_sketch_free(&zero);

  return found;
}

static void check(const int *one_shifts, const int *zero_shifts, int blocks, double p99,
                  double median) {
  for (int parts = 1; parts <= 12; parts += 11) {
    stats_blocks found = live(one_shifts, zero_shifts, blocks, parts);
    assert_true(found.ended == blocks);
    assert_float_equal(stats_blocks_dispersion(&found, .99) / p99, 1, 1e-9);
    assert_float_equal(stats_blocks_dispersion(&found, .5) / median, 1, 1e-9);
    stats_blocks_free(&found);
  }
}

static void measures_how_much_latencies_wander(void **state) {
  (void)state;
  check(own, other, 9, 6.6291099284, 57.3687757338);
  check(own, other, 10, 6.8741896185, 59.3251661305);
}

static void tells_nothing_of_few_blocks(void **state) {
  (void)state;
  check(own, other, STATS_BLOCKS_LEAST - 1, 1, 1);
}

static void is_not_moved_by_what_slows_both(void **state) {
  (void)state;
  check(own, own, BLOCKS, 1, 1);
}

static void is_not_moved_by_a_difference_that_stays(void **state) {
  (void)state;
  static const int slow[BLOCKS] = {40, 40, 40, 40, 40, 40, 40, 40, 40, 40}, none[BLOCKS] = {0};
  check(slow, none, BLOCKS, 1, 1);
}

static void takes_the_nearest_quantile(void **state) {
  (void)state;
  stats_blocks found = live(own, other, BLOCKS, 1);
  assert_true(stats_blocks_dispersion(&found, .9) == stats_blocks_dispersion(&found, .99));
  assert_true(stats_blocks_dispersion(&found, .1) == stats_blocks_dispersion(&found, .5));
  assert_true(stats_blocks_dispersion(&found, .99) < stats_blocks_dispersion(&found, .5));
  stats_blocks_free(&found);
}

static void ends_a_block_early(void **state) {
  (void)state;
  stats_blocks found = stats_blocks_new(.01);
  stats_blocks_clear(&found);
  stats_sketch one = stats_sketch_new(.01);
  assert_true(stats_sketch_add(&one, 5, 10));
  assert_true(stats_blocks_add(&found, 0, 300, &one, &one));
  stats_blocks_end(&found);
  assert_true(found.ended == 1);
  stats_blocks_end(&found); /* of nothing */
  assert_true(found.ended == 1);
  assert_true(stats_blocks_add(&found, 300, 3600, &one, &one)); /* from its own beginning on */
  assert_true(found.ended == 1);
  assert_true(stats_blocks_add(&found, 3600, 3900, &one, &one));
  assert_true(found.ended == 2);
  stats_blocks_clear(&found);
  assert_true(found.ended == 0);
  stats_sketch_free(&one);
  stats_blocks_free(&found);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(measures_how_much_latencies_wander),
      cmocka_unit_test(tells_nothing_of_few_blocks),
      cmocka_unit_test(is_not_moved_by_what_slows_both),
      cmocka_unit_test(is_not_moved_by_a_difference_that_stays),
      cmocka_unit_test(takes_the_nearest_quantile),
      cmocka_unit_test(ends_a_block_early),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
