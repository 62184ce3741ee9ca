/* What a decision is charged follows from set, facts and parameters alone: its steps, its bytes and
 * its outcome are the same whether it is a state's first decision or comes after any others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <stdint.h>
#include <stdlib.h>

#include "support/policy_text.h"

/* Each way uses what earlier decisions may have left: strings, stack, call frames, decoded facts,
 * the length of a table with holes, garbage. */
static char routing[] =
    "local holes = { 1, nil, 3, nil, 5, nil, nil, 8 }\n"
    "local long = ('key'):rep(50)\n"
    "local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end\n"
    "local function spread(...) return select('#', ...) end\n"
    "local ways = {\n"
    "  function(f) return #holes + (holes[f.total_bytes] or 0) end,\n"
    "  function() return deep(150) end,\n"
    "  function() return deep(3000) end,\n"
    "  function(f) return ('%s/%s'):format(f.volume, f.prefix) end,\n"
    "  function(f) local n = 0 for k, v in pairs(f) do n = n + #k end return n end,\n"
    "  function(f) local t = {} for i = 1, 200 do t['name' .. i] = i end return #t end,\n"
    "  function(f) local t = {} for i = 1, 200 do t['name' .. i * 3] = { i } end return #t end,\n"
    "  function(f) return f['vol' .. 'ume'] end,\n"
    "  function(f) return f['total' .. '_bytes'] end,\n"
    "  function() local ok, e = pcall(error, 'x' .. 1) return tostring(ok) .. e end,\n"
    "  function() local ok, e = pcall(deep, 'n') return e end,\n"
    "  function() local t = {} for i = 1, 60 do t[i << 32] = i end return t[60 << 32] end,\n"
    "  function() local t = { [long .. 1] = 1 } return t[long .. 1] end,\n"
    "  function(f) return spread(table.unpack({}, 1, 400)) end,\n"
    "  function() local t = {} for i = 1, 300 do t[i] = tostring(i % 50) end table.sort(t)\n"
    "    return table.concat(t, ',') end,\n"
    "  function() return (('ab'):rep(3000):gsub('a', { a = 'xyz' })):len() end,\n"
    "  function() local t = {} t[t] = 1 for i = 1, 20 do t[{}] = i end return t[t] end,\n"
    "  function() local s = 'x' while true do s = s .. s end end,\n"
    "  function() while true do end end,\n"
    "  function() return deep(1e9) end,\n"
    "  function(f) return f.nothing end,\n"
    "  function() local a <close> = nil return ('x'):rep(100000):upper():len() end,\n"
    "}\n"
    "return policy { kind = 'routing', params = { t = integer { 10, doc = 'files' } },\n"
    "  decide = function(facts, params)\n"
    "    return batch { because = '%s %d', tostring(ways[facts.file_count](facts)), params.t }\n"
    "  end }\n";
static char *texts[] = {routing};

enum { WAYS = 22, QUESTIONS = 2 * WAYS };

static char facts_of[QUESTIONS][200];

static void write_questions(void) {
  for (int i = 0; i < QUESTIONS; i++)
    snprintf(facts_of[i], sizeof facts_of[i],
             i < WAYS
                 ? "{\"file_count\":%d,\"total_bytes\":3}"
                 : "{\"file_count\":%d,\"total_bytes\":5,\"volume\":\"name7 and so on, so that "
                   "it is a long text\",\"prefix\":\"name9\"}",
             i % WAYS + 1);
}

typedef struct {
  policy_outcome outcome;
  int64_t instructions;
  size_t memory;
  uint64_t text; /* a sum over the decision, or the error */
} charge;

static uint64_t sum_of(const text_buffer *text, uint64_t sum) {
  for (size_t i = 0; i < text->size; i++)
    sum = (sum ^ (unsigned char)text->data[i]) * 1099511628211u;
  return sum;
}

static charge ask(policy_sandbox *sandbox, int question) {
  policy_question asked = {.kind = "routing",
                           .kind_size = 7,
                           .facts = facts_of[question],
                           .facts_size = strlen(facts_of[question])};
  policy_answer answer = {0};
  bool decided = policy_sandbox_decide(sandbox, &asked, &answer);
  uint64_t text =
      decided ? sum_of(&answer.because, sum_of(&answer.decision, 1)) : sum_of(&answer.error, 2);
  charge result = {answer.outcome, answer.instructions, answer.memory, text};
  policy_answer_free(&answer);

  return result;
}

