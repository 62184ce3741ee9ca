/* weir.stats: comparing two variants, 1 the challenger and 0 the champion. Counts may be effective,
 * that is not whole. host/core/stats/ has the formulas, their sources and their errors.
 *
 *   wilson(x, n[, confidence]) → low, high                        of the rate x/n
 *   newcombe(x1, n1, x0, n0[, confidence]) → low, high            of x1/n1 − x0/n0
 *   proportions(x1, n1, x0, n0) → z, p                            pooled
 *   relative(x1, n1, x0, n0) → change, its standard error, p      of (x1/n1)/(x0/n0) − 1; nothing
 *                                                                 where x0 is 0
 *   welch{mean1=, var1=, n1=, mean0=, var0=, n0=[, confidence=]} → t, df, p, low, high
 *   rank_test(list1, list0[, confidence]) → {u, p, p_corrected, shift, low, high}
 *   order_ranks(n, q[, confidence]) → low, high, coverage         nil where no rank is far enough
 *                                                                 out
 *   split_chi_square(counts, shares) → p
 *   split_log_bayes(counts, shares[, k]) → ln B                   k: concentration, 10000
 *   holm(p_values) → adjusted
 *   beta(x, a, b) → I_x(a, b)
 *   boundaries{spending=, alpha=, times=[, rho=, gamma=]} → list of z
 *     spending: "obrien_fleming", "pocock", "power" (rho, 3) or "hsd" (gamma, −4)
 *   error_interval{x1=, n1=, x0=, n0=[, alpha=, clock=, dispersion=]} → low, high
 *   ratio_interval{q=, sketch1=, sketch0=[, n0=, alpha=, dispersion=]} → low, high
 *                                                                 of the ratio − 1
 *   cloudwatch(values, statistic) → number | nil, message, "NoData"
 *   windows()  sketch([accuracy])  welford() → objects, see stats_objects.c
 *   trial{…} → the evidence of one trial, see stats_trial.c
 *   welch to order_ranks, boundaries and cloudwatch are in stats_samples.c
 *
 * confidence is 0.95 and alpha 0.05 where they are not given.
 * Memory: lists are copied into userdata of the Lua state. */
#include "core/stats/error_interval.h"
#include "core/stats/proportions.h"
#include "core/stats/special.h"
#include "registry.h"
#include "stats_lua.h"

/* Successes x of n trials, at two places from index on. */
static void read_rate(lua_State *L, int index, double *x, double *n, const char *signature) {
  *n = binding_argument_number(L, index + 1, STATS_ALMOST, STATS_COUNT_MAX, STATS_NO_DEFAULT,
                               signature);
  *x = binding_argument_number(L, index, 0, *n, STATS_NO_DEFAULT, signature);
}

static const char WILSON_SIGNATURE[] = "weir.stats.wilson(x, n[, confidence])";

static int lua_stats_wilson(lua_State *L) {
  double x, n;
  binding_argument_most(L, 3, WILSON_SIGNATURE);
  read_rate(L, 1, &x, &n, WILSON_SIGNATURE);
  double confidence = stats_arguments_confidence(L, 3, WILSON_SIGNATURE);

  stats_interval found = stats_wilson(x, n, confidence);
  return stats_arguments_push_pair(L, found.low, found.high);
}

static const char NEWCOMBE_SIGNATURE[] = "weir.stats.newcombe(x1, n1, x0, n0[, confidence])";

static int lua_stats_newcombe(lua_State *L) {
  double x1, n1, x0, n0;
  binding_argument_most(L, 5, NEWCOMBE_SIGNATURE);
  read_rate(L, 1, &x1, &n1, NEWCOMBE_SIGNATURE);
  read_rate(L, 3, &x0, &n0, NEWCOMBE_SIGNATURE);
  double confidence = stats_arguments_confidence(L, 5, NEWCOMBE_SIGNATURE);

  stats_interval found = stats_newcombe(x1, n1, x0, n0, confidence);
  return stats_arguments_push_pair(L, found.low, found.high);
}

static const char PROPORTIONS_SIGNATURE[] = "weir.stats.proportions(x1, n1, x0, n0)";

static int lua_stats_proportions(lua_State *L) {
  double x1, n1, x0, n0, p;
  binding_argument_most(L, 4, PROPORTIONS_SIGNATURE);
  read_rate(L, 1, &x1, &n1, PROPORTIONS_SIGNATURE);
  read_rate(L, 3, &x0, &n0, PROPORTIONS_SIGNATURE);

  double z = stats_proportions(x1, n1, x0, n0, &p);
  return stats_arguments_push_pair(L, z, p);
}

static const char RELATIVE_SIGNATURE[] = "weir.stats.relative(x1, n1, x0, n0)";

static int lua_stats_relative(lua_State *L) {
  double x1, n1, x0, n0;
  binding_argument_most(L, 4, RELATIVE_SIGNATURE);
  read_rate(L, 1, &x1, &n1, RELATIVE_SIGNATURE);
  read_rate(L, 3, &x0, &n0, RELATIVE_SIGNATURE);
  if (x0 == 0) return 0;

  stats_relative_result found = stats_relative(x1, n1, x0, n0);
  lua_pushnumber(L, found.change);
  return 1 + stats_arguments_push_pair(L, found.error, found.p);
}

/* Two lists of one length at indices 1 and 2: counts, and shares that are normalised to sum to 1.
 */
