/* What a trace notes of decisions: counts from any beginning, what is new in them, and comparisons
 * only while it keeps them. */
#include "policy/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <stdint.h>
#include <stdlib.h>

#include "support/policy_text.h"

/* Three conditions; the last is evaluated once for each of the files. */
static char routing[] =
    "return policy { kind = 'routing', decide = function(facts)\n"
    "  if facts.volume == 'fast' then return realtime { because = 'fast' } end\n"
    "  if facts.file_count < 10 then return batch { because = 'few' } end\n"
    "  local odd = 0\n"
    "  for i = 1, facts.file_count do if i % 2 == 1 then odd = odd + 1 end end\n"
    "  return batch { because = '%d odd', odd }\n"
    "end }\n";
static char *texts[] = {routing};

enum { VOLUME, FILE_COUNT, ODD, CONDITIONS };

typedef struct {
  policy_sandbox *sandbox;
  policy_trace *trace;
  const policy_code *code;
} traced_set;

static traced_set opened;

static int open_set(void **state) {
  (void)state;
  static policy_texts set;
  policy_texts_set(&set, texts, 1);
  finding_list findings = {0};
  opened.sandbox = policy_sandbox_new(&set.files, policy_limits_default, &findings);
  assert_non_null(opened.sandbox);
  assert_int_equal(findings.errors, 0);
  finding_list_free(&findings);
  opened.trace = policy_trace_new(opened.sandbox, "routing", 7);
  assert_non_null(opened.trace);
  opened.code = policy_trace_code(opened.trace);
  assert_int_equal(opened.code->condition_count, CONDITIONS);

  return 0;
}

static int close_set(void **state) {
  (void)state;
  policy_trace_free(opened.trace);
  policy_sandbox_free(opened.sandbox);

  return 0;
}

static void ask(const char *facts) {
  policy_question asked = {.kind = "routing",
                           .kind_size = 7,
                           .facts = facts,
                           .facts_size = strlen(facts),
                           .trace = opened.trace};
  policy_answer answer = {0};
  assert_true(policy_sandbox_decide(opened.sandbox, &asked, &answer));
  policy_answer_free(&answer);
}

static const char FAST[] = "{\"file_count\":3,\"volume\":\"fast\"}";
static const char FEW[] = "{\"file_count\":3,\"volume\":\"slow\"}";

static uint64_t count_of(size_t condition, condition_outcome outcome) {
  return policy_trace_counts(opened.trace)[policy_trace_place(opened.code, condition, outcome)];
}

static void expect_counts(size_t condition, uint64_t held, uint64_t did_not) {
  assert_int_equal(count_of(condition, OUTCOME_TRUE), held);
  assert_int_equal(count_of(condition, OUTCOME_FALSE), did_not);
}

static const traced_comparison *comparisons(size_t expected, size_t expected_lost) {
  size_t count, lost;
  const traced_comparison *list = policy_trace_comparisons(opened.trace, &count, &lost);
  assert_int_equal(count, expected);
  assert_int_equal(lost, expected_lost);

  return list;
}

static void expect_text(const traced_value *value, const char *text) {
  assert_int_equal(value->type, TRACED_TEXT);
  assert_int_equal(value->size, strlen(text));
  assert_memory_equal(policy_trace_texts(opened.trace) + value->text, text, value->size);
}

static void a_new_trace_keeps_comparisons(void **state) {
  (void)state;
  ask(FEW);
  const traced_comparison *list = comparisons(2, 0);
  assert_int_equal(list[0].condition, VOLUME);
  assert_int_equal(list[0].outcome, OUTCOME_FALSE);
  expect_text(&list[0].left, "slow");
  expect_text(&list[0].right, "fast");
  assert_int_equal(list[1].condition, FILE_COUNT);
  assert_int_equal(list[1].outcome, OUTCOME_TRUE);
  assert_int_equal(list[1].left.integer, 3);
  assert_int_equal(list[1].right.integer, 10);
  expect_counts(VOLUME, 0, 1);
  expect_counts(FILE_COUNT, 1, 0);
  expect_counts(ODD, 0, 0);
}