static policy_sandbox *open_set(const policy_texts *set, policy_limits limits) {
  finding_list findings = {0};
  policy_sandbox *sandbox = policy_sandbox_new(&set->files, limits, &findings);
  assert_non_null(sandbox);
  assert_int_equal(findings.errors, 0);
  finding_list_free(&findings);

  return sandbox;
}

static uint64_t random_state = 0x9e3779b97f4a7c15;
static int random_below(int limit) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (int)((random_state >> 33) % (uint64_t)limit);
}

static void ask_first(const policy_texts *set, policy_limits limits, charge *first) {
  for (int i = 0; i < QUESTIONS; i++) {
    policy_sandbox *sandbox = open_set(set, limits);
    first[i] = ask(sandbox, i);
    policy_sandbox_free(sandbox);
  }
}

/* Every question once as a state's first, then many in any order in one state. */
static void expect_same_in_any_order(const policy_texts *set, policy_limits limits, int asked) {
  charge first[QUESTIONS];
  ask_first(set, limits, first);
  policy_sandbox *sandbox = open_set(set, limits);
  for (int i = 0; i < asked; i++) {
    int question = random_below(QUESTIONS);
    charge now = ask(sandbox, question);
    const charge *then = &first[question];
    if (now.outcome != then->outcome || now.text != then->text ||
        now.instructions != then->instructions || now.memory != then->memory)
      fail_msg("question %d, asked as number %d: outcome %d, %lld instructions, %zu bytes; first "
               "%d, %lld, %zu",
               question, i, (int)now.outcome, (long long)now.instructions, now.memory,
               (int)then->outcome, (long long)then->instructions, then->memory);
  }

  policy_sandbox_free(sandbox);
}

#ifdef WEIR_GC_STRESS
enum { ASKED = 20, EDGES = 2 };
#else
enum { ASKED = 600, EDGES = 2 * WAYS };
#endif

static void charges_do_not_depend_on_earlier_decisions(void **state) {
  (void)state;
  policy_texts set;
  policy_texts_set(&set, texts, 1);
  expect_same_in_any_order(&set, policy_limits_default, ASKED);
}

/* With a limit that one question just keeps, or just misses. */
static void the_edge_of_a_limit_does_not_depend_on_earlier_decisions(void **state) {
  (void)state;
  policy_texts set;
  policy_texts_set(&set, texts, 1);
  charge usual[QUESTIONS];
  ask_first(&set, policy_limits_default, usual);
  int kept = 0, missed = 0;
  for (int i = 0; i < EDGES; i++) {
    if (usual[i].outcome != POLICY_DECIDED) continue;
    for (size_t less = 0; less < 2; less++) {
      policy_limits limits = policy_limits_default;
      limits.memory = usual[i].memory - less;
      policy_sandbox *sandbox = open_set(&set, limits);
      bool decided = ask(sandbox, i).outcome == POLICY_DECIDED;
      policy_sandbox_free(sandbox);
      assert_int_equal(decided, less == 0);
      expect_same_in_any_order(&set, limits, ASKED / 20);
      decided ? kept++ : missed++;
    }

    policy_limits limits = policy_limits_default;
    limits.instructions = usual[i].instructions - 1 - random_below(150);
    if (limits.instructions > 0) expect_same_in_any_order(&set, limits, ASKED / 20);
  }

  assert_true(kept > 0 && missed > 0);
}

/* Not by facts that another decision read, either: what a policy mentions is charged to all. */
static void reading_a_fact_costs_the_same_each_time(void **state) {
  (void)state;
  policy_texts set;
  policy_texts_set(&set, texts, 1);
  policy_sandbox *sandbox = open_set(&set, policy_limits_default);
  charge by_name = ask(sandbox, WAYS + 3), made_up = ask(sandbox, WAYS + 7);
  for (int i = 0; i < 5; i++) {
    charge again = ask(sandbox, WAYS + 3), made_up_again = ask(sandbox, WAYS + 7);
    assert_int_equal(again.memory, by_name.memory);
    assert_int_equal(made_up_again.memory, made_up.memory);
    ask(sandbox, i);
  }

  policy_sandbox_free(sandbox);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(charges_do_not_depend_on_earlier_decisions),
      cmocka_unit_test(the_edge_of_a_limit_does_not_depend_on_earlier_decisions),
      cmocka_unit_test(reading_a_fact_costs_the_same_each_time),
  };
  write_questions();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
