/* The seeds of Lua states, and what our patches (deploy/lua/patches) make of Lua: states of one
 * seed put the same keys at the same places, whatever the keys are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* wants those before it */
#include <lauxlib.h>

#include "script/seed.h"

enum { KEYS = 50, STATES = 12 };

static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
  (void)old_size;
  size_t *allocated = context;
  if (allocated && new_size > 0) *allocated += new_size;
  if (new_size > 0) return realloc(block, new_size);
  free(block);

  return NULL;
}

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

static void push_key(lua_State *L, int kind, int i) {
  switch (kind) {
  case 0: lua_pushfstring(L, "key %d", i); break;
  case 1: lua_pushfstring(L, "a key of more than forty bytes, which is not interned: %d", i); break;
  case 2: lua_newtable(L); break;
  case 3:
    lua_pushinteger(L, i);
    lua_pushcclosure(L, nothing, 1);
    break;
  default: lua_pushnumber(L, i + 0.5);
  }
}

/* The values 1 to KEYS of a table, in the order of its nodes. */
static void read_order(lua_State *L, int kind, int order[KEYS]) {
  lua_newtable(L);
  for (int i = 0; i < KEYS; i++) {
    push_key(L, kind, i);
    lua_pushinteger(L, i + 1);
    lua_rawset(L, -3);
  }

  int count = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    order[count++] = (int)lua_tointeger(L, -1);
    lua_pushnil(L); /* moves the next state's objects to other addresses */
    lua_pop(L, 1);
  }

  assert_int_equal(count, KEYS);
  lua_pop(L, 1);
}

static void order_of_new_state(script_seed seed, int kind, int order[KEYS]) {
  lua_State *L = script_seed_new_state(allocate, NULL, seed);
  assert_non_null(L);
  read_order(L, kind, order);
  lua_close(L);
}

static void test_fixed_states_order_all_keys_alike(void **state) {
  (void)state;
  for (int kind = 0; kind < 5; kind++) {
    int first[KEYS], order[KEYS];
    order_of_new_state(SCRIPT_SEED_FIXED, kind, first);
    for (int i = 0; i < STATES; i++) {
      void *shift = malloc((size_t)(16 * (i + 1))); /* the same addresses would prove nothing */
      order_of_new_state(SCRIPT_SEED_FIXED, kind, order);
      assert_memory_equal(order, first, sizeof order);
      free(shift);
    }
  }
}

static void test_random_states_differ(void **state) {
  (void)state;
  int first[KEYS], order[KEYS], different = 0;
  order_of_new_state(SCRIPT_SEED_RANDOM, 0, first);
  for (int i = 0; i < STATES; i++) {
    order_of_new_state(SCRIPT_SEED_RANDOM, 0, order);
    if (memcmp(order, first, sizeof order) != 0) different++;
  }

  assert_true(different >= STATES - 1);
}

static void test_a_state_after_a_fixed_one_is_random_again(void **state) {
  (void)state;
  int fixed[KEYS], order[KEYS];
  order_of_new_state(SCRIPT_SEED_FIXED, 0, fixed);
  lua_State *L = lua_newstate(allocate, NULL);
  assert_non_null(L);
  read_order(L, 0, order);
  lua_close(L);
  assert_memory_not_equal(order, fixed, sizeof order);
}

/* What a decision leaves behind does not move the next one's keys. */
static void test_restarted_serials_give_the_same_order(void **state) {
  (void)state;
  lua_State *L = script_seed_new_state(allocate, NULL, SCRIPT_SEED_FIXED);
  unsigned start = lua_setserial(L, 0);
  for (int kind = 2; kind <= 3; kind++) {
    int first[KEYS], order[KEYS], moved[KEYS];
    lua_setserial(L, start);
    read_order(L, kind, first);
    read_order(L, kind, moved);
    assert_memory_not_equal(moved, first, sizeof first);
    lua_setserial(L, start);
    read_order(L, kind, order);
    assert_memory_equal(order, first, sizeof first);
  }

  lua_close(L);
}

/* A cache keyed by addresses would make the second of them free, or not. */
static void test_long_texts_are_allocated_each_time(void **state) {
  (void)state;
  size_t allocated = 0, before;
  lua_State *L = script_seed_new_state(allocate, &allocated, SCRIPT_SEED_FIXED);
  static const char text[] = "a text of more than forty bytes, which is not interned";
  lua_pushstring(L, text);
  before = allocated;
  lua_pushstring(L, text);
  assert_true(allocated > before);
  lua_close(L);
}

static void test_a_nan_has_no_sign(void **state) {
  (void)state;
  lua_State *L = script_seed_new_state(allocate, NULL, SCRIPT_SEED_FIXED);
  lua_pushnumber(L, __builtin_nan(""));
  assert_string_equal(lua_tostring(L, -1), "nan");
  lua_pushnumber(L, -__builtin_nan(""));
  assert_string_equal(lua_tostring(L, -1), "nan");
  lua_close(L);
}

/* Integers that leave the same rest in a table of 1023 places, and one more text of a length. */
static void test_collisions_and_long_comparisons_are_work(void **state) {
  (void)state;
  lua_State *L = script_seed_new_state(allocate, NULL, SCRIPT_SEED_FIXED);
  lua_createtable(L, 0, 1024);
  unsigned long long before = lua_steps;
  for (lua_Integer i = 1; i <= 500; i++) {
    lua_pushboolean(L, 1);
    lua_rawseti(L, -2, i * 7919);
  }

  assert_true(lua_steps - before < 50);
  lua_createtable(L, 0, 1024);
  for (lua_Integer i = 1; i <= 500; i++) {
    lua_pushboolean(L, 1);
    lua_rawseti(L, -2, i * 1023);
  }

  assert_true(lua_steps - before > 90000);
  luaL_Buffer buffer;
  for (int i = 0; i < 2; i++)
    memset(luaL_buffinitsize(L, &buffer, 64000), 'x', 64000), luaL_pushresultsize(&buffer, 64000);
  before = lua_steps;
  assert_true(lua_compare(L, -1, -2, LUA_OPEQ));
  assert_int_equal(lua_steps - before, 2000);
  assert_false(lua_compare(L, -1, -2, LUA_OPLT));
  assert_int_equal(lua_steps - before, 10000);
  lua_close(L);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fixed_states_order_all_keys_alike),
      cmocka_unit_test(test_random_states_differ),
      cmocka_unit_test(test_a_state_after_a_fixed_one_is_random_again),
      cmocka_unit_test(test_restarted_serials_give_the_same_order),
      cmocka_unit_test(test_long_texts_are_allocated_each_time),
      cmocka_unit_test(test_a_nan_has_no_sign),
      cmocka_unit_test(test_collisions_and_long_comparisons_are_work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
