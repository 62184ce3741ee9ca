/* Lua's allocator: blocks are aligned, keep what they hold while they move, do not overlap, are
 * used again, and go with the last one; a state lives on it; memory may end at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "script/lua_allocator.h"

static void *resize(lua_allocator *allocator, void *block, size_t old_size, size_t new_size) {
  void *resized = lua_allocator_resize(allocator, block, old_size, new_size);
  if (new_size > 0) assert_non_null(resized);
  return resized;
}

static void test_blocks_are_aligned_and_apart(void **state) {
  (void)state;
  enum { COUNT = 2000 };
  static unsigned char *blocks[COUNT];
  lua_allocator *allocator = lua_allocator_new();
  for (size_t i = 0; i < COUNT; i++) {
    blocks[i] = resize(allocator, NULL, LUA_TTABLE, i + 1);
    assert_int_equal((uintptr_t)blocks[i] % 16, 0);
    memset(blocks[i], (int)(i % 251), i + 1);
  }

  for (size_t i = 0; i < COUNT; i++)
    for (size_t byte = 0; byte <= i; byte++) assert_int_equal(blocks[i][byte], i % 251);
  lua_allocator_release(allocator);
  for (size_t i = 0; i < COUNT; i++) resize(allocator, blocks[i], i + 1, 0);
}

static void test_growth_and_shrinking_keep_the_contents(void **state) {
  (void)state;
  static const size_t sizes[] = {1,    16,   17,   400,  512,    513,    640,    641,
                                 1024, 1025, 4096, 4097, 32768,  600,    512,    131072,
                                 500,  15,   1,    4096, 131073, 500000, 200000, 131000};
  lua_allocator *allocator = lua_allocator_new();
  unsigned char *block = NULL;
  size_t size = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    block = resize(allocator, block, size, sizes[i]);
    for (size_t byte = 0; byte < size && byte < sizes[i]; byte++)
      assert_int_equal(block[byte], (unsigned char)(byte * 7 + i - 1));
    size = sizes[i];
    for (size_t byte = 0; byte < size; byte++) block[byte] = (unsigned char)(byte * 7 + i);
  }

  resize(allocator, block, size, 0);
  lua_allocator_release(allocator);
}

static void test_a_block_given_back_serves_again(void **state) {
  (void)state;
  lua_allocator *allocator = lua_allocator_new();
  for (size_t size = 1; size <= 512; size += 13) {
    void *first = resize(allocator, NULL, 0, size);
    resize(allocator, first, size, 0);
    size_t same_class = (size + 15) / 16 * 16;
    void *second = resize(allocator, NULL, 0, same_class);
    assert_ptr_equal(first, second);
    resize(allocator, second, same_class, 0);
  }

  lua_allocator_release(allocator);
}

static void test_no_block_and_no_allocator(void **state) {
  (void)state;
  lua_allocator *allocator = lua_allocator_new();
  assert_null(lua_allocator_resize(allocator, NULL, 5, 0));
  lua_allocator_release(allocator);
  char *block = lua_allocator_resize(NULL, NULL, 0, 10);
  strcpy(block, "plain");
  block = lua_allocator_resize(NULL, block, 10, 5000);
  assert_string_equal(block, "plain");
  assert_null(lua_allocator_resize(NULL, block, 5000, 0));
  lua_allocator_release(NULL);
}

/* xorshift64*, seeded: the same walk every time. */
static uint64_t random_state = 0x9e3779b97f4a7c15;
static size_t random_below(size_t limit) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (size_t)((random_state * 0x2545f4914f6cdd1d) >> 33) % limit;
}

/* Mostly small, like Lua's; sometimes around a border between two kinds of blocks. */
static size_t random_size(void) {
  switch (random_below(16)) {
  case 0: return 500 + random_below(30);
  case 1: return 4080 + random_below(30);
  case 2: return 1 + random_below(40000);
  case 3: return random_below(16) ? 1 + random_below(12000) : 131060 + random_below(20000);
  default: return 1 + random_below(520);
  }
}

