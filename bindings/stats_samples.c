/* The part of weir.stats that looks at samples: means, ranks, bounds of tests, CloudWatch's
 * statistics. See stats.c. Memory: lists are copied into userdata of the Lua state. */
#include <string.h>

#include "core/stats/cloudwatch.h"
#include "core/stats/moments.h"
#include "core/stats/ranks.h"
#include "core/stats/spending.h"
#include "stats_lua.h"

static const char WELCH_SIGNATURE[] =
    "weir.stats.welch{mean1=number, var1=number, n1=number, mean0=number, var0=number, n0=number, "
    "confidence=number?}";

static int lua_stats_welch(lua_State *L) {
  static const char *const keys[] = {"mean1", "var1", "n1",         "mean0",
                                     "var0",  "n0",   "confidence", NULL};
  binding_expect(L, lua_istable(L, 1), WELCH_SIGNATURE);
  binding_argument_most(L, 1, WELCH_SIGNATURE);
  binding_check_keys(L, 1, keys, WELCH_SIGNATURE);
  stats_sample one = {
      stats_arguments_option(L, "mean1", -1e300, 1e300, STATS_NO_DEFAULT, WELCH_SIGNATURE),
      stats_arguments_option(L, "var1", 0, 1e300, STATS_NO_DEFAULT, WELCH_SIGNATURE),
      stats_arguments_option(L, "n1", 2, STATS_COUNT_MAX, STATS_NO_DEFAULT, WELCH_SIGNATURE),
  };
  stats_sample zero = {
      stats_arguments_option(L, "mean0", -1e300, 1e300, STATS_NO_DEFAULT, WELCH_SIGNATURE),
      stats_arguments_option(L, "var0", 0, 1e300, STATS_NO_DEFAULT, WELCH_SIGNATURE),
      stats_arguments_option(L, "n0", 2, STATS_COUNT_MAX, STATS_NO_DEFAULT, WELCH_SIGNATURE),
  };
  double confidence = stats_arguments_option(L, "confidence", STATS_ALMOST, 1 - STATS_ALMOST, 0.95,
                                             WELCH_SIGNATURE);

  stats_welch_result found = stats_welch(one, zero, confidence);
  lua_pushnumber(L, found.t);
  lua_pushnumber(L, found.df);
  lua_pushnumber(L, found.p);

  return 3 + stats_arguments_push_pair(L, found.difference.low, found.difference.high);
}

static const char RANK_TEST_SIGNATURE[] =
    "weir.stats.rank_test({number, …}, {number, …}[, confidence])";

static int lua_stats_rank_test(lua_State *L) {
  size_t count1, count0;
  binding_argument_most(L, 3, RANK_TEST_SIGNATURE);
  double confidence = stats_arguments_confidence(L, 3, RANK_TEST_SIGNATURE);
  lua_settop(L, 2);
  double *list1 = stats_arguments_numbers(L, 1, &count1, -1e300, 1e300, RANK_TEST_SIGNATURE);
  double *list0 = stats_arguments_numbers(L, 2, &count0, -1e300, 1e300, RANK_TEST_SIGNATURE);
  binding_expect(L, count1 > 0 && count0 > 0, RANK_TEST_SIGNATURE);

  stats_rank_result found = stats_rank_test(list1, count1, list0, count0, confidence);
  lua_createtable(L, 0, 6);
  binding_set_number(L, "u", found.u);
  binding_set_number(L, "p", found.p);
  binding_set_number(L, "p_corrected", found.p_corrected);
  binding_set_number(L, "shift", found.shift);
  binding_set_number(L, "low", found.range.low);
  binding_set_number(L, "high", found.range.high);

  return 1;
}

static const char ORDER_RANKS_SIGNATURE[] = "weir.stats.order_ranks(n, q[, confidence])";

static void push_rank(lua_State *L, double rank) {
  if (rank > 0)
    lua_pushinteger(L, (lua_Integer)rank);
  else
    lua_pushnil(L);
}

static int lua_stats_order_ranks(lua_State *L) {
  double coverage;
  binding_argument_most(L, 3, ORDER_RANKS_SIGNATURE);
  lua_Integer n =
      binding_argument_integer(L, 1, 1, (lua_Integer)STATS_COUNT_MAX, ORDER_RANKS_SIGNATURE);
  double q = binding_argument_number(L, 2, STATS_ALMOST, 1 - STATS_ALMOST, STATS_NO_DEFAULT,
                                     ORDER_RANKS_SIGNATURE);
  double confidence = stats_arguments_confidence(L, 3, ORDER_RANKS_SIGNATURE);

  stats_rank_pair found = stats_order_ranks((double)n, q, confidence, &coverage);
  push_rank(L, found.low);
  push_rank(L, found.high);
  lua_pushnumber(L, coverage);

  return 3;
}

