/* weir.policy_set: load a policy directory, ask it for decisions.
 *
 *   load(path[, {params=, instructions=, memory=, bundle=}]) → set | nil, findings
 *       (a set comes with its warnings as second result); path is a directory or a bundle file, or
 *       what to call the bundle whose text is given
 *   set:decide(kind, facts[, {params_json=, overrides_json=, record={…}}]) → answer | nil, message,
 *       code; with record (id=, time=, request_id=, redacted_json=) the answer has the log line
 *   set:record(kind, facts[, {id=, time=, request_id=, redacted_json=, eval_us=}]) → log line |
 * nil, … append(path, line) → true | nil, message, code: one write to a decision log
 *   set:refresh([bundle's text, its name[, kind]]) → "same" | "swapped" | "refused" | "lacks kind",
 *       findings; with a kind, a version without a policy of it does not become active
 *   set:override({name = value, …}) → true | nil, message, "InvalidParams": parameters for this and
 *       every later version; after a failure the set must not be asked
 *   set:policies(), set:digest(), set:directory()
 *   set:bundle() → text | nil, message, "InvalidText"
 *
 * facts are JSON text. Memory: the userdata owns the policy_set and one reusable answer. */
#include "policy/set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "binding.h"
#include "core/policy_files/policy_bundle.h"
#include "policy/decision_log.h"
#include "policy/kind.h"
#include "policy_set_options.h"
#include "policy_set_tables.h"
#include "registry.h"

#define OVERRIDE_SIGNATURE "set:override({name = value, …})"
#define LOAD_SIGNATURE "policy_set.load(path[, {params=, instructions=, memory=, bundle=}])"
#define DECIDE_SIGNATURE "set:decide(kind, facts_json[, {params_json=, overrides_json=, record=}])"
#define APPEND_SIGNATURE "policy_set.append(path, line)"
#define RECORD_SIGNATURE                                                                           \
  "set:record(kind, facts_json[, {id=, time=, request_id=, redacted_json=, eval_us=}])"

typedef struct {
  policy_set *set;
  policy_answer answer;
  text_buffer line; /* the log line made last */
} handle;

static handle *check_handle(lua_State *L) {
  handle *h = luaL_checkudata(L, 1, POLICY_SET_TYPE);
  if (!h->set) luaL_error(L, "this policy set is closed");
  return h;
}

static int set_load(lua_State *L) {
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING, LOAD_SIGNATURE);
  lua_settop(L, 2);
  policy_set_options options = {0};
  policy_set_options_read(L, 2, LOAD_SIGNATURE, &options);
  json_span bundle = policy_set_options_json(L, 2, "bundle");
  policy_set_origin origin = {.path = lua_tostring(L, 1), .text = bundle.at, .size = bundle.size};
  handle *h = lua_newuserdatauv(L, sizeof *h, 0);
  memset(h, 0, sizeof *h);
  luaL_setmetatable(L, POLICY_SET_TYPE);
  finding_list findings = {0};
  h->set = policy_set_load(&origin, &options, &findings);
  if (!h->set) {
    if (findings.errors == 0)
      finding_error(&findings, lua_tostring(L, 1), 0, "W001", "not enough memory to load it");
    lua_pushnil(L);
  }
  policy_set_tables_push_findings(L, &findings);
  finding_list_free(&findings);
  return 2;
}

static int set_gc(lua_State *L) {
  handle *h = luaL_checkudata(L, 1, POLICY_SET_TYPE);
  policy_set_free(h->set);
  policy_answer_free(&h->answer);
  text_buffer_free(&h->line);
  memset(h, 0, sizeof *h);
  return 0;
}

static int set_refresh(lua_State *L) {
  static const char *const names[] = {"same", "swapped", "refused", "lacks kind"};
  handle *h = check_handle(L);
  finding_list findings = {0};
  policy_set_origin origin = {0};
  if (!lua_isnoneornil(L, 2)) {
    binding_expect(L, lua_type(L, 2) == LUA_TSTRING && lua_type(L, 3) == LUA_TSTRING,
                   "set:refresh([text, name[, kind]])");
    origin.text = lua_tolstring(L, 2, &origin.size);
    origin.path = lua_tostring(L, 3);
  }
  const char *kind = luaL_optstring(L, 4, NULL);
  lua_pushstring(L,
                 names[policy_set_refresh(h->set, origin.text ? &origin : NULL, kind, &findings)]);
  policy_set_tables_push_findings(L, &findings);
  finding_list_free(&findings);
  return 2;
}