/* Every block has a twin from malloc that must always hold the same. */
static void test_random_walk_beside_realloc(void **state) {
  (void)state;
  enum { COUNT = 500, STEPS = 200000 };
  static struct {
    unsigned char *ours, *twin;
    size_t size;
  } pairs[COUNT];
  lua_allocator *allocator = lua_allocator_new();
  for (int step = 0; step < STEPS; step++) {
    size_t i = random_below(COUNT), old = pairs[i].size;
    size_t size = random_below(4) == 0 ? 0 : random_size();
    if (old > 0) assert_memory_equal(pairs[i].ours, pairs[i].twin, old);
    pairs[i].ours = resize(allocator, pairs[i].ours, old, size);
    unsigned char *twin = size ? realloc(pairs[i].twin, size) : (free(pairs[i].twin), NULL);
    pairs[i].twin = twin;
    pairs[i].size = size;
    assert_true(lua_allocator_held(allocator) >= size);
    size_t kept = old < size ? old : size;
    if (kept > 0) assert_memory_equal(pairs[i].ours, twin, kept);
    for (size_t byte = kept; byte < size; byte++)
      pairs[i].ours[byte] = twin[byte] = (unsigned char)random_below(256);
  }

  lua_allocator_release(allocator);
  for (int i = 0; i < COUNT; i++) {
    if (pairs[i].size > 0) assert_memory_equal(pairs[i].ours, pairs[i].twin, pairs[i].size);
    lua_allocator_resize(allocator, pairs[i].ours, pairs[i].size, 0);
    free(pairs[i].twin);
  }
}

/* ---- What the allocator holds, whatever was allocated before ---- */

enum { CAP = 4 << 20, MOST_BLOCKS = CAP / 16 };

static void *taken[MOST_BLOCKS];

/* Blocks of one size, up to the cap; every `keep`-th stays, the others are given back. */
static size_t fill_and_thin(lua_allocator *allocator, size_t size, size_t keep, size_t *most_held) {
  size_t count = CAP / size, kept = 0;
  for (size_t i = 0; i < count; i++) taken[i] = resize(allocator, NULL, 0, size);
  if (lua_allocator_held(allocator) > *most_held) *most_held = lua_allocator_held(allocator);
  for (size_t i = 0; i < count; i++) {
    if (keep > 0 && i % keep == 0)
      taken[kept++] = taken[i];
    else
      resize(allocator, taken[i], size, 0);
  }

  return kept;
}

/* Another size each time, as decisions whose texts differ in size: none leaves memory behind. */
static void test_what_is_given_back_serves_other_sizes(void **state) {
  (void)state;
  lua_allocator *allocator = lua_allocator_new();
  void *pinned = resize(allocator, NULL, 0, 100);
  size_t most_held = 0;
  for (size_t size = 16; size < CAP; size += size / 5 + 1) {
    fill_and_thin(allocator, size, 0, &most_held);
    assert_true(lua_allocator_held(allocator) <= 2 * 256 * 1024);
  }

  assert_true(most_held >= CAP - CAP / 16);
  assert_true(most_held <= 2 * CAP);
  lua_allocator_release(allocator);
  resize(allocator, pinned, 100, 0);
}

/* Blocks that stay behind keep their surroundings only as long as they live themselves. */
static void test_survivors_of_one_size_are_not_in_the_way_of_the_next(void **state) {
  (void)state;
  lua_allocator *allocator = lua_allocator_new();
  void *pinned = resize(allocator, NULL, 0, 100);
  size_t most_held = 0;
  for (size_t size = 24; size < 200000; size += size / 3) {
    size_t kept = fill_and_thin(allocator, size, 1 + 65536 / size, &most_held);
    while (kept > 0) resize(allocator, taken[--kept], size, 0);
    assert_true(lua_allocator_held(allocator) <= 2 * 256 * 1024);
  }

  assert_true(most_held <= 2 * CAP);
  lua_allocator_release(allocator);
  resize(allocator, pinned, 100, 0);
}

