/* Running a policy's examples: a set whose examples fail never becomes active.
 * See sandbox.h. */
#include <string.h>

#include "policy/example.h"
#include "policy/impl.h"

typedef struct {
  policy_sandbox *sandbox;
  policy_kind *kind;
  finding_list *findings;
  size_t number; /* of the example, from 1 */
  policy_example example;
} example_run;

static void report(example_run *run, const char *code, const char *text, size_t size) {
  const policy_file *file = run->kind->policy.file;
  finding_error(run->findings, file->shown, policy_files_line_of(file, "examples", 8), code,
                "example %zu: %.*s", run->number, (int)size, text);
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
                     (int)run->example.facts.size, run->example.facts.data,
                     (int)run->example.expect.size, run->example.expect.data,
                     (int)answer->decision.size, answer->decision.data, (int)answer->because.size,
                     answer->because.data);
  report(run, "W007", text.data, text.size);
  text_buffer_free(&text);
}

static bool decide_example(example_run *run, policy_answer *answer) {
  policy_question question = {
      .kind = run->kind->name,
      .kind_size = strlen(run->kind->name),
      .facts = run->example.facts.data,
      .facts_size = run->example.facts.size,
      .params = {.at = run->example.params.data, .size = run->example.params.size},
      .strict = true,
      .place = true,
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
  } else if (!matches(&run->example.expect, &answer.decision, &member)) {
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
  policy_example *example = &run->example;
  if (policy_example_read(run->sandbox, run->kind, run->number, example))
    judge(run);
  else if (example->short_of_memory)
    report(run, "W001", "not enough memory", 17);
  else
    report(run, "W007", example->why.data, example->why.size);
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
    policy_example_free(&run.example);
  }
}
