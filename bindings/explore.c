/* weir.explore: facts that no recording contains, generated until a policy fails, or two versions
 * of it differ. Not in the layer.
 *
 *   run{set=, old=?, kind=, seeds=, seed=, tries=, jobs=, on_progress=?} → results
 *       | nil, message, code: "UnknownKind", "OutOfMemory"
 *       set and old are policy sets (weir.policy_set); seeds is a list of {facts=, params=?}, JSON
 *       texts; on_progress(done, total) is called now and then
 *   results = {tried=, refused=, failed=, differing=, kept=, shrinking=, lines=, branches=,
 *              findings = {{key=, facts=, params=, count=, now=, old=?}, …},
 *              parameters = {{name=, tried=, decisions=, reasons=}, …}}
 *       facts and params of a finding are JSON texts; now and old are {action=, because=, file=,
 *       line=} or {code=, message=, file=, line=}; lines and branches are as set:trace gives them.
 *       host/explore/explore.h says what the numbers are
 *
 * Memory: a userdata owns the results until they are tables; the sets are kept alive by the
 * argument table. */
#include "explore/explore.h"

#include <string.h>

#include "binding.h"
#include "coverage_lua.h"
#include "policy/set.h"
#include "registry.h"

static const char RESULTS[] = "weir.explore.results";

static const char RUN_SIGNATURE[] =
    "weir.explore.run{set=policy set, old=policy set?, kind=text, seeds={{facts=text, "
    "params=text?}, …}, seed=integer, tries=integer, jobs=integer, on_progress=function?}";

enum { JOBS_MAX = 64 };

/* ── Options ── */

/* The policy set that is a member of the options at index 1. */
static void read_set(lua_State *L, const char *name, explore_set *out) {
  binding_check_push(L, 1, name);
  policy_set **handle = luaL_testudata(L, -1, POLICY_SET_TYPE);
  if (!handle || !*handle) binding_check_refuse(L, -1, name, "a policy set", RUN_SIGNATURE);
  lua_pop(L, 1); // the argument table keeps it alive

  const policy_set_options *chosen = policy_set_options_of(*handle);
  *out = (explore_set){
      .files = policy_set_files(*handle),
      .limits = chosen->limits,
      .overrides = chosen->overrides,
      .overrides_size = chosen->overrides_size,
  };
}

/* The list of seeds, whose texts the options keep alive. */
static void read_seeds(lua_State *L, explore_options *options) {
  static const char *const keys[] = {"facts", "params", NULL};
  binding_check_present(L, 1, "seeds", RUN_SIGNATURE);
  binding_check_push(L, 1, "seeds"); // options … seeds
  size_t count = (size_t)binding_check_list(L, lua_gettop(L), "seeds", RUN_SIGNATURE);
  explore_seed *seeds = lua_newuserdatauv(L, (count + 1) * sizeof *seeds, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)i + 1); // … seeds userdata seed
    int at = lua_gettop(L);
    binding_expect(L, binding_check_options(L, at, keys, RUN_SIGNATURE), RUN_SIGNATURE);
    binding_check_present(L, at, "facts", RUN_SIGNATURE);
    seeds[i] = (explore_seed){0};
    seeds[i].facts = binding_check_text(L, at, "facts", &seeds[i].facts_size, RUN_SIGNATURE);
    seeds[i].params = binding_check_text(L, at, "params", &seeds[i].params_size, RUN_SIGNATURE);
    lua_pop(L, 1);
  }

  options->seeds = seeds;
  options->seed_count = count;
}

static void read_options(lua_State *L, explore_options *options) {
  static const char *const needed[] = {"set", "kind", "seed", "tries", "jobs"};
  for (int i = 0; i < 5; i++) binding_check_present(L, 1, needed[i], RUN_SIGNATURE);
  read_set(L, "set", &options->set);
  if (binding_check_push(L, 1, "old") != LUA_TNIL) read_set(L, "old", &options->old);
  lua_pop(L, 1);
  options->kind = binding_check_text(L, 1, "kind", &options->kind_size, RUN_SIGNATURE);
  read_seeds(L, options);
  options->seed =
      (uint64_t)binding_check_integer(L, 1, "seed", 0, LUA_MAXINTEGER, 0, RUN_SIGNATURE);
  options->tries =
      (uint64_t)binding_check_integer(L, 1, "tries", 1, INT64_C(1) << 40, 1, RUN_SIGNATURE);
  options->jobs = (size_t)binding_check_integer(L, 1, "jobs", 1, JOBS_MAX, 1, RUN_SIGNATURE);
}

/* ── Progress ── */

typedef struct {
  lua_State *L;
  int function; /* its stack index */
  bool raised;  /* what it raised is on the top of the stack */
} listener;

