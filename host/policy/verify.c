/* Running a policy's examples: a set whose examples fail never becomes active.
 * See sandbox.h. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/impl.h"

typedef struct {
  policy_sandbox *sandbox;
  policy_kind *kind;
  finding_list *findings;
  size_t number;      /* of the example, from 1 */
  text_buffer facts;  /* JSON of given */
  text_buffer params; /* JSON of params */
  text_buffer expect; /* JSON of the expected action, or of { action = …, field = … } */
  text_buffer why;
} example_run;

static void example_free(example_run *run) {
  text_buffer_free(&run->facts);
  text_buffer_free(&run->params);
  text_buffer_free(&run->expect);
  text_buffer_free(&run->why);
}

static void report(example_run *run, const char *code, const char *text, size_t size) {
  const policy_file *file = run->kind->policy.file;
  finding_error(run->findings, file->shown, policy_files_line_of(file, "examples", 8), code,
                "example %zu: %.*s", run->number, (int)size, text);
}

/* Writes the Lua table in a field of the example (top of the stack) as JSON. */
static bool write_member(lua_State *L, example_run *run, const char *name,
                         const schema_record *fields, text_buffer *out) {
  schema_field record = {.type = SCHEMA_RECORD, .max_size = SIZE_MAX};
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  if (fields) record.fields = *fields;
  out->size = run->why.size = 0;
  if (lua_getfield(L, -1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    text_buffer_text(out, "{}");
    return true;
  }

  bool ok = schema_write_json(L, lua_gettop(L), fields ? &record : &any, out, &run->why);
  lua_pop(L, 1);

  return ok;
}

/* An action, or a table of what the decision must have: at least something, or the example would
 * pass whatever is decided. */
static bool write_expected(lua_State *L, example_run *run) {
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  run->expect.size = run->why.size = 0;
  bool is_action = lua_getfield(L, -1, "expect") == LUA_TSTRING;
  if (is_action) text_buffer_text(&run->expect, "{\"action\":");
  bool ok = schema_write_json(L, lua_gettop(L), &any, &run->expect, &run->why);
  if (is_action) text_buffer_byte(&run->expect, '}');
  lua_pop(L, 1);
  if (!ok || (run->expect.size > 2 && run->expect.data[0] == '{')) return ok;
  text_buffer_text(&run->why, "expect must be \"action\" or { action = …, field = … }");

  return false;
}

/* Fills the run from examples[number]. Protected: indexing may raise for want of memory. */
static int read_example(lua_State *L) {
  example_run *run = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, run->kind->policy_table);
  lua_getfield(L, -1, "examples");
  lua_geti(L, -1, (lua_Integer)run->number); // … example
  bool ok = write_member(L, run, "given", &run->kind->facts_schema, &run->facts) &&
            write_member(L, run, "params", NULL, &run->params) && write_expected(L, run);
  lua_pushboolean(L, ok);

  return 1;
}

/* Every member of `expect` must be in the decision, with the same JSON text. */
static bool matches(const text_buffer *expect, const text_buffer *decision, json_span *member) {
  json_scan wanted;
  json_span value, other_key, other;
  json_scan_begin(&wanted, expect->data, expect->size);
  json_scan_enter(&wanted, JSON_OBJECT);
  while (json_scan_member(&wanted, member) && json_scan_value(&wanted, &value)) {
    json_scan got;
    bool found = false;
    json_scan_begin(&got, decision->data, decision->size);
    json_scan_enter(&got, JSON_OBJECT);
    while (!found && json_scan_member(&got, &other_key) && json_scan_value(&got, &other))
      found = other_key.size == member->size &&
              memcmp(other_key.at, member->at, member->size) == 0 && other.size == value.size &&
              memcmp(other.at, value.at, value.size) == 0;
    if (!found) return false;
  }

  return true;
}

static void report_difference(example_run *run, const policy_answer *answer) {
  text_buffer text = {0};
  text_buffer_format(&text, "given %.*s expected %.*s, decided %.*s because %.*s",
                     (int)run->facts.size, run->facts.data, (int)run->expect.size, run->expect.data,
                     (int)answer->decision.size, answer->decision.data, (int)answer->because.size,
                     answer->because.data);
  report(run, "W007", text.data, text.size);
  text_buffer_free(&text);
}

static bool decide_example(example_run *run, policy_answer *answer) {
  policy_question question = {
      .kind = run->kind->name,
      .kind_size = strlen(run->kind->name),
      .facts = run->facts.data,
      .facts_size = run->facts.size,
      .params = {.at = run->params.data, .size = run->params.size},
      .strict = true,
      .trace = true,
  };
  return policy_sandbox_decide(run->sandbox, &question, answer);
}

static const char *code_of(policy_outcome outcome) {
  switch (outcome) {
  case POLICY_INVARIANT_BROKEN: return "W008";
  case POLICY_BUDGET_SPENT: return "W011";
  case POLICY_OUT_OF_MEMORY: return "W001";
  default: return "W007";
  }
}

static bool is_same(const policy_answer *a, const policy_answer *b) {
  return a->decision.size == b->decision.size &&
         memcmp(a->decision.data, b->decision.data, a->decision.size) == 0;
}

static void judge(example_run *run) {
  policy_answer answer = {0}, again = {0};
  json_span member;
  if (!decide_example(run, &answer)) {
    report(run, code_of(answer.outcome), answer.error.data, answer.error.size);
  } else if (!matches(&run->expect, &answer.decision, &member)) {
    report_difference(run, &answer);
  } else if (!decide_example(run, &again) && again.outcome == POLICY_OUT_OF_MEMORY) {
    report(run, "W001", again.error.data, again.error.size);
  } else if (again.outcome != POLICY_DECIDED || !is_same(&again, &answer)) {
    report(run, "W008", "the same facts gave another decision the second time", 52);
  }

  if (answer.instructions > run->kind->policy.worst_instructions)
    run->kind->policy.worst_instructions = answer.instructions;
  if (answer.memory > run->kind->policy.worst_memory)
    run->kind->policy.worst_memory = answer.memory;
  policy_answer_free(&answer);
  policy_answer_free(&again);
}

static void run_example(example_run *run) {
  lua_State *L = run->sandbox->L;
  sandbox_budget_start(L);
  lua_pushcfunction(L, read_example);
  lua_pushlightuserdata(L, run);
  bool ran = lua_pcall(L, 1, 1, 0) == LUA_OK, ok = ran && lua_toboolean(L, -1);
  bool spent = sandbox_budget_is_spent(L);
  sandbox_budget_stop(L);
  lua_settop(L, 0);
  if ((spent && run->sandbox->budget.starved) || run->facts.failed || run->params.failed ||
      run->expect.failed || run->why.failed)
    report(run, "W001", "not enough memory", 17);
  else if (ok)
    judge(run);
  else if (ran)
    report(run, "W007", run->why.data, run->why.size);
  else
    report(run, "W007", "cannot be read", 14);
}

void policy_sandbox_verify(policy_sandbox *sandbox, finding_list *findings) {
  for (size_t i = 0; i < sandbox->kind_count; i++) {
    policy_kind *kind = &sandbox->kinds[i];
    if (!kind->policy.file) continue;
    if (kind->policy.example_count == 0) {
      finding_warning(findings, kind->policy.file->shown, 0, "W201", "has no examples");
      finding_hint(findings,
                   "add examples = { { given = …, expect = … } }: they run at every load");
    }

    example_run run = {.sandbox = sandbox, .kind = kind, .findings = findings};
    for (run.number = 1; run.number <= kind->policy.example_count; run.number++) run_example(&run);
    example_free(&run);
  }
}
