/* The policies' `table`. Elements are read and written through metamethods, so frozen tables are
 * read as they look and refuse to be written.
 *
 * `sort` is a merge sort: stable, the same on every machine, at most n*log2(n) comparisons. An
 * inconsistent comparison function gives a meaningless but repeatable order, never an error, and
 * the table is written only after the last comparison.
 *
 * Memory: scratch space belongs to the Lua state. Caller: policy/sandbox.c through
 * libraries.h. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sandbox/budget.h"
#include "sandbox/libraries.h"
#include "sandbox/text.h"

/* Raises unless the argument is a table, or something that reads (and is written) like one. */
static void check_table(lua_State *L, int argument, bool written) {
  if (lua_istable(L, argument)) return;
  bool ok = luaL_getmetafield(L, argument, "__index") != LUA_TNIL &&
            luaL_getmetafield(L, argument, "__len") != LUA_TNIL &&
            (!written || luaL_getmetafield(L, argument, "__newindex") != LUA_TNIL);
  if (!ok) luaL_checktype(L, argument, LUA_TTABLE);
  lua_pop(L, written ? 3 : 2);
}

static lua_Integer check_length(lua_State *L, int argument, bool written) {
  check_table(L, argument, written);
  return luaL_len(L, argument);
}

/* Charges for the elements from first to last, however many that claims to be. */
static void charge_range(lua_State *L, lua_Integer first, lua_Integer last) {
  if (first > last) return;
  lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
  sandbox_charge(L, count > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)count + 1);
}

static int table_concat(lua_State *L) {
  lua_Integer last = check_length(L, 1, false);
  size_t separator_size = 0;
  const char *separator = "";
  if (!lua_isnoneornil(L, 2)) separator = sandbox_check_text(L, 2, &separator_size);
  lua_Integer first = luaL_optinteger(L, 3, 1);
  last = luaL_optinteger(L, 4, last);
  luaL_Buffer result;
  luaL_buffinit(L, &result);
  for (lua_Integer i = first; i <= last; i++) {
    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1))
      return luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
                        luaL_typename(L, -1), (LUAI_UACINT)i);
    sandbox_buffer_add_value(&result);
    if (i == last) break; /* i + 1 may not exist */
    sandbox_buffer_add(&result, separator, separator_size);
  }

  luaL_pushresult(&result);

  return 1;
}

static int table_insert(lua_State *L) {
  lua_Integer end = (lua_Integer)((lua_Unsigned)check_length(L, 1, true) + 1);
  lua_Integer position = end;
  switch (lua_gettop(L)) {
  case 2: break;
  case 3:
    position = luaL_checkinteger(L, 2);
    luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
    charge_range(L, position, end);
    for (lua_Integer i = end; i > position; i--) {
      lua_geti(L, 1, i - 1);
      lua_seti(L, 1, i);
    }

    break;
  default: return luaL_error(L, "wrong number of arguments to 'insert'");
  }

  lua_seti(L, 1, position);

  return 0;
}

static int table_remove(lua_State *L) {
  lua_Integer size = check_length(L, 1, true);
  lua_Integer position = luaL_optinteger(L, 2, size);
  if (position != size)
    luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 2,
                  "position out of bounds");
  charge_range(L, position, size);
  lua_geti(L, 1, position);
  for (; position < size; position++) {
    lua_geti(L, 1, position + 1);
    lua_seti(L, 1, position);
  }

  lua_pushnil(L);
  lua_seti(L, 1, position);

  return 1;
}

static int table_move(lua_State *L) {
  lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
  lua_Integer to = luaL_checkinteger(L, 4);
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1, false);
  check_table(L, target, true);
  if (last >= first) {
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    lua_Integer count = last - first + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
    charge_range(L, first, last);
    bool forward =
        to > last || to <= first || (target != 1 && !lua_compare(L, 1, target, LUA_OPEQ));
    for (lua_Integer step = 0; step < count; step++) {
      lua_Integer i = forward ? step : count - 1 - step;
      lua_geti(L, 1, first + i);
      lua_seti(L, target, to + i);
    }
  }

  lua_pushvalue(L, target);

  return 1;
}

static int table_pack(lua_State *L) {
  int count = lua_gettop(L);
  sandbox_charge(L, (size_t)count + 1);
  lua_createtable(L, count, 1);
  lua_insert(L, 1);
  for (int i = count; i >= 1; i--) lua_seti(L, 1, i);
  lua_pushinteger(L, count);
  lua_setfield(L, 1, "n");

  return 1;
}

