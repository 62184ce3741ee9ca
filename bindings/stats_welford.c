/* The part of weir.stats that keeps mean and variance of values that come one by one:
 *
 *   welford() → v
 *     v:add(value)    v:merge(v2)    v:count()
 *     v:mean()  v:variance() → number, or nothing when there are too few values
 *
 * Methods that change an object return it. Memory: the Lua state's. */
#include "core/stats/moments.h"
#include "stats_lua.h"

static const char WELFORD[] = STATS_WELFORD;

static int lua_stats_welford(lua_State *L) {
  binding_argument_most(L, 0, "weir.stats.welford()");
  binding_owner_push(L, WELFORD, sizeof(stats_moments), 0);
  return 1;
}

static const char WELFORD_ADD_SIGNATURE[] = "welford:add(value)";

static int lua_stats_welford_add(lua_State *L) {
  stats_moments *self = binding_argument_self(L, WELFORD, WELFORD_ADD_SIGNATURE);
  binding_argument_most(L, 2, WELFORD_ADD_SIGNATURE);
  double value =
      binding_argument_number(L, 2, -1e300, 1e300, STATS_NO_DEFAULT, WELFORD_ADD_SIGNATURE);
  stats_moments_add(self, value);
  lua_settop(L, 1);

  return 1;
}

static const char WELFORD_MERGE_SIGNATURE[] = "welford:merge(welford)";

static int lua_stats_welford_merge(lua_State *L) {
  stats_moments *self = binding_argument_self(L, WELFORD, WELFORD_MERGE_SIGNATURE);
  binding_argument_most(L, 2, WELFORD_MERGE_SIGNATURE);
  const stats_moments *other = luaL_testudata(L, 2, WELFORD);
  binding_expect(L, other != NULL, WELFORD_MERGE_SIGNATURE);
  stats_moments copy = *other; /* it may be the same object */
  stats_moments_merge(self, &copy);
  lua_settop(L, 1);

  return 1;
}

static int lua_stats_welford_count(lua_State *L) {
  const stats_moments *self = binding_argument_self(L, WELFORD, "welford:count()");
  binding_argument_most(L, 1, "welford:count()");
  lua_pushnumber(L, self->count);
  return 1;
}

static int lua_stats_welford_mean(lua_State *L) {
  const stats_moments *self = binding_argument_self(L, WELFORD, "welford:mean()");
  binding_argument_most(L, 1, "welford:mean()");
  if (self->count == 0) return 0;
  lua_pushnumber(L, self->mean);

  return 1;
}

static int lua_stats_welford_variance(lua_State *L) {
  const stats_moments *self = binding_argument_self(L, WELFORD, "welford:variance()");
  binding_argument_most(L, 1, "welford:variance()");
  if (self->count < 2) return 0;
  lua_pushnumber(L, stats_moments_variance(self));

  return 1;
}

void stats_welford_add(lua_State *L) {
  static const luaL_Reg methods[] = {
      BINDING_FUNCTION(stats_welford, add),      BINDING_FUNCTION(stats_welford, merge),
      BINDING_FUNCTION(stats_welford, count),    BINDING_FUNCTION(stats_welford, mean),
      BINDING_FUNCTION(stats_welford, variance), BINDING_END,
  };
  static const luaL_Reg metamethods[] = {BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(stats, welford), BINDING_END};
  binding_type_register(L, WELFORD, metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