static void a_trace_that_was_started_counts_alone(void **state) {
  (void)state;
  ask(FEW);
  policy_trace_start(opened.trace, NULL);
  comparisons(0, 0);
  expect_counts(VOLUME, 0, 0);
  expect_counts(FILE_COUNT, 0, 0);
  ask(FAST);
  ask(FAST);
  comparisons(0, 0);
  expect_counts(VOLUME, 2, 0);
  expect_counts(FILE_COUNT, 0, 0);
}

static void counts_go_on_from_those_given(void **state) {
  (void)state;
  ask(FEW);
  size_t size = policy_trace_size(opened.code) * sizeof(uint64_t);
  uint64_t *before = malloc(size);
  assert_non_null(before);
  memcpy(before, policy_trace_counts(opened.trace), size);
  ask(FAST);
  policy_trace_start(opened.trace, before);
  assert_memory_equal(policy_trace_counts(opened.trace), before, size);
  size_t first;
  assert_int_equal(policy_trace_take_new(opened.trace, &first), 0); /* since the start */
  ask(FAST);
  expect_counts(VOLUME, 1, 1);
  expect_counts(FILE_COUNT, 1, 0);
  assert_true(policy_trace_take_new(opened.trace, &first) > 0); /* the way of FAST */
  policy_trace_start(opened.trace, before);
  ask(FEW);
  assert_int_equal(policy_trace_take_new(opened.trace, &first), 0);
  free(before);
}

static void comparisons_are_kept_from_when_they_are_wanted_until_they_are_not(void **state) {
  (void)state;
  ask(FAST);
  policy_trace_keep(opened.trace, true);
  comparisons(0, 0);
  ask(FEW);
  const traced_comparison *list = comparisons(2, 0);
  assert_int_equal(list[0].left.text, 0); /* the texts of earlier comparisons are forgotten, too */
  expect_text(&list[0].left, "slow");

  policy_trace_keep(opened.trace, false);
  comparisons(0, 0);
  ask(FEW);
  comparisons(0, 0);
  expect_counts(VOLUME, 1, 2);
}

static void the_first_of_many_comparisons_are_kept(void **state) {
  (void)state;
  ask("{\"file_count\":10003}");
  const traced_comparison *list = comparisons(TRACE_COMPARISONS_MAX, 5);
  assert_int_equal(list[TRACE_COMPARISONS_MAX - 1].condition, ODD);
  assert_int_equal(list[TRACE_COMPARISONS_MAX - 1].outcome, OUTCOME_FALSE);
  expect_counts(ODD, 5002, 5001);
  assert_false(policy_trace_is_short(opened.trace));

  policy_trace_keep(opened.trace, true);
  ask(FEW);
  comparisons(2, 0);
}

static void what_is_new_is_told_once(void **state) {
  (void)state;
  size_t first;
  ask(FAST);
  assert_true(policy_trace_take_new(opened.trace, &first) > 1);
  assert_int_equal(opened.code->functions[0].lines[first], 2);
  assert_int_equal(policy_trace_take_new(opened.trace, &first), 0);
  ask(FAST);
  assert_int_equal(policy_trace_take_new(opened.trace, &first), 0);

  ask(FEW);
  ask("{\"file_count\":10}"); /* several files: the loop, and both ways of its condition */
  assert_true(policy_trace_take_new(opened.trace, &first) > 4);
  assert_int_equal(opened.code->functions[0].lines[first], 3); /* behind what ended the first */

  policy_trace_start(opened.trace, NULL);
  ask(FEW);
  assert_true(policy_trace_take_new(opened.trace, &first) > 1);
}

#define WITH_A_SET(TEST) cmocka_unit_test_setup_teardown(TEST, open_set, close_set)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_A_SET(a_new_trace_keeps_comparisons),
      WITH_A_SET(a_trace_that_was_started_counts_alone),
      WITH_A_SET(counts_go_on_from_those_given),
      WITH_A_SET(comparisons_are_kept_from_when_they_are_wanted_until_they_are_not),
      WITH_A_SET(the_first_of_many_comparisons_are_kept),
      WITH_A_SET(what_is_new_is_told_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
