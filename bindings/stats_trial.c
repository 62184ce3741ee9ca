/* The part of weir.stats that keeps the evidence of one trial: see host/core/stats/trial.h.
 *
 *   trial{alpha=?, warm_up=?} → t       warm_up in seconds, 600
 *     t:add{from=, to=, share1=, share0=, n1=, x1=, n0=, x0=, instances1=?, instances0=?,
 *           sketch1=?, sketch0=?} → "counted" | "warming" | "repeated"
 *     t:evidence() → {started=?, changed=?, last=?, split_p=, split_shift=, split_broken_since=?,
 *                     trial=sums?, step=sums?, quantiles=list?}
 *       sums: {requests=, errors=, champion_requests=, champion_errors=, dispersion=,
 *              error_rate=range, successes=?, champion_successes=?, latency=range?,
 *              latency_p50=range?}, the champion's counts standardised and effective
 *       range: {estimate=, low=, high=}; an end that the data do not reach is infinite. Those of
 *       latencies also {dispersion=}, of the whole trial: 1 until it is known
 *       quantiles: {{q=, challenger=range, champion=range}, …} of the latencies of the whole trial
 *     t:save() → text     t:restore(text) → t | nil, message, "InvalidTrial"
 *
 * Memory: the object is a userdata that frees what it holds. */
#include "core/stats/trial.h"

#include "stats_lua.h"

static const char TRIAL[] = "weir.stats.trial", SKETCH[] = "weir.stats.sketch";
static const double ACCURACY = 0.01;

static const char TRIAL_SIGNATURE[] = "weir.stats.trial{alpha=number?, warm_up=number?}";

static int lua_stats_trial(lua_State *L) {
  static const char *const keys[] = {"alpha", "warm_up", NULL};
  binding_expect(L, binding_check_options(L, 1, keys, TRIAL_SIGNATURE), TRIAL_SIGNATURE);
  binding_argument_most(L, 1, TRIAL_SIGNATURE);
  stats_trial_settings settings = stats_trial_settings_default;
  settings.alpha = stats_arguments_option(L, "alpha", STATS_ALMOST, 1 - STATS_ALMOST,
                                          settings.alpha, TRIAL_SIGNATURE);
  settings.warm_up =
      stats_arguments_option(L, "warm_up", 0, 1e9, settings.warm_up, TRIAL_SIGNATURE);
  stats_trial *self = binding_owner_push(L, TRIAL, sizeof *self, 0);
  *self = stats_trial_new(settings, ACCURACY);
  return 1;
}

static int lua_stats_trial_gc(lua_State *L) {
  stats_trial_free(binding_argument_self(L, TRIAL, "trial"));
  return 0;
}

/* ── One window ── */

static const char ADD_SIGNATURE[] =
    "trial:add{from=number, to=number, share1=number, share0=number, n1=number, x1=number, "
    "n0=number, x0=number, instances1=number?, instances0=number?, sketch1=sketch?, "
    "sketch0=sketch?}";

/* The sketch that is a member of the options at index 1, or NULL. */
static const stats_sketch *read_sketch(lua_State *L, const char *name) {
  const stats_sketch *sketch = NULL;
  if (binding_check_push(L, 1, name) != LUA_TNIL) {
    sketch = luaL_testudata(L, -1, SKETCH);
    if (!sketch || sketch->accuracy != ACCURACY)
      binding_check_refuse(L, -1, name, "a sketch of accuracy 0.01", ADD_SIGNATURE);
  }

  lua_pop(L, 1); // the options keep it alive

  return sketch;
}

static double read_count(lua_State *L, const char *name, double most) {
  return stats_arguments_option(L, name, 0, most, STATS_NO_DEFAULT, ADD_SIGNATURE);
}

static int lua_stats_trial_add(lua_State *L) {
  static const char *const keys[] = {"from",    "to",      "share1", "share0",     "n1",
                                     "x1",      "n0",      "x0",     "instances1", "instances0",
                                     "sketch1", "sketch0", NULL};
  static const char *const results[] = {"counted", "warming", "repeated"};
  stats_trial *self = binding_argument_self(L, TRIAL, ADD_SIGNATURE);
  binding_argument_most(L, 2, ADD_SIGNATURE);
  binding_expect(L, lua_istable(L, 2), ADD_SIGNATURE);
  binding_check_keys(L, 2, keys, ADD_SIGNATURE);
  lua_rotate(L, 1, 1); // options self
  stats_trial_window window = {
      .from = read_count(L, "from", STATS_COUNT_MAX),
      .challenger = {.share = read_count(L, "share1", 1),
                     .requests = read_count(L, "n1", STATS_COUNT_MAX),
                     .instances = stats_arguments_option(L, "instances1", 0, STATS_COUNT_MAX, 0,
                                                         ADD_SIGNATURE),
                     .latencies = read_sketch(L, "sketch1")},
      .champion = {.share = read_count(L, "share0", 1),
                   .requests = read_count(L, "n0", STATS_COUNT_MAX),
                   .instances = stats_arguments_option(L, "instances0", 0, STATS_COUNT_MAX, 0,
                                                       ADD_SIGNATURE),
                   .latencies = read_sketch(L, "sketch0")},
  };
  window.to = stats_arguments_option(L, "to", window.from, STATS_COUNT_MAX, STATS_NO_DEFAULT,
                                     ADD_SIGNATURE);
  window.challenger.errors = read_count(L, "x1", window.challenger.requests);
  window.champion.errors = read_count(L, "x0", window.champion.requests);

  stats_trial_result result = stats_trial_add(self, &window);
  binding_expect_memory(L, result != STATS_TRIAL_OUT_OF_MEMORY);
  lua_pushstring(L, results[result]);
  return 1;
}

