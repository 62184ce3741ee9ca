/* The objects of weir.stats:
 *
 *   windows() → w        requests and errors of both variants, window by window
 *     w:add{n1=, x1=, n0=, x0=}    w:merge(w2)
 *     w:counts() → n1, x1, n0, x0  effective counts
 *     w:dispersion() → φ           1 when errors vary as chance lets them
 *   sketch([accuracy]) → s   counts of values in logarithmic buckets; accuracy 0.01
 *     s:add(value[, count])    s:add_bucket(bucket, count)    s:merge(s2)
 *     s:add_all({value, …}[, welford])   each value once, and into the moments too; where one of
 *         them is not a number those before it are added
 *     s:quantile(q) → number, or nothing when it is empty
 *     s:count() → number       s:buckets() → {bucket = count}
 *   ratio_interval{q=, sketch1=, sketch0=[, n0=, alpha=, dispersion=]} → low, high of the ratio − 1
 *
 * Methods that change an object return it. Memory: each object is a userdata that frees what it
 * holds. */
#include "core/stats/moments.h"
#include "core/stats/sketch.h"
#include "core/stats/windows.h"
#include "stats_lua.h"

static const char WINDOWS[] = "weir.stats.windows", SKETCH[] = "weir.stats.sketch";

/* A method that changes the object at index 1 returns it. */
static int push_self(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

/* Another object of the type at index 2. */
static void *read_other(lua_State *L, const char *type, const char *signature) {
  binding_argument_most(L, 2, signature);
  void *other = luaL_testudata(L, 2, type);
  binding_expect(L, other != NULL, signature);
  return other;
}

/* ── Windows ── */

static int lua_stats_windows(lua_State *L) {
  binding_argument_most(L, 0, "weir.stats.windows()");
  binding_owner_push(L, WINDOWS, sizeof(stats_windows), 0);
  return 1;
}

static const char WINDOWS_ADD_SIGNATURE[] =
    "windows:add{n1=number, x1=number, n0=number, x0=number}";

static int lua_stats_windows_add(lua_State *L) {
  static const char *const keys[] = {"n1", "x1", "n0", "x0", NULL};
  const char *signature = WINDOWS_ADD_SIGNATURE;
  stats_windows *self = binding_argument_self(L, WINDOWS, signature);
  binding_argument_most(L, 2, signature);
  binding_expect(L, lua_istable(L, 2), signature);
  binding_check_keys(L, 2, keys, signature);
  lua_rotate(L, 1, 1); // options self
  stats_window window = {
      .n1 = stats_arguments_option(L, "n1", 0, STATS_COUNT_MAX, STATS_NO_DEFAULT, signature),
      .n0 = stats_arguments_option(L, "n0", 0, STATS_COUNT_MAX, STATS_NO_DEFAULT, signature),
  };
  window.x1 = stats_arguments_option(L, "x1", 0, window.n1, STATS_NO_DEFAULT, signature);
  window.x0 = stats_arguments_option(L, "x0", 0, window.n0, STATS_NO_DEFAULT, signature);

  stats_windows_add(self, window);
  return 1;
}

static const char WINDOWS_MERGE_SIGNATURE[] = "windows:merge(windows)";

static int lua_stats_windows_merge(lua_State *L) {
  stats_windows *self = binding_argument_self(L, WINDOWS, WINDOWS_MERGE_SIGNATURE);
  const stats_windows *other = read_other(L, WINDOWS, WINDOWS_MERGE_SIGNATURE);
  stats_windows_merge(self, other);
  return push_self(L);
}

static int lua_stats_windows_counts(lua_State *L) {
  const stats_windows *self = binding_argument_self(L, WINDOWS, "windows:counts()");
  binding_argument_most(L, 1, "windows:counts()");
  stats_window all = stats_windows_counts(self);
  stats_arguments_push_pair(L, all.n1, all.x1);

  return 2 + stats_arguments_push_pair(L, all.n0, all.x0);
}

static int lua_stats_windows_dispersion(lua_State *L) {
  const stats_windows *self = binding_argument_self(L, WINDOWS, "windows:dispersion()");
  binding_argument_most(L, 1, "windows:dispersion()");
  lua_pushnumber(L, stats_windows_dispersion(self));
  return 1;
}

/* ── Sketches ── */

static const char SKETCH_SIGNATURE[] = "weir.stats.sketch([accuracy])";

static int lua_stats_sketch(lua_State *L) {
  binding_argument_most(L, 1, SKETCH_SIGNATURE);
  double accuracy = binding_argument_number(L, 1, 0.001, 0.5, 0.01, SKETCH_SIGNATURE);
  stats_sketch *self = binding_owner_push(L, SKETCH, sizeof *self, 0);
  *self = stats_sketch_new(accuracy);
  return 1;
}

static const char SKETCH_ADD_SIGNATURE[] = "sketch:add(value[, count])";

static int lua_stats_sketch_add(lua_State *L) {
  stats_sketch *self = binding_argument_self(L, SKETCH, SKETCH_ADD_SIGNATURE);
  binding_argument_most(L, 3, SKETCH_ADD_SIGNATURE);
  double value =
      binding_argument_number(L, 2, -1e300, 1e300, STATS_NO_DEFAULT, SKETCH_ADD_SIGNATURE);
  double count = binding_argument_number(L, 3, 0, STATS_COUNT_MAX, 1, SKETCH_ADD_SIGNATURE);

  binding_expect_memory(L, stats_sketch_add(self, value, count));
  return push_self(L);
}

static const char ADD_ALL_SIGNATURE[] = "sketch:add_all({value, …}[, welford])";

enum { BLOCK = 64 }; /* values that are read at once: a million of them need no copy */

/* The elements from + 1 … from + size of the list at index 2. */
static void read_block(lua_State *L, lua_Integer from, int size, double values[BLOCK]) {
  int top = lua_gettop(L);
  for (int i = 1; i <= size; i++) lua_rawgeti(L, 2, from + i);
  for (int i = 0; i < size; i++) {
    int is_number;
    values[i] = lua_tonumberx(L, top + 1 + i, &is_number);
    if (!(is_number && fabs(values[i]) <= 1e300) || lua_type(L, top + 1 + i) != LUA_TNUMBER)
      luaL_error(L, "element %I must be a number from -1e300 to 1e300; expected %s",
                 (LUAI_UACINT)(from + 1 + i), ADD_ALL_SIGNATURE);
  }

  lua_settop(L, top);
}

static int lua_stats_sketch_add_all(lua_State *L) {
  stats_sketch *self = binding_argument_self(L, SKETCH, ADD_ALL_SIGNATURE);
  binding_argument_most(L, 3, ADD_ALL_SIGNATURE);
  binding_expect(L, lua_istable(L, 2), ADD_ALL_SIGNATURE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 2);
  stats_moments *moments = luaL_testudata(L, 3, STATS_WELFORD);
  binding_expect(L, moments || lua_isnoneornil(L, 3), ADD_ALL_SIGNATURE);
  luaL_checkstack(L, BLOCK, NULL);

  for (lua_Integer from = 0; from < count; from += BLOCK) {
    double values[BLOCK];
    int size = count - from < BLOCK ? (int)(count - from) : BLOCK;
    read_block(L, from, size, values);
    binding_expect_memory(L, stats_sketch_add_all(self, values, (size_t)size));
    if (moments) stats_moments_add_all(moments, values, (size_t)size);
  }

  return push_self(L);
}

static const char ADD_BUCKET_SIGNATURE[] = "sketch:add_bucket(bucket, count)";

static int lua_stats_sketch_add_bucket(lua_State *L) {
  stats_sketch *self = binding_argument_self(L, SKETCH, ADD_BUCKET_SIGNATURE);
  binding_argument_most(L, 3, ADD_BUCKET_SIGNATURE);
  lua_Integer bucket = binding_argument_integer(L, 2, -STATS_SKETCH_BUCKET_MAX,
                                                STATS_SKETCH_BUCKET_MAX, ADD_BUCKET_SIGNATURE);
  double count =
      binding_argument_number(L, 3, 0, STATS_COUNT_MAX, STATS_NO_DEFAULT, ADD_BUCKET_SIGNATURE);

  binding_expect_memory(L, stats_sketch_add_bucket(self, (int32_t)bucket, count));
  return push_self(L);
}

static const char SKETCH_MERGE_SIGNATURE[] = "sketch:merge(sketch of the same accuracy)";

static int lua_stats_sketch_merge(lua_State *L) {
  stats_sketch *self = binding_argument_self(L, SKETCH, SKETCH_MERGE_SIGNATURE);
  const stats_sketch *other = read_other(L, SKETCH, SKETCH_MERGE_SIGNATURE);
  binding_expect(L, self->accuracy == other->accuracy, SKETCH_MERGE_SIGNATURE);

  binding_expect_memory(L, stats_sketch_merge(self, other));
  return push_self(L);
}

static const char QUANTILE_SIGNATURE[] = "sketch:quantile(q)";

static int lua_stats_sketch_quantile(lua_State *L) {
  const stats_sketch *self = binding_argument_self(L, SKETCH, QUANTILE_SIGNATURE);
  binding_argument_most(L, 2, QUANTILE_SIGNATURE);
  double q = binding_argument_number(L, 2, 0, 1, STATS_NO_DEFAULT, QUANTILE_SIGNATURE);
  if (self->total == 0) return 0;

  lua_pushnumber(L, stats_sketch_quantile(self, q));
  return 1;
}

static int lua_stats_sketch_count(lua_State *L) {
  const stats_sketch *self = binding_argument_self(L, SKETCH, "sketch:count()");
  binding_argument_most(L, 1, "sketch:count()");
  lua_pushnumber(L, self->total);
  return 1;
}

static int lua_stats_sketch_buckets(lua_State *L) {
  const stats_sketch *self = binding_argument_self(L, SKETCH, "sketch:buckets()");
  binding_argument_most(L, 1, "sketch:buckets()");
  lua_newtable(L);
  for (size_t i = 0; i < self->size; i++) {
    if (self->counts[i] == 0) continue;
    lua_pushnumber(L, self->counts[i]);
    lua_rawseti(L, -2, (lua_Integer)self->first + (lua_Integer)i);
  }

  return 1;
}

static int lua_stats_sketch_gc(lua_State *L) {
  stats_sketch_free(binding_argument_self(L, SKETCH, "sketch"));
  return 0;
}

/* The sketch that is a member of the options at index 1. */
static const stats_sketch *read_sketch(lua_State *L, const char *name, const char *signature) {
  binding_check_push(L, 1, name);
  const stats_sketch *sketch = luaL_testudata(L, -1, SKETCH);
  if (!sketch) binding_check_refuse(L, -1, name, "a sketch", signature);
  lua_pop(L, 1); // the options keep it alive

  return sketch;
}

static const char RATIO_INTERVAL_SIGNATURE[] =
    "weir.stats.ratio_interval{q=number, sketch1=sketch, sketch0=sketch, n0=number?, "
    "alpha=number?, dispersion=number?}";

static int lua_stats_ratio_interval(lua_State *L) {
  static const char *const keys[] = {"q", "sketch1", "sketch0", "n0", "alpha", "dispersion", NULL};
  const char *signature = RATIO_INTERVAL_SIGNATURE;
  binding_expect(L, lua_istable(L, 1), signature);
  binding_argument_most(L, 1, signature);
  binding_check_keys(L, 1, keys, signature);
  stats_ratio_question question = {
      .sketch1 = read_sketch(L, "sketch1", signature),
      .sketch0 = read_sketch(L, "sketch0", signature),
      .q = stats_arguments_option(L, "q", 1e-9, 1 - 1e-9, STATS_NO_DEFAULT, signature),
      .alpha = stats_arguments_option(L, "alpha", STATS_ALMOST, 1 - STATS_ALMOST, 0.05, signature),
      .clock = 10,
      .dispersion = stats_arguments_option(L, "dispersion", 1, STATS_COUNT_MAX, 1, signature),
  };
  question.n0 =
      stats_arguments_option(L, "n0", 0, STATS_COUNT_MAX, question.sketch0->total, signature);
  if (question.sketch1->accuracy != question.sketch0->accuracy)
    luaL_error(L, "both sketches must have one accuracy; expected %s", signature);

  stats_ratio_range found = stats_ratio_interval(&question);
  return stats_arguments_push_pair(L, found.low, found.high);
}

static void register_types(lua_State *L) {
  static const luaL_Reg windows[] = {
      BINDING_FUNCTION(stats_windows, add),
      BINDING_FUNCTION(stats_windows, merge),
      BINDING_FUNCTION(stats_windows, counts),
      BINDING_FUNCTION(stats_windows, dispersion),
      BINDING_END,
  };
  static const luaL_Reg sketch[] = {
      BINDING_FUNCTION(stats_sketch, add),        BINDING_FUNCTION(stats_sketch, add_all),
      BINDING_FUNCTION(stats_sketch, add_bucket), BINDING_FUNCTION(stats_sketch, merge),
      BINDING_FUNCTION(stats_sketch, quantile),   BINDING_FUNCTION(stats_sketch, count),
      BINDING_FUNCTION(stats_sketch, buckets),    BINDING_END,
  };
  static const luaL_Reg windows_end[] = {BINDING_END};
  static const luaL_Reg sketch_end[] = {BINDING_METAMETHOD(stats_sketch, gc), BINDING_END};
  binding_type_register(L, WINDOWS, windows_end, windows);
  binding_type_register(L, SKETCH, sketch_end, sketch);
}

void stats_objects_add(lua_State *L) {
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(stats, windows),
      BINDING_FUNCTION(stats, sketch),
      BINDING_FUNCTION(stats, ratio_interval),
      BINDING_END,
  };
  register_types(L);
  luaL_setfuncs(L, functions, 0);
}
