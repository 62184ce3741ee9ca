/* Asking one policy for one decision. See sandbox.h. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/write.h"
#include "core/text/shown_text.h"
#include "policy/impl.h"
#include "policy/standing.h"

/* Ends a failed step: notes outcome and message, and raises nothing the policy could catch (it is
 * called outside of policy code only). */
static bool fail(policy_answer *answer, policy_outcome outcome, const char *text, size_t size) {
  answer->outcome = outcome;
  answer->error.size = 0;
  shown_text_append(&answer->error, text, size, SHOWN_MESSAGE_BYTES);
  text_buffer_byte(&answer->error, '\0');
  if (answer->error.failed)
    answer->outcome = POLICY_OUT_OF_MEMORY; /* without a text */
  else
    answer->error.size--;
  return false;
}

static bool fail_for_memory(policy_answer *answer) {
  static const char text[] = "not enough memory";
  return fail(answer, POLICY_OUT_OF_MEMORY, text, sizeof text - 1);
}

/* The same with the reason in sandbox->why. */
static bool fail_with(policy_sandbox *sandbox, policy_outcome outcome) {
  const text_buffer *why = &sandbox->why;
  if (why->failed) return fail_for_memory(sandbox->answer);
  return fail(sandbox->answer, outcome, why->data ? why->data : "", why->size);
}

/* Raises a policy's mistake, written to sandbox->why: a buffer that no error can leak. */
static int raise(lua_State *L) {
  lua_pushnil(L);
  return lua_error(L);
}

/* As much of the path as fits: its end tells more. */
static void show_path(const char *path, char out[POLICY_PLACE_BYTES]) {
  size_t size = strlen(path), most = POLICY_PLACE_BYTES - 1;
  if (size <= most)
    strcpy(out, path);
  else
    snprintf(out, POLICY_PLACE_BYTES, "...%s", path + size - most + 3);
}

/* The latest constructor call for this table. */
static void find_place(policy_sandbox *sandbox, const void *table) {
  sandbox->made_in = NULL;
  for (size_t i = sandbox->made_count; i-- > 0;) {
    const constructed *made = &sandbox->made[i];
    if (made->table != table || !made->file) continue;
    sandbox->made_in = made->file;
    sandbox->answer->line = made->line;
    show_path(made->file->shown, sandbox->answer->file);
    return;
  }
}

/* The common formats, %d of integers and %s of texts, without a call into Lua. False, with
 * nothing decided, for any other. */
static bool format_plainly(lua_State *L, int decision, const char *format, size_t size,
                           size_t count, text_buffer *out) {
  const char *end = format + size, *percent;
  size_t argument = 0;
  out->size = 0;
  while ((percent = memchr(format, '%', (size_t)(end - format)))) {
    text_buffer_append(out, format, (size_t)(percent - format));
    if (percent + 1 == end || ++argument > count) return false;
    int type = lua_rawgeti(L, decision, (lua_Integer)argument);
    if (percent[1] == 'd' && type == LUA_TNUMBER && lua_isinteger(L, -1)) {
      json_write_integer(out, lua_tointeger(L, -1));
    } else if (percent[1] == 's' && type == LUA_TSTRING) {
      size_t text_size;
      const char *text = lua_tolstring(L, -1, &text_size);
      sandbox_charge(L, text_size / 16);
      text_buffer_append(out, text, text_size);
    } else {
      return false;
    }

    lua_pop(L, 1);
    format = percent + 2;
  }

  text_buffer_append(out, format, (size_t)(end - format));

  return true;
}

static void format_in_lua(lua_State *L, policy_sandbox *sandbox, int decision, size_t count) {
  luaL_checkstack(L, (int)count + 2, "too many arguments for because");
  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->format);
  lua_pushliteral(L, "because");
  lua_rawget(L, decision); // … format because
  for (size_t i = 1; i <= count; i++) lua_rawgeti(L, decision, (lua_Integer)i);
  lua_call(L, (int)count + 1, 1);
}

