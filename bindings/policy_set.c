/* weir.policy_set: load a policy set, ask it for decisions.
 *
 *   load(path[, {params=, instructions=, memory=, bundle=, verify=, trust=, kind=}])
 *       → set, warnings | nil, findings, code
 *       path is a directory or a bundle file, or what to call the bundle whose text is given;
 *       params: name → value, overrides; instructions and memory (bytes): the limits of a decision;
 *       verify=false: its examples are not run (weir.policy_examples has them);
 *       trust=true: a set that was verified before, with these limits, is not verified again, and
 *       loads no other policy than of this kind (set.h);
 *       code: "PolicySetRefused", "DigestMismatch" (of a bundle), "OutOfMemory"
 *   list(directory) → the paths, inside it, of the files that loading it reads
 *   kinds(path) → what the set there declares in its folder kinds/ | nil, findings, code
 *       a list of {kind=, file=, facts=} and, of a whole kind, doc= and decisions=, as kind files
 *       have them (docs/kinds.md); its policies need not load
 *   append(path, line) → true | nil, message, "LogFailed": one write to a decision log
 *   default_limits  {instructions=, memory=}
 *
 *   set:decide(kind, facts[, {params_json=, overrides_json=}]) → answer | nil, message, code
 *   set:ask(kind, facts[, request_id[, redacted_json]]) → entry, decision-log line
 *       | nil, message, code
 *       a decision of now; an entry has what handlers look at: policy_set_tables.h. The facts
 *       must be what weir.json made of a value: no name that is there twice is looked for
 *   set:record(kind, facts[, {id=, time=, request_id=, redacted_json=, eval_us=}])
 *       → decision-log line | nil, message, code
 *   set:trace(kind, facts[, params]) → as set:decide, and what it did: policy_set_trace.h. Not in
 *       the layer
 *   set:refresh([text, name[, kind]]) → "same" | "swapped" | "refused" | "lacks kind", findings
 *       reads the directory again, or takes this text of a bundle; with a kind, a version without
 *       a policy of it does not become active
 *   set:override({name = value, …}) → true | nil, message, "InvalidParams"
 *       parameters for this and every later version; after a failure the set must not be asked
 *   set:policies() → list of {kind=, name=, file=, digest=, params=, examples=, worst=}
 *   set:kinds() → as kinds(path) gives it
 *   set:digest(), set:directory() → text
 *   set:is_verified() → whether it was verified before, and trusted
 *   set:sources() → list of {path=, file=, text=}; file is the path as messages show it
 *   set:bundle([{stamp=boolean}]) → text | nil, message, "InvalidText"
 *       stamp: note that this program verified the set, and its check found no error in it
 *
 * facts are JSON text. Codes of decisions: host/policy/sandbox.h. Tables: policy_set_tables.h.
 * Memory: the userdata owns the policy_set and one reusable answer; findings have a userdata of
 * their own. */
#include "policy/set.h"

#include <errno.h>
#include <string.h>

#include "binding.h"
#include "core/system/process.h"
#include "policy/decision_log.h"
#include "policy_set_inspect.h"
#include "policy_set_options.h"
#include "policy_set_question.h"
#include "policy_set_tables.h"
#include "policy_set_trace.h"
#include "registry.h"

static const char FINDINGS[] = "weir.policy_set.findings";

static int lua_policy_set_set_gc(lua_State *L) {
  policy_set_handle *h = binding_argument_self(L, POLICY_SET_TYPE, "a policy set");
  policy_set_free(h->set);
  policy_answer_free(&h->answer);
  text_buffer_free(&h->line);
  memset(h, 0, sizeof *h);

  return 0;
}

static int lua_policy_set_findings_gc(lua_State *L) {
  finding_list_free(binding_argument_self(L, FINDINGS, "findings"));
  return 0;
}

static finding_list *findings_push(lua_State *L) {
  return binding_owner_push(L, FINDINGS, sizeof(finding_list), 0);
}

/* ── Functions ── */

static const char LOAD_SIGNATURE[] =
    "weir.policy_set.load(path[, {params=table?, instructions=integer?, memory=integer?, "
    "bundle=text?, verify=boolean?, trust=boolean?, kind=text?}])";

/* Why there is no set, by findings->cause. */
static const char *const causes[] = {"PolicySetRefused", "DigestMismatch", "OutOfMemory"};