static int set_override(lua_State *L) {
  handle *h = check_handle(L);
  binding_expect(L, lua_istable(L, 2), OVERRIDE_SIGNATURE);
  size_t size;
  const char *overrides = policy_set_options_push_params(L, 2, &size);
  text_buffer why = {0};
  bool ok = policy_set_override(h->set, overrides, size, &why);
  int results = 1;
  text_buffer_byte(&why, '\0');
  if (ok)
    lua_pushboolean(L, true);
  else
    results = binding_fail(L, "InvalidParams", "%s", why.failed ? "not enough memory" : why.data);
  text_buffer_free(&why);
  return results;
}

static int set_digest(lua_State *L) {
  lua_pushstring(L, policy_set_files(check_handle(L)->set)->digest);
  return 1;
}

static int set_bundle(lua_State *L) {
  handle *h = check_handle(L);
  const policy_file *culprit = NULL;
  text_buffer text = {0};
  int results = 1;
  if (policy_bundle_write(policy_set_files(h->set), &text, &culprit))
    lua_pushlstring(L, text.data, text.size);
  else
    results = binding_fail(L, "InvalidText", "%s cannot be bundled: %s",
                           culprit ? culprit->shown : "the set",
                           culprit ? "it is not UTF-8 text" : "not enough memory");
  text_buffer_free(&text);
  return results;
}

