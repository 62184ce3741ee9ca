/* See policy_set_trace.h. Not in the layer. */
#include "policy_set_trace.h"

#include "binding.h"
#include "policy/trace.h"
#include "policy_set_options.h"
#include "policy_set_question.h"

static const char TRACE[] = "weir.policy_set.trace";

/* ── Tables ── */

static void push_value(lua_State *L, const policy_trace *trace, const traced_value *value) {
  switch (value->type) {
  case VALUE_FLAG: lua_pushboolean(L, value->flag); break;
  case VALUE_INTEGER: lua_pushinteger(L, value->integer); break;
  case VALUE_NUMBER: lua_pushnumber(L, value->number); break;
  case VALUE_TEXT: lua_pushlstring(L, policy_trace_texts(trace) + value->text, value->size); break;
  default: lua_pushnil(L);
  }
}

/* Sets operand `key` of the comparison on top of the stack. */
static void set_operand(lua_State *L, const policy_trace *trace, const char *key,
                        const condition_operand *operand, const traced_value *value) {
  static const char *const types[] = {"nil", "boolean", "number", "number", "string"};
  if (operand->type == OPERAND_NONE) return;
  lua_createtable(L, 0, 3); // comparison operand
  binding_set_text(L, "name", operand->name);
  binding_set_text(L, "type", value->type == VALUE_OTHER ? value->other_type : types[value->type]);
  push_value(L, trace, value);
  lua_setfield(L, -2, "value");
  lua_setfield(L, -2, key);
}

static void push_comparisons(lua_State *L, const policy_trace *trace, size_t *lost) {
  size_t count;
  const traced_comparison *all = policy_trace_comparisons(trace, &count, lost);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    const policy_condition *c = &policy_trace_code(trace)->conditions[all[i].condition];
    lua_createtable(L, 0, 4); // comparisons comparison
    binding_set_integer(L, "branch", (lua_Integer)all[i].condition + 1);
    set_operand(L, trace, "left", &c->left, &all[i].left);
    set_operand(L, trace, "right", &c->right, &all[i].right);
    if (all[i].outcome != OUTCOME_NONE)
      binding_set_boolean(L, "outcome", all[i].outcome == OUTCOME_TRUE);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_branches(lua_State *L, const policy_trace *trace) {
  const policy_code *code = policy_trace_code(trace);
  const uint32_t *yes = policy_trace_outcomes(trace, OUTCOME_TRUE);
  const uint32_t *no = policy_trace_outcomes(trace, OUTCOME_FALSE);
  lua_createtable(L, (int)code->condition_count, 0);
  for (size_t i = 0; i < code->condition_count; i++) {
    const policy_condition *c = &code->conditions[i];
    const char *operator= policy_code_operator(c->operator);
    lua_createtable(L, 0, 6); // branches branch
    binding_set_text(L, "file", c->file->shown);
    binding_set_integer(L, "line", c->line);
    if (operator[0]) {
      binding_set_text(L, "operator", operator);
      lua_pushfstring(L, "%s %s %s", c->left.name, operator, c->right.name);
    } else {
      lua_pushstring(L, c->left.name);
    }

    lua_setfield(L, -2, "condition");
    binding_set_integer(L, "yes", yes[i]);
    binding_set_integer(L, "no", no[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* Pushes the table of one file's lines, from the table of files on top of the stack. */
static void push_file(lua_State *L, const char *file) {
  if (lua_getfield(L, -1, file) != LUA_TNIL) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, file);
}

/* A line ran as often as the instruction of it that ran most often. */
static void push_lines(lua_State *L, const policy_trace *trace) {
  const policy_code *code = policy_trace_code(trace);
  const uint32_t *runs = policy_trace_runs(trace);
  lua_newtable(L);
  for (size_t i = 0; i < code->function_count; i++) {
    const policy_function *f = &code->functions[i];
    push_file(L, f->file->shown); // files lines
    for (int pc = 0; pc < f->size; pc++) {
      lua_Integer now = runs[f->before + (size_t)pc];
      bool known = lua_rawgeti(L, -1, f->lines[pc]) != LUA_TNIL;
      lua_Integer most = lua_tointeger(L, -1);
      lua_pop(L, 1);
      if (known && most >= now) continue;
      lua_pushinteger(L, now);
      lua_rawseti(L, -2, f->lines[pc]);
    }

    lua_pop(L, 1);
  }
}

/* Sets the members of the table on top of the stack. */
static void set_members(lua_State *L, const policy_trace *trace) {
  size_t lost = 0;
  push_lines(L, trace);
  lua_setfield(L, -2, "lines");
  push_branches(L, trace);
  lua_setfield(L, -2, "branches");
  push_comparisons(L, trace, &lost);
  lua_setfield(L, -2, "comparisons");
  if (lost > 0) binding_set_integer(L, "lost", (lua_Integer)lost);
}

/* ── The method ── */

static int lua_policy_set_trace_gc(lua_State *L) {
  policy_trace **owner = binding_argument_self(L, TRACE, "a trace");
  policy_trace_free(*owner);
  *owner = NULL;
  return 0;
}

/* Pushes the owner of a new trace; NULL for a kind without a policy, of which deciding tells. */
static policy_trace *new_trace(lua_State *L, policy_sandbox *sandbox,
                               const policy_question *question) {
  policy_trace **owner = binding_owner_push(L, TRACE, sizeof *owner, 0);
  const policy_kind *kind = policy_kind_find(sandbox, question->kind, question->kind_size);
  if (!kind || !policy_kind_policy(kind)) return NULL;
  *owner = policy_trace_new(sandbox, question->kind, question->kind_size);
  binding_expect_memory(L, *owner != NULL);
  return *owner;
}

static const char TRACE_SIGNATURE[] = "set:trace(kind, facts_json[, params_json])";

static int lua_policy_set_trace_trace(lua_State *L) {
  policy_question question = {0};
  policy_set_handle *h = policy_set_question_handle(L, TRACE_SIGNATURE);
  lua_settop(L, 4);
  policy_set_question_read(L, &question, TRACE_SIGNATURE);
  if (!lua_isnil(L, 4))
    question.params.at = binding_argument_text(L, 4, &question.params.size, TRACE_SIGNATURE);

  int64_t eval_us;
  policy_trace *trace = new_trace(L, policy_set_sandbox(h->set), &question);
  question.trace = trace;
  int failed = policy_set_question_ask(L, h, &question, &eval_us);
  if (failed && !trace) return failed;
  binding_expect_memory(L, !policy_trace_is_short(trace));

  if (failed)
    lua_createtable(L, 0, 4); // … nil message code trace
  else
    policy_set_question_push_answer(L, h, &question, eval_us); // … answer
  set_members(L, trace);
  return failed + 1;
}

void policy_set_trace_register(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(policy_set_trace, gc), BINDING_END};
  static const luaL_Reg methods[] = {BINDING_FUNCTION(policy_set_trace, trace), BINDING_END};
  binding_type_register(L, TRACE, metamethods, NULL);

  luaL_getmetatable(L, POLICY_SET_TYPE);
  lua_getfield(L, -1, "__index"); // metatable methods
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 2);
}
