/* See policy_set_trace.h. Not in the layer. */
#include "policy_set_trace.h"

#include "binding.h"
#include "coverage_lua.h"
#include "policy/trace.h"
#include "policy_set_options.h"
#include "policy_set_question.h"

static const char TRACE[] = "weir.policy_set.trace";

/* ── Tables ── */

static void push_value(lua_State *L, const policy_trace *trace, const traced_value *value) {
  switch (value->type) {
  case TRACED_FLAG: lua_pushboolean(L, value->flag); break;
  case TRACED_INTEGER: lua_pushinteger(L, value->integer); break;
  case TRACED_NUMBER: lua_pushnumber(L, value->number); break;
  case TRACED_TEXT: lua_pushlstring(L, policy_trace_texts(trace) + value->text, value->size); break;
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
  binding_set_text(L, "type", value->type == TRACED_OTHER ? value->other_type : types[value->type]);
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

/* Sets the members of the table on top of the stack. */
static void set_members(lua_State *L, const policy_trace *trace) {
  size_t lost = 0;
  coverage_lua_push_lines(L, policy_trace_code(trace), policy_trace_counts(trace));
  lua_setfield(L, -2, "lines");
  coverage_lua_push_branches(L, policy_trace_code(trace), policy_trace_counts(trace));
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
