/* weir.simulate: trials of a challenger, simulated. Not in the layer.
 *
 *   run{set=, scenario=, seed=, runs=, jobs=, on_progress=?} → results
 *       | nil, message, "OutOfMemory"
 *       set is a policy set (weir.policy_set); scenario has a number for every field of
 *       host/simulate/simulate.h; on_progress(done, total) is called now and then
 *   results = {runs = {{outcome=, minutes=, exposed=, excess=, file=, line=, because=}, …},
 *              windows=, decisions=, decide_ns=}
 *       outcome: "promote", "rollback", "hold" or "failed"; because: JSON text, or the message of a
 *       failure
 *
 * Memory: a userdata owns the results until they are tables; the set is kept alive by the argument
 * table. */
#include "simulate/simulate.h"

#include <math.h>
#include <string.h>

#include "binding.h"
#include "policy/set.h"
#include "registry.h"

static const char RESULTS[] = "weir.simulate.results";

static const char RUN_SIGNATURE[] =
    "weir.simulate.run{set=policy set, scenario={field=number, …}, seed=integer, runs=integer, "
    "jobs=integer, on_progress=function?}";

enum { RUNS_MAX = 1000000, JOBS_MAX = 64 };

static policy_set *check_set(lua_State *L) {
  binding_check_present(L, 1, "set", RUN_SIGNATURE);
  binding_check_push(L, 1, "set");
  policy_set **handle = luaL_testudata(L, -1, POLICY_SET_TYPE);
  if (!handle || !*handle) binding_check_refuse(L, -1, "set", "a policy set", RUN_SIGNATURE);
  lua_pop(L, 1); // the argument table keeps it alive

  return *handle;
}

/* The scenario that is a member of the options at index 1. */
static void read_scenario(lua_State *L, simulate_scenario *scenario) {
#define X(name) #name,
  static const char *const keys[] = {SIMULATE_FIELDS(X) NULL};
#undef X
  binding_check_present(L, 1, "scenario", RUN_SIGNATURE);
  binding_check_push(L, 1, "scenario"); // options … scenario
  int at = lua_gettop(L);
  binding_expect(L, lua_istable(L, at), RUN_SIGNATURE);
  binding_check_keys(L, at, keys, RUN_SIGNATURE);
#define X(name)                                                                                    \
  binding_check_present(L, at, #name, RUN_SIGNATURE);                                              \
  scenario->name = binding_check_number(L, at, #name, 0, RUN_SIGNATURE);
  SIMULATE_FIELDS(X)
#undef X
  bool sound = scenario->look_minutes >= 1 && scenario->look_minutes <= 1440 &&
               floor(scenario->look_minutes) == scenario->look_minutes && scenario->days > 0 &&
               scenario->days <= 366 && scenario->sigma >= 0.01 && scenario->sigma <= 5 &&
               scenario->p99_ms > 0 && scenario->traffic > 0 && scenario->traffic <= 1e7;
  if (!sound)
    luaL_error(L, "the scenario has a number out of its range; expected %s", RUN_SIGNATURE);
  lua_pop(L, 1);
}

/* ── Progress ── */

typedef struct {
  lua_State *L;
  bool raised; /* what it raised is on the top of the stack */
} listener;

static void on_progress(void *context, size_t done, size_t total) {
  listener *self = context;
  if (self->raised) return;
  lua_pushvalue(self->L, 2);
  lua_pushinteger(self->L, (lua_Integer)done);
  lua_pushinteger(self->L, (lua_Integer)total);
  self->raised = lua_pcall(self->L, 2, 0, 0) != LUA_OK;
}

/* ── Results ── */

static int lua_simulate_results_gc(lua_State *L) {
  simulate_results_free(binding_argument_self(L, RESULTS, "results"));
  return 0;
}

static void push_run(lua_State *L, const simulate_run *run) {
  static const char *const outcomes[] = {"hold", "promote", "rollback", "failed"};
  lua_createtable(L, 0, 7);
  binding_set_text(L, "outcome", outcomes[run->outcome]);
  binding_set_number(L, "minutes", run->minutes);
  binding_set_number(L, "exposed", run->exposed);
  binding_set_number(L, "excess", run->excess);
  binding_set_text(L, "file", run->file);
  binding_set_integer(L, "line", run->line);
  binding_set_text(L, "because", run->because);
}

static void push_results(lua_State *L, const simulate_results *results) {
  lua_createtable(L, 0, 4);
  lua_createtable(L, (int)results->count, 0);
  for (size_t i = 0; i < results->count; i++) {
    push_run(L, &results->runs[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  lua_setfield(L, -2, "runs");
  binding_set_integer(L, "windows", (lua_Integer)results->windows);
  binding_set_integer(L, "decisions", (lua_Integer)results->decisions);
  binding_set_integer(L, "decide_ns", (lua_Integer)results->decide_ns);
}

static int lua_simulate_run(lua_State *L) {
  static const char *const keys[] = {"set",  "scenario",    "seed", "runs",
                                     "jobs", "on_progress", NULL};
  lua_settop(L, 1);
  binding_expect(L, binding_check_options(L, 1, keys, RUN_SIGNATURE), RUN_SIGNATURE);
  policy_set *set = check_set(L);
  const policy_set_options *chosen = policy_set_options_of(set);
  simulate_options options = {
      .files = policy_set_files(set),
      .limits = chosen->limits,
      .overrides = chosen->overrides,
      .overrides_size = chosen->overrides_size,
  };
  read_scenario(L, &options.scenario);
  static const char *const needed[] = {"seed", "runs", "jobs"};
  for (int i = 0; i < 3; i++) binding_check_present(L, 1, needed[i], RUN_SIGNATURE);
  options.seed = (uint64_t)binding_check_integer(L, 1, "seed", 0, LUA_MAXINTEGER, 0, RUN_SIGNATURE);
  options.runs = (size_t)binding_check_integer(L, 1, "runs", 1, RUNS_MAX, 1, RUN_SIGNATURE);
  options.jobs = (size_t)binding_check_integer(L, 1, "jobs", 1, JOBS_MAX, 1, RUN_SIGNATURE);
  listener heard = {.L = L};
  int type = binding_check_push(L, 1, "on_progress"); // options on_progress
  if (type != LUA_TNIL && type != LUA_TFUNCTION)
    binding_check_refuse(L, -1, "on_progress", "a function", RUN_SIGNATURE);
  if (type == LUA_TFUNCTION) {
    options.on_progress = on_progress;
    options.context = &heard;
  }

  simulate_results *results = binding_owner_push(L, RESULTS, sizeof *results, 0);
  bool ok = simulate(&options, results); // options on_progress results [error]
  if (heard.raised) return lua_error(L);
  if (!ok) return binding_fail(L, "OutOfMemory", "not enough memory");
  push_results(L, results);
  simulate_results_free(results);

  return 1;
}

int luaopen_weir_simulate(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(simulate_results, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(simulate, run), BINDING_END};
  binding_type_register(L, RESULTS, metamethods, NULL);
  luaL_newlib(L, functions);

  return 1;
}