/* Without arguments the text is taken as it is, percent signs included. */
static void write_because(lua_State *L, policy_sandbox *sandbox, int decision, size_t count) {
  size_t size;
  text_buffer *scratch = &sandbox->scratch;
  lua_pushliteral(L, "because");
  lua_rawget(L, decision);
  const char *because = lua_tolstring(L, -1, &size);
  if (count > 0) {
    if (format_plainly(L, decision, because, size, count, scratch)) {
      because = scratch->data ? scratch->data : "";
      size = scratch->size;
    } else {
      format_in_lua(L, sandbox, decision, count);
      because = lua_tolstring(L, -1, &size);
    }
  }

  if (size == 0) luaL_error(L, "because is empty: say why in a text");
  sandbox->answer->because.size = 0;
  if (!json_write_string(&sandbox->answer->because, because, size))
    luaL_error(L, "because is not valid UTF-8");
  lua_settop(L, decision);
}

/* {"action":…} and the given fields, in byte order of the names. */
static bool write_fields(lua_State *L, const decision_spec *spec, int decision, uint64_t given,
                         text_buffer *out, text_buffer *why) {
  const schema_record *fields = &spec->fields;
  bool action_done = false;
  if (fields->count == 0) {
    text_buffer_append(out, spec->json, spec->json_size);
    return true;
  }

  lua_rawgeti(L, LUA_REGISTRYINDEX, spec->keys);
  int keys = lua_gettop(L);
  text_buffer_byte(out, '{');
  for (size_t i = 0; i <= fields->count; i++) {
    bool last = i == fields->count;
    if (!action_done && (last || strcmp(fields->items[i].name, "action") > 0)) {
      if (out->size > 1) text_buffer_byte(out, ',');
      text_buffer_append(out, spec->json + 1, spec->json_size - 2);
      action_done = true;
    }

    if (last) break;
    const schema_field *field = &fields->items[i];
    if (given >> i & 1) {
      if (out->size > 1) text_buffer_byte(out, ',');
      text_buffer_byte(out, '"');
      text_buffer_append(out, field->name, field->name_size);
      text_buffer_append(out, "\":", 2);
      lua_rawgeti(L, keys, (lua_Integer)i + 1);
      lua_rawget(L, decision);
      if (!schema_write_json(L, keys + 1, field, out, why)) return false;
      lua_settop(L, keys);
    } else if (field->required) {
      text_buffer_format(why, "field \"%s\" is missing", field->name);
      return false;
    }
  }

  text_buffer_byte(out, '}');

  return true;
}

/* What the policy itself used, once. */
static void note_cost(policy_sandbox *sandbox) {
  if (sandbox->answer->instructions >= 0) return;
  /* Counted in whole periods: with the one begun, this is the most it can have been. */
  sandbox->answer->instructions =
      sandbox_budget_instructions(&sandbox->budget) + sandbox->budget.period;
  sandbox->answer->memory = sandbox_budget_bytes(&sandbox->budget);
}

/* Host code in the sandbox, with a budget of its own: a policy that used up its budget must not
 * make a broken invariant look like a spent one. */
static void check_invariants(lua_State *L, policy_sandbox *sandbox, const decision_spec *spec,
                             int given, int decision) {
  if (sandbox->asked->invariants == LUA_NOREF) return;
  note_cost(sandbox);
  sandbox_budget_start(L);
  policy_standing *standing = sandbox->question->standing;
  if (standing)
    policy_standing_restore(L, standing);
  else
    facts_restore(L, &sandbox->asked->facts);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->asked->invariants);
  lua_pushvalue(L, given);
  lua_pushvalue(L, decision);
  lua_pushstring(L, spec->action);
  lua_call(L, 3, 1);
  if (lua_isnil(L, -1)) return;
  sandbox->answer->outcome = POLICY_INVARIANT_BROKEN;
  if (lua_type(L, -1) != LUA_TSTRING)
    lua_pushfstring(L, "its invariants return a %s, not nothing or a text", luaL_typename(L, -1));
  text_buffer_format(&sandbox->why, "%s: %s", spec->action, lua_tostring(L, -1));
  raise(L);
}

