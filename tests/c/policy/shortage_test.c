/* The machine has no memory left, although the policy is within its own limit: that says nothing
 * about the policy, so it is "not enough memory" and never a spent budget, a broken policy or wrong
 * facts. The address space is limited for a while; the sanitizers need more of it than any limit
 * leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/policy_text.h"

enum { STEP = 48 * 1024, MOST = 160 };

/* Holds about a thousand bytes for each file of the facts, in small blocks. */
static char routing[] = "return policy { kind = 'routing', params = { s = text { 'x' } },\n"
                        "  decide = function(facts, params)\n"
                        "    local kept = {}\n"
                        "    for i = 1, facts.file_count do kept[i] = ('x'):rep(1000) .. i end\n"
                        "    return batch { because = '%d texts', #kept } end,\n"
                        "  examples = { { given = { file_count = 300 }, expect = 'batch' } } }";
static char *texts[] = {routing};
static policy_texts set;

static policy_limits limits(void) {
  policy_limits wide = policy_limits_default;
  wide.instructions = 1000 * 1000 * 1000;
  wide.memory = 256 * 1024 * 1024;
  return wide;
}

static void skip_under_sanitizers(void) {
#ifdef WEIR_PLAIN_BLOCKS
  skip();
#endif
}

/* What the process uses, and `more` bytes. */
static void leave_only(size_t more) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld", &pages), 1);
  fclose(file);
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
  limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
  assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

static void leave_all(void) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

static policy_outcome ask(policy_sandbox *sandbox, const char *facts, policy_answer *answer) {
  policy_question question = {
      .kind = "routing", .kind_size = 7, .facts = facts, .facts_size = strlen(facts)};
  policy_sandbox_decide(sandbox, &question, answer);
  return answer->outcome;
}

static policy_sandbox *load(finding_list *findings) {
  policy_sandbox *sandbox = policy_sandbox_new(&set.files, limits(), findings);
  if (sandbox && findings->errors == 0) policy_sandbox_verify(sandbox, findings);
  return sandbox;
}

/* Each limit gets a sandbox of its own: memory that an earlier decision left would help. */
static void a_decision_without_memory_is_none(void **state) {
  (void)state;
  skip_under_sanitizers();
  size_t decided = 0, starved = 0;
  for (size_t step = 0; step < MOST; step++) {
    finding_list findings = {0};
    policy_answer answer = {0};
    policy_sandbox *sandbox = load(&findings);
    assert_int_equal(findings.errors, 0);

    leave_only(step * STEP);
    policy_outcome outcome = ask(sandbox, "{\"file_count\":5000}", &answer);
    leave_all();
    decided += outcome == POLICY_DECIDED;
    starved += outcome == POLICY_OUT_OF_MEMORY;
    assert_true(outcome == POLICY_DECIDED || outcome == POLICY_OUT_OF_MEMORY);
    if (outcome == POLICY_OUT_OF_MEMORY && answer.error.size > 0)
      assert_string_equal(answer.error.data, "not enough memory");

    /* Once there is memory again, it decides as ever. */
    assert_int_equal(ask(sandbox, "{\"file_count\":5000}", &answer), POLICY_DECIDED);
    assert_memory_equal(answer.because.data, "\"5000 texts\"", answer.because.size);
    policy_answer_free(&answer);
    policy_sandbox_free(sandbox);
    finding_list_free(&findings);
  }

  assert_true(decided > 0 && starved > 0);
}

/* Runs first: the heap that other tests leave behind is enough to load a set. */
static void a_set_without_memory_is_not_refused(void **state) {
  (void)state;
  skip_under_sanitizers();
  size_t loaded = 0, starved = 0;
  for (size_t step = 0; step < MOST; step++) {
    finding_list findings = {0};
    leave_only(step * STEP / 2);
    policy_sandbox *sandbox = load(&findings);
    leave_all();
    bool ok = sandbox && findings.errors == 0;
    loaded += ok;
    starved += !ok;
    for (size_t i = 0; i < findings.count; i++)
      if (!strstr(findings.items[i].message, "not enough memory"))
        fail_msg("%s", findings.items[i].message);
    policy_sandbox_free(sandbox);
    finding_list_free(&findings);
  }

  assert_true(loaded > 0 && starved > 0);
}

/* Its own limit is the policy's affair, however much memory the machine has. */
static void a_limit_that_is_passed_is_a_spent_budget(void **state) {
  (void)state;
  finding_list findings = {0};
  policy_answer answer = {0};
  policy_sandbox *sandbox = policy_sandbox_new(&set.files, policy_limits_default, &findings);
  assert_int_equal(ask(sandbox, "{\"file_count\":9000}", &answer), POLICY_BUDGET_SPENT);
  policy_answer_free(&answer);
  policy_sandbox_free(sandbox);
  finding_list_free(&findings);
}

int main(void) {
  policy_texts_set(&set, texts, 1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_set_without_memory_is_not_refused),
      cmocka_unit_test(a_decision_without_memory_is_none),
      cmocka_unit_test(a_limit_that_is_passed_is_a_spent_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