static void on_progress(void *context, uint64_t done, uint64_t total) {
  listener *self = context;
  if (self->raised) return;
  lua_pushvalue(self->L, self->function);
  lua_pushinteger(self->L, (lua_Integer)(done < total ? done : total));
  lua_pushinteger(self->L, (lua_Integer)total);
  self->raised = lua_pcall(self->L, 2, 0, 0) != LUA_OK;
}

/* ── Results ── */

static int lua_explore_results_gc(lua_State *L) {
  explore_results_free(binding_argument_self(L, RESULTS, "results"));
  return 0;
}

static void set_verdict(lua_State *L, const char *name, const explore_verdict *verdict) {
  lua_createtable(L, 0, 4);
  if (verdict->action) {
    binding_set_text(L, "action", verdict->action);
    binding_set_text(L, "because", verdict->text);
  } else {
    binding_set_text(L, "code", policy_outcome_code(verdict->outcome));
    binding_set_text(L, "message", verdict->text);
  }

  binding_set_text(L, "file", verdict->file);
  binding_set_integer(L, "line", verdict->line);
  lua_setfield(L, -2, name);
}

static void push_findings(lua_State *L, const explore_results *results) {
  lua_createtable(L, (int)results->finding_count, 0);
  for (size_t i = 0; i < results->finding_count; i++) {
    const explore_finding *found = &results->findings[i];
    lua_createtable(L, 0, 6);
    binding_set_text(L, "key", found->key);
    binding_set_text(L, "facts", found->facts);
    binding_set_text(L, "params", found->params);
    binding_set_integer(L, "count", (lua_Integer)found->count);
    set_verdict(L, "now", &found->now);
    if (found->old.text) set_verdict(L, "old", &found->old);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_parameters(lua_State *L, const explore_results *results) {
  lua_createtable(L, (int)results->parameter_count, 0);
  for (size_t i = 0; i < results->parameter_count; i++) {
    const explore_parameter *parameter = &results->parameters[i];
    lua_createtable(L, 0, 4);
    binding_set_text(L, "name", parameter->name);
    binding_set_integer(L, "tried", (lua_Integer)parameter->tried);
    binding_set_integer(L, "decisions", (lua_Integer)parameter->decisions);
    binding_set_integer(L, "reasons", (lua_Integer)parameter->reasons);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_results(lua_State *L, const explore_results *results) {
  lua_createtable(L, 0, 10);
  binding_set_integer(L, "tried", (lua_Integer)results->tried);
  binding_set_integer(L, "refused", (lua_Integer)results->refused);
  binding_set_integer(L, "failed", (lua_Integer)results->failed);
  binding_set_integer(L, "differing", (lua_Integer)results->differing);
  binding_set_integer(L, "kept", (lua_Integer)results->kept);
  binding_set_integer(L, "shrinking", (lua_Integer)results->shrinking);
  coverage_lua_push_lines(L, results->code, results->counts);
  lua_setfield(L, -2, "lines");
  coverage_lua_push_branches(L, results->code, results->counts);
  lua_setfield(L, -2, "branches");
  push_findings(L, results);
  lua_setfield(L, -2, "findings");
  push_parameters(L, results);
  lua_setfield(L, -2, "parameters");
}

static int lua_explore_run(lua_State *L) {
  static const char *const keys[] = {"set",   "old",  "kind",        "seeds", "seed",
                                     "tries", "jobs", "on_progress", NULL};
  explore_options options = {0};
  lua_settop(L, 1);
  binding_expect(L, binding_check_options(L, 1, keys, RUN_SIGNATURE), RUN_SIGNATURE);
  read_options(L, &options);
  listener heard = {.L = L};
  int type = binding_check_push(L, 1, "on_progress"); // options … on_progress
  if (type != LUA_TNIL && type != LUA_TFUNCTION)
    binding_check_refuse(L, -1, "on_progress", "a function", RUN_SIGNATURE);
  if (type == LUA_TFUNCTION) {
    heard.function = lua_gettop(L);
    options.on_progress = on_progress;
    options.context = &heard;
  }

  explore_results *results = binding_owner_push(L, RESULTS, sizeof *results, 0);
  explore_outcome outcome = explore(&options, results); // … results [error]
  if (heard.raised) return lua_error(L);
  if (outcome == EXPLORE_UNKNOWN_KIND)
    return binding_fail(L, "UnknownKind", "the policy set has no policy of this kind");
  if (outcome != EXPLORE_DONE) return binding_fail(L, "OutOfMemory", "not enough memory");
  push_results(L, results);
  explore_results_free(results);

  return 1;
}

int luaopen_weir_explore(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(explore_results, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(explore, run), BINDING_END};
  binding_type_register(L, RESULTS, metamethods, NULL);
  luaL_newlib(L, functions);

  return 1;
}