static int lua_policy_set_load(lua_State *L) {
  policy_set_options options = {0};
  json_span bundle;
  lua_settop(L, 2);
  const char *path = binding_argument_name(L, 1, LOAD_SIGNATURE);
  policy_set_options_read(L, 2, LOAD_SIGNATURE, &options, &bundle);

  finding_list *findings = findings_push(L);
  policy_set_handle *h = binding_owner_push(L, POLICY_SET_TYPE, sizeof *h, 0);
  policy_set_origin origin = {.path = path, .text = bundle.at, .size = bundle.size};
  h->set = policy_set_load(&origin, &options, findings);
  if (!h->set) lua_pushnil(L);

  policy_set_tables_push_findings(L, findings);
  lua_pushstring(L, h->set ? NULL : causes[findings->cause]);
  finding_list_free(findings);
  return 3;
}

static const char LIST_SIGNATURE[] = "weir.policy_set.list(directory)";

static int lua_policy_set_list(lua_State *L) {
  lua_settop(L, 1);
  policy_set_tables_push_paths(L, binding_argument_name(L, 1, LIST_SIGNATURE));
  return 1;
}

static const char KINDS_SIGNATURE[] = "weir.policy_set.kinds(path)";

static int lua_policy_set_kinds(lua_State *L) {
  lua_settop(L, 1);
  policy_set_origin origin = {.path = binding_argument_name(L, 1, KINDS_SIGNATURE)};

  finding_list *findings = findings_push(L);
  text_buffer *json = binding_buffer_push(L);
  if (policy_set_kinds(&origin, json, findings)) {
    policy_set_tables_push_kinds(L, json);
    return 1;
  }

  lua_pushnil(L);
  policy_set_tables_push_findings(L, findings);
  lua_pushstring(L, causes[findings->cause]);
  finding_list_free(findings);

  return 3;
}

static const char APPEND_SIGNATURE[] = "weir.policy_set.append(path, line)";

static int lua_policy_set_append(lua_State *L) {
  size_t size;
  lua_settop(L, 2);
  const char *path = binding_argument_name(L, 1, APPEND_SIGNATURE);
  const char *text = binding_argument_text(L, 2, &size, APPEND_SIGNATURE);

  text_buffer *line = binding_buffer_push(L);
  text_buffer_append(line, text, size);
  if (!decision_log_append(path, line))
    return binding_fail(L, "LogFailed", "the decision log %s cannot be written: %s", path,
                        strerror(errno));

  lua_pushboolean(L, true);
  return 1;
}

/* ── Decisions ── */

static const char DECIDE_SIGNATURE[] =
    "set:decide(kind, facts_json[, {params_json=text?, overrides_json=text?}])";

static int lua_policy_set_set_decide(lua_State *L) {
  static const char *const keys[] = {"params_json", "overrides_json", NULL};
  policy_question question = {0};
  policy_set_handle *h = policy_set_question_handle(L, DECIDE_SIGNATURE);
  lua_settop(L, 4);
  policy_set_question_read(L, &question, DECIDE_SIGNATURE);
  binding_check_options(L, 4, keys, DECIDE_SIGNATURE);
  question.params = policy_set_options_text(L, 4, "params_json", DECIDE_SIGNATURE);
  question.overrides = policy_set_options_text(L, 4, "overrides_json", DECIDE_SIGNATURE);

  int64_t eval_us;
  int failed = policy_set_question_ask(L, h, &question, &eval_us);
  if (failed) return failed;

  policy_set_question_push_answer(L, h, &question, eval_us);
  return 1;
}

static const char ASK_SIGNATURE[] = "set:ask(kind, facts_json[, request_id[, redacted_json]])";

static int lua_policy_set_set_ask(lua_State *L) {
  policy_question question = {0};
  decision_origin origin = {.eval_us = -1};
  char id[PROCESS_ID_BYTES], time[PROCESS_TIMESTAMP_BYTES];
  policy_set_handle *h = policy_set_question_handle(L, ASK_SIGNATURE);
  lua_settop(L, 5);
  policy_set_question_read(L, &question, ASK_SIGNATURE);
  question.known.made_of_value = true;
  if (!lua_isnil(L, 4)) origin.request_id = binding_argument_name(L, 4, ASK_SIGNATURE);
  if (!lua_isnil(L, 5)) origin.redacted = binding_argument_name(L, 5, ASK_SIGNATURE);
  if (!process_new_id(id))
    return binding_fail(L, "NoRandomness", "the system gives no random numbers");

  process_timestamp(process_time_ms(), time);
  origin.id = id;
  origin.time = time;

  int64_t eval_us;
  int failed = policy_set_question_ask(L, h, &question, &eval_us);
  if (failed) return failed;

  policy_set_question_push_entry(L, h, &question); // … entry
  failed = policy_set_question_push_line(L, h, &question, origin, eval_us);
  return failed ? failed : 2;
}