static int table_unpack(lua_State *L) {
  lua_Integer first = luaL_optinteger(L, 2, 1);
  lua_Integer last = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
  if (first > last) return 0;
  lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
  if (count >= LUAI_MAXSTACK) return luaL_error(L, "too many results to unpack");
  charge_range(L, first, last);
  if (!lua_checkstack(L, (int)++count)) return luaL_error(L, "too many results to unpack");
  for (lua_Integer i = first; i < last; i++) lua_geti(L, 1, i);
  lua_geti(L, 1, last);

  return (int)count;
}

/* ---- sort ---- */

enum { SORT_FUNCTION = 2, SORT_VALUES = 3 }; /* stack: table, function or nil, copy of the values */

/* Whether value a must come before value b; both are indexes into the copy. */
static bool comes_before(lua_State *L, uint32_t a, uint32_t b) {
  bool result;
  if (lua_isnil(L, SORT_FUNCTION)) {
    lua_rawgeti(L, SORT_VALUES, a);
    lua_rawgeti(L, SORT_VALUES, b);
    /* Texts are compared byte by byte, up to the shorter one's end. */
    size_t a_size = lua_type(L, -2) == LUA_TSTRING ? lua_rawlen(L, -2) : 0;
    size_t b_size = lua_type(L, -1) == LUA_TSTRING ? lua_rawlen(L, -1) : 0;
    sandbox_charge(L, (a_size < b_size ? a_size : b_size) / 16 + 1);
    result = lua_compare(L, -2, -1, LUA_OPLT);
    lua_pop(L, 2);
  } else {
    sandbox_charge(L, 1);
    lua_pushvalue(L, SORT_FUNCTION);
    lua_rawgeti(L, SORT_VALUES, a);
    lua_rawgeti(L, SORT_VALUES, b);
    lua_call(L, 2, 1);
    result = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }

  return result;
}

/* Merges the sorted runs [low, middle) and [middle, high) of `from` into `to`. Of equals, the left
 * one goes first. */
static void merge_runs(lua_State *L, const uint32_t *from, uint32_t *to, size_t low, size_t middle,
                       size_t high) {
  if (middle >= high || !comes_before(L, from[middle], from[middle - 1])) {
    memcpy(to + low, from + low, (high - low) * sizeof *to); /* already in order */
    return;
  }

  size_t left = low, right = middle;
  for (size_t out = low; out < high; out++) {
    bool take_right = left == middle || (right < high && comes_before(L, from[right], from[left]));
    to[out] = from[take_right ? right++ : left++];
  }
}

/* Sorts the indexes; returns whichever of the two arrays ends up holding them. */
static uint32_t *sort_indexes(lua_State *L, uint32_t *order, uint32_t *spare, size_t count) {
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t low = 0; low < count; low += 2 * width) {
      size_t middle = low + width < count ? low + width : count;
      size_t high = middle + width < count ? middle + width : count;
      merge_runs(L, order, spare, low, middle, high);
    }

    uint32_t *sorted = spare;
    spare = order;
    order = sorted;
  }

  return order;
}

static int table_sort(lua_State *L) {
  lua_Integer size = check_length(L, 1, true);
  if (size < 2) return 0;
  luaL_argcheck(L, size < INT_MAX, 1, "array too big");
  if (!lua_isnoneornil(L, SORT_FUNCTION)) luaL_checktype(L, SORT_FUNCTION, LUA_TFUNCTION);
  lua_settop(L, 2);
  size_t count = (size_t)size;
  sandbox_charge(L, 3 * count);
  lua_createtable(L, (int)count, 0);
  uint32_t *order = lua_newuserdatauv(L, 2 * count * sizeof *order, 0);
  for (size_t i = 0; i < count; i++) {
    lua_geti(L, 1, (lua_Integer)i + 1);
    lua_rawseti(L, SORT_VALUES, (lua_Integer)i + 1);
    order[i] = (uint32_t)i + 1;
  }

  order = sort_indexes(L, order, order + count, count);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, SORT_VALUES, order[i]);
    lua_seti(L, 1, (lua_Integer)i + 1);
  }

  return 0;
}

int sandbox_open_table(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"concat", table_concat}, {"insert", table_insert},
      {"move", table_move},     {"pack", table_pack},
      {"remove", table_remove}, {"sort", table_sort},
      {"unpack", table_unpack}, {NULL, NULL},
  };
  sandbox_new_library(L, "table", functions);
  return 1;
}
