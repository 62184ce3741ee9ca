/* Memory may end at any allocation while a set is loaded, verified and asked: it is always a
 * finding or an answer, never an error that nobody catches, and nothing is leaked (the sanitizer
 * build sees that). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */

#include "support/policy_text.h"

static char routing[] =
    "local parts = {} for i = 1, 50 do parts[i] = ('x'):rep(i) end\n"
    "return policy { kind = 'routing', name = 'r', params = {\n"
    "  t = integer { 10, min = 1, doc = 'files' }, c = choice { 'a', values = { 'a', 'b' } } },\n"
    "  decide = function(facts, params)\n"
    "    local seen = {}\n"
    "    for name, value in pairs(facts) do seen[#seen + 1] = name .. '=' .. tostring(value) end\n"
    "    if facts.file_count > 100 then return { because = parts } end\n"
    "    return batch { because = '%s %5d %s', table.concat(seen, ','), params.t, params.c }\n"
    "  end,\n"
    "  examples = { { given = { file_count = 1, volume = 'v' }, expect = { action = 'batch' } } } "
    "}";
static char weights[] =
    "return policy { kind = 'weights', decide = function(facts)\n"
    "  local w = {}\n"
    "  for i, v in ipairs(facts.variants) do w[v.name] = i == 1 and 1 or 0 end\n"
    "  return weights { because = 'first', weights = w } end }";
static char broken[] = "local p = policy { kind = 'mapping', decide = function() end }\n"
                       "error({ p })";
static char *texts[] = {routing, weights, broken};

static const char VARIANTS[] = "{\"variants\":[{\"name\":\"a\"},{\"name\":\"b\",\"weight\":0.5}]}";

/* The code of the answer, or "decided". */
static const char *ask(policy_sandbox *sandbox, const char *kind, const char *facts) {
  policy_question question = {.kind = kind,
                              .kind_size = strlen(kind),
                              .facts = facts,
                              .facts_size = strlen(facts),
                              .place = true};
  policy_answer answer = {0};
  bool decided = policy_sandbox_decide(sandbox, &question, &answer);
  const char *code = decided ? "decided" : policy_outcome_code(answer.outcome);
  assert_true(decided || answer.error.size > 0);
  policy_answer_free(&answer);

  return code;
}

static bool loads(const policy_files *files, size_t load_memory) {
  policy_limits limits = policy_limits_default;
  finding_list findings = {0};
  limits.load_memory = load_memory;
  policy_sandbox *sandbox = policy_sandbox_new(files, limits, &findings);
  if (sandbox && findings.errors == 0) policy_sandbox_verify(sandbox, &findings);
  bool ok = sandbox && findings.errors == 0;
  if (ok) assert_string_equal(ask(sandbox, "weights", VARIANTS), "decided");
  policy_sandbox_free(sandbox);
  finding_list_free(&findings);

  return ok;
}

#ifdef WEIR_GC_STRESS
enum { LOAD_STEP = 20011, DECIDE_STEP = 509 };
#else
enum { LOAD_STEP = 509, DECIDE_STEP = 13 };
#endif

static void loading_survives_every_limit(void **state) {
  (void)state;
  policy_texts set;
  policy_texts_set(&set, texts, 2);
  size_t memory = 0;
  while (!loads(&set.files, memory) && memory < 4 * 1024 * 1024) memory += LOAD_STEP;
  assert_in_range(memory, 10 * 1024, 1024 * 1024);
  policy_texts_set(&set, texts, 3);
  for (size_t more = 0; more < 64 * 1024; more += LOAD_STEP)
    assert_false(loads(&set.files, memory - 32 * 1024 + more));
}

static void deciding_survives_every_limit(void **state) {
  (void)state;
  static const char facts[] = "{\"file_count\":3,\"volume\":\"a volume with a long and winding "
                              "name\",\"prefix\":\"x\\u00e9\"}";
  policy_texts set;
  policy_texts_set(&set, texts, 2);
  bool decided = false, stopped = false;
  for (size_t memory = 1; memory < 12000; memory += DECIDE_STEP) {
    policy_limits limits = policy_limits_default;
    finding_list findings = {0};
    limits.memory = memory;
    policy_sandbox *sandbox = policy_sandbox_new(&set.files, limits, &findings);
    assert_non_null(sandbox);
    assert_int_equal(findings.errors, 0);
    for (int round = 0; round < 2; round++) {
      const char *code = ask(sandbox, "routing", facts);
      decided = decided || strcmp(code, "decided") == 0;
      stopped = stopped || strcmp(code, "BudgetSpent") == 0;
      assert_true(strcmp(code, "decided") == 0 || strcmp(code, "BudgetSpent") == 0 ||
                  strcmp(code, "InvalidParams") == 0);
      ask(sandbox, "weights", VARIANTS);
      ask(sandbox, "routing", "{\"file_count\":101}");
    }

    policy_sandbox_free(sandbox);
    finding_list_free(&findings);
  }

  assert_true(decided && stopped);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loading_survives_every_limit),
      cmocka_unit_test(deciding_survives_every_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