static size_t push_split(lua_State *L, double **counts, double **shares, const char *signature) {
  size_t groups, other;
  double sum = 0;
  lua_settop(L, 2);
  *counts = stats_arguments_numbers(L, 1, &groups, 0, STATS_COUNT_MAX, signature);
  *shares = stats_arguments_numbers(L, 2, &other, 0, STATS_COUNT_MAX, signature);
  for (size_t i = 0; i < other; i++) sum += (*shares)[i];
  if (groups != other || !(sum > 0))
    luaL_error(L, "there must be as many counts as shares, and one share above 0; expected %s",
               signature);
  for (size_t i = 0; i < other; i++) (*shares)[i] /= sum;

  return groups;
}

static const char CHI_SQUARE_SIGNATURE[] = "weir.stats.split_chi_square({count, …}, {share, …})";

static int lua_stats_split_chi_square(lua_State *L) {
  double *counts, *shares;
  binding_argument_most(L, 2, CHI_SQUARE_SIGNATURE);
  size_t groups = push_split(L, &counts, &shares, CHI_SQUARE_SIGNATURE);
  lua_pushnumber(L, stats_split_chi_square(counts, shares, groups));

  return 1;
}

static const char LOG_BAYES_SIGNATURE[] = "weir.stats.split_log_bayes({count, …}, {share, …}[, k])";

static int lua_stats_split_log_bayes(lua_State *L) {
  double *counts, *shares;
  binding_argument_most(L, 3, LOG_BAYES_SIGNATURE);
  double k = binding_argument_number(L, 3, 1e-6, STATS_COUNT_MAX, 10000, LOG_BAYES_SIGNATURE);
  size_t groups = push_split(L, &counts, &shares, LOG_BAYES_SIGNATURE);
  lua_pushnumber(L, stats_split_log_bayes(counts, shares, groups, k));

  return 1;
}

static const char HOLM_SIGNATURE[] = "weir.stats.holm({p, …})";

static int lua_stats_holm(lua_State *L) {
  size_t count;
  binding_argument_most(L, 1, HOLM_SIGNATURE);
  double *p = stats_arguments_numbers(L, 1, &count, 0, 1, HOLM_SIGNATURE);
  double *adjusted = lua_newuserdatauv(L, (count + 1) * sizeof *adjusted, 0);

  stats_holm(p, adjusted, count);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushnumber(L, adjusted[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  return 1;
}

static const char BETA_SIGNATURE[] = "weir.stats.beta(x, a, b)";

static int lua_stats_beta(lua_State *L) {
  binding_argument_most(L, 3, BETA_SIGNATURE);
  double x = binding_argument_number(L, 1, 0, 1, STATS_NO_DEFAULT, BETA_SIGNATURE);
  double a = binding_argument_number(L, 2, STATS_ALMOST, STATS_COUNT_MAX, STATS_NO_DEFAULT,
                                     BETA_SIGNATURE);
  double b = binding_argument_number(L, 3, STATS_ALMOST, STATS_COUNT_MAX, STATS_NO_DEFAULT,
                                     BETA_SIGNATURE);
  lua_pushnumber(L, stats_beta(x, a, b));

  return 1;
}

static const char ERROR_INTERVAL_SIGNATURE[] =
    "weir.stats.error_interval{x1=number, n1=number, x0=number, n0=number, alpha=number?, "
    "clock=number?, "
    "dispersion=number?}";

static int lua_stats_error_interval(lua_State *L) {
  static const char *const keys[] = {"x1", "n1", "x0", "n0", "alpha", "clock", "dispersion", NULL};
  const char *signature = ERROR_INTERVAL_SIGNATURE;
  binding_expect(L, lua_istable(L, 1), signature);
  binding_argument_most(L, 1, signature);
  binding_check_keys(L, 1, keys, signature);
  stats_error_counts counts = {
      .n1 = stats_arguments_option(L, "n1", STATS_ALMOST, STATS_COUNT_MAX, STATS_NO_DEFAULT,
                                   signature),
      .n0 = stats_arguments_option(L, "n0", STATS_ALMOST, STATS_COUNT_MAX, STATS_NO_DEFAULT,
                                   signature),
      .alpha = stats_arguments_option(L, "alpha", STATS_ALMOST, 1 - STATS_ALMOST, 0.05, signature),
      .clock = stats_arguments_option(L, "clock", 1e-3, STATS_COUNT_MAX, 10, signature),
      .dispersion = stats_arguments_option(L, "dispersion", 1, STATS_COUNT_MAX, 1, signature),
  };
  counts.x1 = stats_arguments_option(L, "x1", 0, counts.n1, STATS_NO_DEFAULT, signature);
  counts.x0 = stats_arguments_option(L, "x0", 0, counts.n0, STATS_NO_DEFAULT, signature);

  stats_interval found = stats_error_interval(&counts);
  return stats_arguments_push_pair(L, found.low, found.high);
}

int luaopen_weir_stats(lua_State *L) {
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(stats, wilson),
      BINDING_FUNCTION(stats, newcombe),
      BINDING_FUNCTION(stats, proportions),
      BINDING_FUNCTION(stats, relative),
      BINDING_FUNCTION(stats, split_chi_square),
      BINDING_FUNCTION(stats, split_log_bayes),
      BINDING_FUNCTION(stats, holm),
      BINDING_FUNCTION(stats, beta),
      BINDING_FUNCTION(stats, error_interval),
      BINDING_END,
  };
  luaL_newlib(L, functions);
  stats_samples_add(L);
  stats_objects_add(L);
  stats_welford_add(L);
  stats_trial_add_to(L);

  return 1;
}