static const decision_spec *check_decision(lua_State *L, policy_sandbox *sandbox, int decision,
                                           decision_shape *shape) {
  const decision_spec *spec = policy_kind_decision_at(L, decision);
  const policy_kind *asked = sandbox->asked;
  if (!spec) {
    const char *got = lua_isnil(L, decision)     ? "nothing"
                      : lua_istable(L, decision) ? "a table that no action made"
                                                 : luaL_typename(L, decision);
    luaL_error(L,
               "%s: decide returned %s; every branch must return an action such as %s { because "
               "= \"…\" }",
               asked->policy.file->path, got, asked->decisions[0].action);
  }

  find_place(sandbox, lua_topointer(L, decision));
  if (spec->kind != asked)
    luaL_error(L, "%s: '%s' is a decision of %s, not of %s", asked->policy.file->path, spec->action,
               spec->kind->name, asked->name);
  if (!policy_kind_check_made(L, spec, decision, shape)) lua_error(L);

  return spec;
}

/* The protected part: everything that runs Lua code or allocates in the state. */
static int decide(lua_State *L) {
  policy_sandbox *sandbox = lua_touserdata(L, 1);
  policy_kind *kind = sandbox->asked;
  policy_answer *answer = sandbox->answer;
  policy_standing *standing = sandbox->question->standing;
  if (standing)
    policy_standing_push(L, standing);
  else
    facts_push(L, &kind->facts); // sandbox facts
  sandbox_budget_restart(L);     /* decoding them was not the policy's work */
  lua_rawgeti(L, LUA_REGISTRYINDEX, kind->decide);
  lua_pushvalue(L, 2);
  lua_rawgeti(L, LUA_REGISTRYINDEX, kind->in_force.table);
  const policy_trace *trace = sandbox->question->trace;
  if (trace) lua_settracer(L, trace->tracer);
  lua_call(L, 2, 1);    // sandbox facts decision
  sandbox_charge(L, 0); /* the last instructions may have passed the limit */
  decision_shape shape;
  const decision_spec *spec = check_decision(L, sandbox, 3, &shape);
  answer->action = spec->action;
  write_because(L, sandbox, 3, shape.arguments);
  answer->decision.size = 0;
  text_buffer_text(&sandbox->why, spec->action);
  text_buffer_text(&sandbox->why, ": ");
  if (!write_fields(L, spec, 3, shape.given, &answer->decision, &sandbox->why)) return raise(L);
  sandbox->why.size = 0;
  check_invariants(L, sandbox, spec, 2, 3);

  return 0;
}

/* The message of a failed decision: the policy's error, or what is wrong with its decision. Of the
 * latter the place is known when it is noted. */
static bool explain_failure(policy_sandbox *sandbox, int status) {
  lua_State *L = sandbox->L;
  policy_answer *answer = sandbox->answer;
  bool spent = sandbox_budget_is_spent(L);
  if (sandbox->budget.starved || sandbox->why.failed || sandbox->scratch.failed)
    return fail_for_memory(answer);
  if (spent || status == LUA_ERRMEM) {
    const char *reason = sandbox_budget_reason(L);
    if (!reason[0]) reason = "memory budget spent";
    return fail(answer, POLICY_BUDGET_SPENT, reason, strlen(reason));
  }

  char value[64];
  size_t size = sandbox->why.size;
  const char *text = sandbox->why.data;
  if (size == 0) {
    text = policy_load_error(L, value, sizeof value);
    size = text == value ? strlen(value) : lua_rawlen(L, -1);
  }

  text_buffer *message = &sandbox->scratch;
  message->size = 0;
  if (answer->line) text_buffer_format(message, "%s:%d: ", sandbox->made_in->path, answer->line);
  text_buffer_append(message, text, size);
  policy_outcome outcome = answer->outcome == POLICY_DECIDED ? POLICY_ERROR : answer->outcome;

  return fail(answer, outcome, message->data, message->size);
}

