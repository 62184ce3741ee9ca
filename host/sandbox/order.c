/* See order.h. */
#include "sandbox/order.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/budget.h"

typedef enum { RANK_INTEGER, RANK_FLOAT, RANK_STRING, RANK_BOOLEAN, RANK_NONE } key_rank;

/* A key as the order sees it. The text stays valid while the key is in the table. */
typedef struct {
  key_rank rank;
  lua_Integer integer; /* a boolean too */
  lua_Number number;
  const char *text;
  size_t size;
  lua_Integer place; /* where the key itself waits: on the stack, or in the unsorted list */
} ordered_key;

/* The policy's own traversals refuse a key without an order; the host's do not. */
typedef ordered_key (*key_reader)(lua_State *L, int index);

enum {
  TRAVERSAL_STEPS = 16, /* whatever is found: a table can be large and empty */
  FEW_KEYS = 32,        /* sorted on the stack, with no other memory than the list's */
};

static ordered_key read_key(lua_State *L, int index) {
  ordered_key key = {.rank = RANK_INTEGER};
  switch (lua_type(L, index)) {
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) {
      key.integer = lua_tointeger(L, index);
    } else {
      key.rank = RANK_FLOAT;
      key.number = lua_tonumber(L, index);
    }

    break;
  case LUA_TSTRING:
    key.rank = RANK_STRING;
    key.text = lua_tolstring(L, index, &key.size);
    break;
  case LUA_TBOOLEAN:
    key.rank = RANK_BOOLEAN;
    key.integer = lua_toboolean(L, index);
    break;
  default: key.rank = RANK_NONE;
  }

  return key;
}

/* The same for a policy's own traversal. */
static ordered_key check_key(lua_State *L, int index) {
  ordered_key key = read_key(L, index);
  if (key.rank == RANK_NONE)
    luaL_error(L, "cannot traverse a table with a %s as a key: it has no fixed place in the order",
               luaL_typename(L, index));
  return key;
}

static int compare_keys(const void *first, const void *second) {
  const ordered_key *a = first, *b = second;
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  if (a->rank == RANK_FLOAT) return (a->number > b->number) - (a->number < b->number);
  /* Keys without an order stay as the table has them: qsort alone does not keep the order of
   * equals. */
  if (a->rank == RANK_NONE) return (a->place > b->place) - (a->place < b->place);
  if (a->rank != RANK_STRING) return (a->integer > b->integer) - (a->integer < b->integer);
  int order = memcmp(a->text, b->text, a->size < b->size ? a->size : b->size);

  return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

/* Whether the key may come right behind `last` in a traversal that needs no sorting. Texts always
 * cost their sorting: whether they happen to be in order depends on how they were put in. */
static bool follows(const ordered_key *last, const ordered_key *key) {
  return key->rank != RANK_STRING && compare_keys(last, key) <= 0;
}

/* One step, and one for every 16 bytes that a comparison may look at. */
static size_t key_steps(const ordered_key *key) {
  return 1 + key->size / 16;
}

static int log2_above(lua_Integer count) {
  int bits = 0;
  while (count >> bits) bits++;
  return bits;
}

static void sort_few(ordered_key *keys, int count) {
  for (int i = 1; i < count; i++) {
    ordered_key key = keys[i];
    int hole = i;
    for (; hole > 0 && compare_keys(&keys[hole - 1], &key) > 0; hole--) keys[hole] = keys[hole - 1];
    keys[hole] = key;
  }
}

/* Pushes the list if the table has few keys; else nothing, and returns false. */
static bool push_few_keys(lua_State *L, int table, key_reader read) {
  ordered_key keys[FEW_KEYS];
  int base = lua_gettop(L), count = 0;
  size_t steps = 0;
  bool ordered = true;
  luaL_checkstack(L, FEW_KEYS + 4, "traversing a table");
  lua_pushnil(L);
  while (lua_next(L, table)) { /* earlier keys, key, value */
    lua_pop(L, 1);
    if (count == FEW_KEYS) {
      lua_settop(L, base);
      return false;
    }

    keys[count] = read(L, -1);
    keys[count].place = base + 1 + count;
    steps += key_steps(&keys[count]);
    ordered = ordered && (count == 0 || follows(&keys[count - 1], &keys[count]));
    count++;
    lua_pushvalue(L, -1);
  }

  sandbox_charge(L, ordered ? steps : steps * (size_t)(1 + log2_above(count)));
  if (!ordered) sort_few(keys, count);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushvalue(L, (int)keys[i].place);
    lua_rawseti(L, -2, i + 1);
  }

  lua_insert(L, base + 1);
  lua_settop(L, base + 1);

  return true;
}

/* Pushes the keys as lua_next gives them; true if that is the order already. */
static bool collect_keys(lua_State *L, int table, key_reader read, lua_Integer *count,
                         size_t *steps) {
  bool ordered = true;
  ordered_key last = {.rank = RANK_INTEGER, .integer = LUA_MININTEGER};
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, table)) { /* keys, key, value */
    lua_pop(L, 1);
    ordered_key key = read(L, -1);
    sandbox_charge(L, key_steps(&key));
    *steps += key_steps(&key);
    ordered = ordered && follows(&last, &key);
    last = key;
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, ++*count);
  }

  return ordered;
}

static void push_many_keys(lua_State *L, int table, key_reader read) {
  lua_Integer count = 0;
  size_t steps = 0;
  if (collect_keys(L, table, read, &count, &steps)) return;
  sandbox_charge(L, steps * (size_t)log2_above(count));
  ordered_key *keys = lua_newuserdatauv(L, (size_t)count * sizeof *keys, 0); /* unsorted, array */
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, -2, i + 1);
    keys[i] = read_key(L, -1);
    keys[i].place = i + 1;
    lua_pop(L, 1);
  }

  qsort(keys, (size_t)count, sizeof *keys, compare_keys);
  lua_createtable(L, count < 1 << 20 ? (int)count : 0, 0); /* unsorted, array, sorted */
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, -3, keys[i].place);
    lua_rawseti(L, -2, i + 1);
  }

  lua_replace(L, -3);
  lua_pop(L, 1);
}

static void push_keys(lua_State *L, int index, key_reader read) {
  int table = lua_absindex(L, index);
  sandbox_charge(L, TRAVERSAL_STEPS);
  if (!push_few_keys(L, table, read)) push_many_keys(L, table, read);
}

void sandbox_push_sorted_keys(lua_State *L, int index) {
  push_keys(L, index, check_key);
}

void sandbox_push_all_keys(lua_State *L, int index) {
  push_keys(L, index, read_key);
}

void sandbox_next_key(lua_State *L, int index) {
  int table = lua_absindex(L, index);
  bool from_start = lua_isnil(L, -1), found = false;
  ordered_key after = from_start ? (ordered_key){0} : check_key(L, -1);
  ordered_key best = {0};
  sandbox_charge(L, TRAVERSAL_STEPS);
  lua_pushnil(L); /* after, best */
  lua_pushnil(L); /* after, best, key */
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    ordered_key key = check_key(L, -1);
    sandbox_charge(L, key_steps(&key));
    if (!from_start && compare_keys(&key, &after) <= 0) continue;
    if (found && compare_keys(&key, &best) >= 0) continue;
    found = true;
    best = key;
    lua_copy(L, -1, -2);
  }

  lua_replace(L, -2); /* after, best: lua_next left nothing on the stack */
}