/* ── The evidence ── */

static void set_known(lua_State *L, const char *name, double value) {
  if (!isnan(value)) binding_set_number(L, name, value);
}

static void set_range(lua_State *L, const char *name, const stats_trial_range *range) {
  lua_createtable(L, 0, 3);
  binding_set_number(L, "estimate", range->estimate);
  binding_set_number(L, "low", range->low);
  binding_set_number(L, "high", range->high);
  lua_setfield(L, -2, name);
}

static void set_latency(lua_State *L, const char *name, const stats_trial *self,
                        const stats_trial_sums *sums, double q) {
  stats_trial_range range;
  if (!stats_trial_latency(self, sums, q, &range)) return;
  set_range(L, name, &range);
  lua_getfield(L, -1, name);
  binding_set_number(L, "dispersion", stats_blocks_dispersion(&self->blocks, q));
  lua_pop(L, 1);
}

static void set_sums(lua_State *L, const char *name, const stats_trial *self,
                     const stats_trial_sums *sums) {
  stats_trial_range range;
  if (!stats_trial_errors(self, sums, &range)) return;
  stats_window counts = stats_windows_counts(&sums->errors);
  lua_createtable(L, 0, 10);
  binding_set_number(L, "requests", counts.n1);
  binding_set_number(L, "errors", counts.x1);
  binding_set_number(L, "champion_requests", counts.n0);
  binding_set_number(L, "champion_errors", fmin(counts.x0, counts.n0));
  binding_set_number(L, "dispersion", stats_windows_dispersion(&sums->errors));
  set_range(L, "error_rate", &range);
  counts = stats_windows_counts(&sums->successes);
  if (counts.n1 > 0) {
    binding_set_number(L, "successes", counts.n1);
    binding_set_number(L, "champion_successes", counts.n0);
    set_latency(L, "latency", self, sums, 0.99);
    set_latency(L, "latency_p50", self, sums, 0.5);
  }

  lua_setfield(L, -2, name);
}

/* The quantiles of a curve of latencies. */
static void set_quantiles(lua_State *L, const stats_trial *self) {
  static const double quantiles[] = {0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999};
  enum { QUANTILES = sizeof quantiles / sizeof *quantiles };
  stats_trial_range challenger, champion;
  if (!stats_trial_quantile(self, 0.5, &challenger, &champion)) return;
  lua_createtable(L, QUANTILES, 0);
  for (int i = 0; i < QUANTILES; i++) {
    stats_trial_quantile(self, quantiles[i], &challenger, &champion);
    lua_createtable(L, 0, 3);
    binding_set_number(L, "q", quantiles[i]);
    set_range(L, "challenger", &challenger);
    set_range(L, "champion", &champion);
    lua_rawseti(L, -2, i + 1);
  }

  lua_setfield(L, -2, "quantiles");
}

static int lua_stats_trial_evidence(lua_State *L) {
  const stats_trial *self = binding_argument_self(L, TRIAL, "trial:evidence()");
  binding_argument_most(L, 1, "trial:evidence()");
  lua_createtable(L, 0, 8);
  set_known(L, "started", self->started);
  set_known(L, "changed", self->changed);
  set_known(L, "last", self->last);
  binding_set_number(L, "split_p", self->split_p);
  binding_set_number(L, "split_shift", stats_trial_shift(self));
  set_known(L, "split_broken_since", self->broken_since);
  set_sums(L, "trial", self, &self->whole);
  set_sums(L, "step", self, &self->step);
  set_quantiles(L, self);

  return 1;
}

/* ── Keeping it ── */

static int lua_stats_trial_save(lua_State *L) {
  const stats_trial *self = binding_argument_self(L, TRIAL, "trial:save()");
  binding_argument_most(L, 1, "trial:save()");
  text_buffer *text = binding_buffer_push(L);
  stats_trial_write(self, text);
  binding_expect_memory(L, !text->failed);
  binding_buffer_finish(L, text);

  return 1;
}

static const char RESTORE_SIGNATURE[] = "trial:restore(text)";

static int lua_stats_trial_restore(lua_State *L) {
  size_t size;
  stats_trial *self = binding_argument_self(L, TRIAL, RESTORE_SIGNATURE);
  binding_argument_most(L, 2, RESTORE_SIGNATURE);
  const char *text = binding_argument_text(L, 2, &size, RESTORE_SIGNATURE);

  switch (stats_trial_read(self, text, size)) {
  case STATS_TRIAL_READ: lua_settop(L, 1); return 1;
  case STATS_TRIAL_READ_INVALID:
    return binding_fail(L, "InvalidTrial", "this is not the saved evidence of a trial");
  default: return luaL_error(L, "not enough memory");
  }
}

void stats_trial_add_to(lua_State *L) {
  static const luaL_Reg methods[] = {
      BINDING_FUNCTION(stats_trial, add),
      BINDING_FUNCTION(stats_trial, evidence),
      BINDING_FUNCTION(stats_trial, save),
      BINDING_FUNCTION(stats_trial, restore),
      BINDING_END,
  };
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(stats_trial, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(stats, trial), BINDING_END};
  binding_type_register(L, TRIAL, metamethods, methods);
  luaL_setfuncs(L, functions, 0);
}