static int set_directory(lua_State *L) {
  lua_pushstring(L, policy_set_files(check_handle(L)->set)->directory);
  return 1;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Decides; on failure pushes nil, message, code and returns 3, else 0. */
static int ask(lua_State *L, handle *h, policy_question *question, int64_t *eval_us) {
  question->kind = lua_tolstring(L, 2, &question->kind_size);
  question->facts = lua_tolstring(L, 3, &question->facts_size);
  question->strict = question->trace = true;
  int64_t begin = now_ns();
  bool ok = policy_sandbox_decide(policy_set_sandbox(h->set), question, &h->answer);
  *eval_us = (now_ns() - begin) / 1000;
  if (ok) return 0;
  lua_pushnil(L);
  lua_pushlstring(L, h->answer.error.data, h->answer.error.size);
  lua_pushstring(L, policy_outcome_code(h->answer.outcome));
  return 3;
}

static const policy_kind *kind_asked(handle *h, const policy_question *question) {
  return policy_kind_find(policy_set_sandbox(h->set), question->kind, question->kind_size);
}

static const char *option_text(lua_State *L, int index, const char *name) {
  return lua_getfield(L, index, name) == LUA_TNIL ? NULL : luaL_checkstring(L, -1);
}

/* Pushes the decision-log line of the handle's answer, with the origin's table at index. On
 * failure pushes nil, message, code and returns 3, else 0. */
static int push_line(lua_State *L, handle *h, const policy_question *question, int origin_index,
                     int64_t eval_us) {
  static const char *const allowed[] = {"id",      "time", "request_id", "redacted_json",
                                        "eval_us", NULL};
  binding_expect(L, lua_istable(L, origin_index), RECORD_SIGNATURE);
  binding_check_keys(L, origin_index, allowed, RECORD_SIGNATURE);
  lua_getfield(L, origin_index, "eval_us");
  eval_us = luaL_optinteger(L, -1, eval_us);
  decision_origin origin = {.eval_us = eval_us};
  origin.id = option_text(L, origin_index, "id"); /* the texts stay on the stack */
  origin.time = option_text(L, origin_index, "time");
  origin.request_id = option_text(L, origin_index, "request_id");
  origin.redacted = option_text(L, origin_index, "redacted_json");
  binding_buffer_begin(&h->line);
  int failed = 0;
  if (decision_log_line(kind_asked(h, question), question, &h->answer, &origin, &h->line))
    lua_pushlstring(L, h->line.data, h->line.size);
  else
    failed = binding_fail(L, "InvalidText",
                          "the line cannot be written: id, time and request_id "
                          "must be UTF-8");
  text_buffer_free(&h->line);
  return failed;
}

static int set_decide(lua_State *L) {
  static const char *const allowed[] = {"params_json", "overrides_json", "record", NULL};
  handle *h = check_handle(L);
  binding_expect(L, lua_type(L, 2) == LUA_TSTRING && lua_type(L, 3) == LUA_TSTRING,
                 DECIDE_SIGNATURE);
  lua_settop(L, 4);
  if (!lua_isnil(L, 4)) {
    binding_expect(L, lua_istable(L, 4), DECIDE_SIGNATURE);
    binding_check_keys(L, 4, allowed, DECIDE_SIGNATURE);
  }
  policy_question question = {.params = policy_set_options_json(L, 4, "params_json"),
                              .overrides = policy_set_options_json(L, 4, "overrides_json")};
  int64_t eval_us;
  int failed = ask(L, h, &question, &eval_us);
  if (failed) return failed;
  policy_set_tables_push_answer(L, &h->answer, kind_asked(h, &question), eval_us);
  int answer = lua_gettop(L);
  if (!lua_isnil(L, 4) && lua_getfield(L, 4, "record") != LUA_TNIL) {
    failed = push_line(L, h, &question, lua_gettop(L), eval_us);
    if (failed) return failed;
    lua_setfield(L, answer, "record");
  }
  lua_settop(L, answer);
  return 1;
}

static int set_record(lua_State *L) {
  handle *h = check_handle(L);
  binding_expect(L, lua_type(L, 2) == LUA_TSTRING && lua_type(L, 3) == LUA_TSTRING,
                 RECORD_SIGNATURE);
  lua_settop(L, 4);
  if (lua_isnil(L, 4)) {
    lua_newtable(L);
    lua_replace(L, 4);
  }
  policy_question question = {0};
  int64_t eval_us;
  int failed = ask(L, h, &question, &eval_us);
  if (!failed) failed = push_line(L, h, &question, 4, eval_us);
  return failed ? failed : 1;
}

static int set_append(lua_State *L) {
  binding_expect(L, lua_type(L, 1) == LUA_TSTRING && lua_type(L, 2) == LUA_TSTRING,
                 APPEND_SIGNATURE);
  size_t size;
  const char *text = lua_tolstring(L, 2, &size);
  text_buffer line = {0};
  text_buffer_append(&line, text, size);
  bool ok = decision_log_append(lua_tostring(L, 1), &line);
  int problem = errno;
  text_buffer_free(&line);
  if (!ok)
    return binding_fail(L, "LogFailed", "the decision log %s cannot be written: %s",
                        lua_tostring(L, 1), strerror(problem));
  lua_pushboolean(L, true);
  return 1;
}

static int set_policies(lua_State *L) {
  policy_set_tables_push_policies(L, policy_set_sandbox(check_handle(L)->set));
  return 1;
}

static const luaL_Reg methods[] = {
    {"decide", set_decide},     {"record", set_record},     {"refresh", set_refresh},
    {"policies", set_policies}, {"digest", set_digest},     {"directory", set_directory},
    {"bundle", set_bundle},     {"override", set_override}, {NULL, NULL},
};

int luaopen_weir_policy_set(lua_State *L) {
  if (luaL_newmetatable(L, POLICY_SET_TYPE)) {
    lua_pushcfunction(L, set_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
  }
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, set_load);
  lua_setfield(L, -2, "load");
  lua_pushcfunction(L, set_append);
  lua_setfield(L, -2, "append");
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, policy_limits_default.instructions);
  lua_setfield(L, -2, "instructions");
  lua_pushinteger(L, (lua_Integer)policy_limits_default.memory);
  lua_setfield(L, -2, "memory");
  lua_setfield(L, -2, "default_limits");
  return 1;
}