static bool prepare(policy_sandbox *sandbox, const policy_question *question) {
  policy_kind *kind = (policy_kind *)policy_kind_find(sandbox, question->kind, question->kind_size);
  text_buffer *why = &sandbox->why;
  if (!kind || !kind->policy.file) {
    text_buffer_text(why, "the policy set has no policy of kind \"");
    shown_text_append(why, question->kind, question->kind_size, SHOWN_NAME_BYTES);
    text_buffer_byte(why, '"');
    return fail_with(sandbox, POLICY_UNKNOWN_KIND);
  }

  sandbox->asked = kind;
  if (question->standing || policy_own_kinds_share_facts(kind, question)) return true;
  json_members listed;
  const json_members *members = question->members;
  if (!members && facts_list(question->facts, question->facts_size, &listed, why))
    members = &listed;
  if (members && facts_take(&kind->facts, members, question->known, why)) return true;

  return fail_with(sandbox, POLICY_INVALID_FACTS);
}

static int apply_params(lua_State *L) {
  policy_sandbox *sandbox = lua_touserdata(L, 1);
  lua_pushboolean(L, policy_params_apply(L, sandbox->asked, sandbox->question, &sandbox->why));
  return 1;
}

static bool prepare_params(policy_sandbox *sandbox) {
  lua_State *L = sandbox->L;
  if (policy_params_are_current(sandbox->asked, sandbox->question)) return true;
  lua_setserial(L, POLICY_DECISION_SERIALS);
  lua_pushcfunction(L, apply_params);
  lua_pushlightuserdata(L, sandbox);
  int status = lua_pcall(L, 1, 1, 0);
  bool ok = status == LUA_OK && lua_toboolean(L, -1);
  lua_settop(L, 0);
  const params_in_force *made = &sandbox->asked->in_force;
  if (sandbox->budget.starved || made->json.failed || made->overridden.failed)
    return fail_for_memory(sandbox->answer);
  if (status != LUA_OK)
    text_buffer_text(&sandbox->why, "they need more memory than a policy may use");
  return ok || fail_with(sandbox, POLICY_INVALID_PARAMS);
}

static void begin(policy_sandbox *sandbox, const policy_question *question, policy_answer *answer) {
  answer->outcome = POLICY_DECIDED;
  answer->line = 0;
  answer->file[0] = '\0';
  text_buffer_clear(&answer->error);
  text_buffer_clear(&answer->decision);
  text_buffer_clear(&answer->because);
  sandbox->question = question;
  sandbox->answer = answer;
  sandbox->made_count = 0;
  sandbox->checked = NULL;
  sandbox->budget.starved = false;
  text_buffer_clear(&sandbox->why);
  text_buffer_clear(&sandbox->scratch);
}

bool policy_sandbox_decide(policy_sandbox *sandbox, const policy_question *question,
                           policy_answer *answer) {
  lua_State *L = sandbox->L;
  begin(sandbox, question, answer);
  bool ok = prepare(sandbox, question) && prepare_params(sandbox);
  if (ok) {
    lua_setserial(L, POLICY_DECISION_SERIALS);
    sandbox_budget_start(L);
    answer->instructions = -1;
    lua_pushcfunction(L, decide);
    lua_pushlightuserdata(L, sandbox);
    int status = lua_pcall(L, 1, 0, 0);
    if (question->trace) lua_settracer(L, NULL);
    note_cost(sandbox);
    /* A spent budget stays spent, even if the policy's last act was to catch the error. */
    ok = (status == LUA_OK && !sandbox_budget_is_spent(L)) || explain_failure(sandbox, status);
    sandbox_budget_stop(L);
    lua_settop(L, 0);
  }

  if (sandbox->asked) facts_forget(&sandbox->asked->facts);
  sandbox->question = NULL;
  if (ok && (answer->decision.failed || answer->because.failed)) ok = fail_for_memory(answer);

  return ok;
}

const char *policy_outcome_code(policy_outcome outcome) {
  static const char *const codes[] = {
      NULL,          "UnknownKind", "InvalidFacts",    "InvalidParams",
      "PolicyError", "BudgetSpent", "InvariantBroken", "OutOfMemory"};
  return codes[outcome];
}

void policy_answer_free(policy_answer *answer) {
  text_buffer_free(&answer->error);
  text_buffer_free(&answer->decision);
  text_buffer_free(&answer->because);
}