static void test_held_counts_large_blocks_as_they_change(void **state) {
  (void)state;
  lua_allocator *allocator = lua_allocator_new();
  assert_int_equal(lua_allocator_held(allocator), 0);
  assert_int_equal(lua_allocator_held(NULL), 0);
  unsigned char *block = resize(allocator, NULL, 0, 1000000);
  assert_in_range(lua_allocator_held(allocator), 1000000, 1004096);
  block[999999] = 7;
  block = resize(allocator, block, 1000000, 3000000);
  assert_in_range(lua_allocator_held(allocator), 3000000, 3004096);
  assert_int_equal(block[999999], 7);
  block = resize(allocator, block, 3000000, 200000);
  assert_in_range(lua_allocator_held(allocator), 200000, 204096);
  lua_allocator_release(allocator);
  resize(allocator, block, 200000, 0);
}

static void *for_lua(void *context, void *block, size_t old_size, size_t new_size) {
  return lua_allocator_resize(context, block, old_size, new_size);
}

static void test_a_state_lives_on_it_and_takes_it_along(void **state) {
  (void)state;
  static const char program[] =
      "local kept = {} for i = 1, 20000 do kept[i % 700 + 1] = { tostring(i), ('x'):rep(i % 900) } "
      "end\n"
      "local sum = 0 for _, pair in ipairs(kept) do sum = sum + #pair[2] end return sum";
  lua_allocator *allocator = lua_allocator_new();
  lua_State *L = lua_newstate(for_lua, allocator);
  lua_allocator_release(allocator);
  assert_non_null(L);
  luaL_openlibs(L);
  assert_int_equal(luaL_dostring(L, program), LUA_OK);
  lua_Integer sum = lua_tointeger(L, -1), expected = 0;
  for (int i = 20000 - 699; i <= 20000; i++) expected += i % 900;
  assert_int_equal(sum, expected);
  lua_close(L); /* the sanitizer sees whether the allocator went too */
}

/* The system has no more: NULL, and what is there stays as it was. Not where the sanitizer's malloc
 * ends the program instead. */
static void test_exhaustion(void **state) {
  (void)state;
#ifdef WEIR_PLAIN_BLOCKS
  skip();
#endif
  lua_allocator *allocator = lua_allocator_new();
  unsigned char *held = resize(allocator, NULL, 0, 100);
  memset(held, 42, 100);
  struct rlimit before, tight = {0};
  assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
  tight.rlim_cur = 0;
  tight.rlim_max = before.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
  static void *last[1 << 20];
  size_t count = 0;
  while (count < sizeof last / sizeof *last) {
    void *block = lua_allocator_resize(allocator, NULL, 0, 512);
    if (!block) break;
    last[count++] = block;
  }

  void *grown = lua_allocator_resize(allocator, held, 100, 512);
  void *large = lua_allocator_resize(allocator, held, 100, 64 << 20);
  assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
  assert_true(count < sizeof last / sizeof *last);
  assert_null(grown);
  assert_null(large);
  for (int byte = 0; byte < 100; byte++) assert_int_equal(held[byte], 42);
  held = resize(allocator, held, 100, 512); /* and it goes on when there is memory again */
  assert_int_equal(held[99], 42);
  lua_allocator_release(allocator);
  while (count > 0) resize(allocator, last[--count], 512, 0);
  resize(allocator, held, 512, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blocks_are_aligned_and_apart),
      cmocka_unit_test(test_growth_and_shrinking_keep_the_contents),
      cmocka_unit_test(test_a_block_given_back_serves_again),
      cmocka_unit_test(test_no_block_and_no_allocator),
      cmocka_unit_test(test_random_walk_beside_realloc),
      cmocka_unit_test(test_what_is_given_back_serves_other_sizes),
      cmocka_unit_test(test_survivors_of_one_size_are_not_in_the_way_of_the_next),
      cmocka_unit_test(test_held_counts_large_blocks_as_they_change),
      cmocka_unit_test(test_a_state_lives_on_it_and_takes_it_along),
      cmocka_unit_test(test_exhaustion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