static const char BOUNDARIES_SIGNATURE[] = "weir.stats.boundaries{spending=\"obrien_fleming\" | "
                                           "\"pocock\" | \"power\" | \"hsd\", alpha=number?, "
                                           "times={share, …}, rho=number?, gamma=number?}";

static stats_spending read_spending(lua_State *L) {
  static const char *const names[] = {"obrien_fleming", "pocock", "power", "hsd", NULL};
  const char *name = binding_check_name(L, 1, "spending", BOUNDARIES_SIGNATURE);
  stats_spending spending = {.alpha =
                                 stats_arguments_option(L, "alpha", STATS_ALMOST, 1 - STATS_ALMOST,
                                                        0.05, BOUNDARIES_SIGNATURE)};
  double rho = stats_arguments_option(L, "rho", 1e-3, 1e3, 3, BOUNDARIES_SIGNATURE);
  double gamma = stats_arguments_option(L, "gamma", -100, 100, -4, BOUNDARIES_SIGNATURE);
  int kind = 0;
  while (names[kind] && (!name || strcmp(names[kind], name) != 0)) kind++;
  binding_expect(L, names[kind] != NULL && gamma != 0, BOUNDARIES_SIGNATURE);
  spending.kind = (stats_spending_kind)kind;
  spending.parameter = spending.kind == STATS_SPENDING_POWER ? rho : gamma;

  return spending;
}

static int lua_stats_boundaries(lua_State *L) {
  static const char *const keys[] = {"spending", "alpha", "times", "rho", "gamma", NULL};
  size_t count;
  binding_expect(L, lua_istable(L, 1), BOUNDARIES_SIGNATURE);
  binding_argument_most(L, 1, BOUNDARIES_SIGNATURE);
  binding_check_keys(L, 1, keys, BOUNDARIES_SIGNATURE);
  stats_spending spending = read_spending(L);
  binding_check_present(L, 1, "times", BOUNDARIES_SIGNATURE);
  binding_check_push(L, 1, "times");
  double *times = stats_arguments_numbers(L, 2, &count, 1e-6, 1, BOUNDARIES_SIGNATURE);
  binding_expect(L, count > 0 && count <= 1000, BOUNDARIES_SIGNATURE);
  for (size_t i = 1; i < count; i++)
    if (times[i] <= times[i - 1])
      luaL_error(L, "'times' must ascend; expected %s", BOUNDARIES_SIGNATURE);
  double *bounds = lua_newuserdatauv(L, count * sizeof *bounds, 0);

  binding_expect_memory(L, stats_boundaries(&spending, times, bounds, count));
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushnumber(L, bounds[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  return 1;
}

static const char CLOUDWATCH_SIGNATURE[] = "weir.stats.cloudwatch({number, …}, statistic)";

static int lua_stats_cloudwatch(lua_State *L) {
  size_t count;
  double result;
  binding_argument_most(L, 2, CLOUDWATCH_SIGNATURE);
  const char *statistic = binding_argument_name(L, 2, CLOUDWATCH_SIGNATURE);
  double *values = stats_arguments_numbers(L, 1, &count, -1e300, 1e300, CLOUDWATCH_SIGNATURE);

  switch (stats_cloudwatch(values, count, statistic, &result)) {
  case STATS_CLOUDWATCH_OK: lua_pushnumber(L, result); return 1;
  case STATS_CLOUDWATCH_NO_DATA:
    return binding_fail(L, "NoData", "no value counts for %s", statistic);
  default:
    return luaL_error(
        L, "CloudWatch has no statistic '%s', such as p90, TM(10%%:90%%) or Average; expected %s",
        statistic, CLOUDWATCH_SIGNATURE);
  }
}

void stats_samples_add(lua_State *L) {
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(stats, welch),       BINDING_FUNCTION(stats, rank_test),
      BINDING_FUNCTION(stats, order_ranks), BINDING_FUNCTION(stats, boundaries),
      BINDING_FUNCTION(stats, cloudwatch),  BINDING_END,
  };
  luaL_setfuncs(L, functions, 0);
}