static const char RECORD_SIGNATURE[] =
    "set:record(kind, facts_json[, {id=text?, time=text?, request_id=text?, redacted_json=text?, "
    "eval_us=integer?}])";

static int lua_policy_set_set_record(lua_State *L) {
  policy_question question = {0};
  policy_set_handle *h = policy_set_question_handle(L, RECORD_SIGNATURE);
  lua_settop(L, 4);
  policy_set_question_read(L, &question, RECORD_SIGNATURE);
  decision_origin origin = policy_set_options_origin(L, 4, RECORD_SIGNATURE);

  int64_t eval_us;
  int failed = policy_set_question_ask(L, h, &question, &eval_us);
  if (!failed) failed = policy_set_question_push_line(L, h, &question, origin, eval_us);
  return failed ? failed : 1;
}

/* ── The set itself ── */

static const char REFRESH_SIGNATURE[] = "set:refresh([text, name[, kind]])";

static int lua_policy_set_set_refresh(lua_State *L) {
  static const char *const names[] = {"same", "swapped", "refused", "lacks kind"};
  policy_set_origin origin = {0};
  const char *kind = NULL;
  policy_set_handle *h = policy_set_question_handle(L, REFRESH_SIGNATURE);
  lua_settop(L, 4);
  bool given = !lua_isnoneornil(L, 2);
  if (given) {
    origin.text = binding_argument_text(L, 2, &origin.size, REFRESH_SIGNATURE);
    origin.path = binding_argument_name(L, 3, REFRESH_SIGNATURE);
  }

  binding_expect(L, given || lua_isnoneornil(L, 3), REFRESH_SIGNATURE);
  if (!lua_isnoneornil(L, 4)) kind = binding_argument_name(L, 4, REFRESH_SIGNATURE);

  finding_list *findings = findings_push(L);
  policy_set_change change = policy_set_refresh(h->set, given ? &origin : NULL, kind, findings);
  lua_pushstring(L, names[change]);
  policy_set_tables_push_findings(L, findings);
  finding_list_free(findings);

  return 2;
}

static const char OVERRIDE_SIGNATURE[] = "set:override({name = value, …})";

static int lua_policy_set_set_override(lua_State *L) {
  size_t size;
  policy_set_handle *h = policy_set_question_handle(L, OVERRIDE_SIGNATURE);
  lua_settop(L, 2);
  if (!lua_istable(L, 2)) binding_check_refuse(L, 2, NULL, "a table", OVERRIDE_SIGNATURE);
  const char *overrides = policy_set_options_push_params(L, 2, &size, OVERRIDE_SIGNATURE);

  text_buffer *why = binding_buffer_push(L);
  if (!policy_set_override(h->set, overrides, size, why)) {
    binding_buffer_finish(L, why);
    return binding_fail(L, "InvalidParams", "%s", lua_tostring(L, -1));
  }

  lua_pushboolean(L, true);
  return 1;
}

int luaopen_weir_policy_set(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(policy_set_set, gc), BINDING_END};
  static const luaL_Reg of_findings[] = {BINDING_METAMETHOD(policy_set_findings, gc), BINDING_END};
  static const luaL_Reg methods[] = {
      BINDING_FUNCTION(policy_set_set, decide),   BINDING_FUNCTION(policy_set_set, ask),
      BINDING_FUNCTION(policy_set_set, record),   BINDING_FUNCTION(policy_set_set, refresh),
      BINDING_FUNCTION(policy_set_set, override), BINDING_END};
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(policy_set, load), BINDING_FUNCTION(policy_set, list),
      BINDING_FUNCTION(policy_set, kinds), BINDING_FUNCTION(policy_set, append), BINDING_END};
  binding_type_register(L, POLICY_SET_TYPE, metamethods, methods);
  binding_type_register(L, FINDINGS, of_findings, NULL);
  policy_set_inspect_register(L);
#ifdef WEIR_TRACE
  policy_set_trace_register(L);
#endif

  luaL_newlib(L, functions);
  lua_createtable(L, 0, 2); // module limits
  binding_set_integer(L, "instructions", policy_limits_default.instructions);
  binding_set_integer(L, "memory", (lua_Integer)policy_limits_default.memory);
  lua_setfield(L, -2, "default_limits");

  return 1;
}
