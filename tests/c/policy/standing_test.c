/* Facts that stay: a decision on them is the one on the same facts as JSON, whatever policies do to
 * what they were given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/impl.h"
#include "policy/standing.h"
#include "support/policy_text.h"

/* Says what it sees, and does to the facts whatever the look's number asks for. */
static char promotion[] =
    "local function shown(f)\n"
    "  local new = f.variants[2]\n"
    "  local window = new.recent or {}\n"
    "  local count = 0 for _ in pairs(new) do count = count + 1 end\n"
    "  return tostring(new.weight) .. ' ' .. tostring(window.requests) .. ' '\n"
    "    .. tostring(window.warming) .. ' ' .. new.name .. ' ' .. count .. ' '\n"
    "    .. tostring(f.evidence and f.evidence.latency and f.evidence.latency.high)\n"
    "    .. ' ' .. tostring(f.minutes_since_change)\n"
    "end\n"
    "local ways = {\n"
    "  [1] = function(f) f.variants[2].weight = 0.9 end,\n"
    "  [2] = function(f) f.variants[2].name = 'x' end,\n"
    "  [3] = function(f) f.variants[2].window = {} end,\n"
    "  [4] = function(f) f.variants[2].recent.requests = nil end,\n"
    "  [5] = function(f) table.remove(f.variants) end,\n"
    "  [6] = function(f) f.variants[2].recent = nil error('given up') end,\n"
    "  [7] = function(f) setmetatable(f.variants[2], { __index = { stage = 'failed' } }) end,\n"
    "  [8] = function(f) table.sort(f.variants, function(a, b) return a.name > b.name end) end,\n"
    "  [9] = function(f) table.insert(f.variants, 1, { name = 'c' }) end,\n"
    "  [10] = function(f) f.evidence.latency.high = 5 end,\n"
    "}\n"
    "return policy { kind = 'promotion', decide = function(f)\n"
    "  local seen = shown(f)\n"
    "  local way = ways[f.good_looks] if way then way(f) end\n"
    "  return hold { needs = 'x', because = seen }\n"
    "end }\n";
static char *texts[] = {promotion};

static const char FRAME[] =
    "{\"now\":%d,\"champion\":\"a\",\"challenger\":\"b\",\"variants\":[{\"name\":\"a\"},"
    "{\"name\":\"b\",\"weight\":%g,\"recent\":{\"warming\":%s,\"requests\":%d}}],"
    "%s\"good_looks\":%d,\"evidence\":{\"latency\":{\"low\":0%s}}}";

typedef struct {
  int now, requests, way;
  double weight, high, minutes; /* NaN: left out */
  bool warming;
} look;

static policy_question as_json(const look *l, char *text, size_t size) {
  char high[48] = "", minutes[48] = "";
  if (!isnan(l->minutes))
    snprintf(minutes, sizeof minutes, "\"minutes_since_change\":%.0f,", l->minutes);
  if (!isnan(l->high)) snprintf(high, sizeof high, ",\"high\":%g", l->high);
  snprintf(text, size, FRAME, l->now, l->weight, l->warming ? "true" : "false", l->requests,
           minutes, l->way, high);
  return (policy_question){
      .kind = "promotion", .kind_size = 9, .facts = text, .facts_size = strlen(text)};
}

enum { PLACES = 7 };

static void find_places(const policy_standing *standing, size_t places[PLACES]) {
  static const char *const paths[PLACES] = {"now",
                                            "variants.2.weight",
                                            "variants.2.recent.requests",
                                            "variants.2.recent.warming",
                                            "minutes_since_change",
                                            "good_looks",
                                            "evidence.latency.high"};
  for (size_t i = 0; i < PLACES; i++) {
    places[i] = policy_standing_place(standing, paths[i]);
    assert_true(places[i] != POLICY_STANDING_NOWHERE);
  }
}

static void set_look(policy_standing *standing, const size_t places[PLACES], const look *l) {
  const double values[PLACES] = {l->now,     l->weight, l->requests, l->warming,
                                 l->minutes, l->way,    l->high};
  for (size_t i = 0; i < PLACES; i++) policy_standing_set(standing, places[i], values[i]);
}

static bool same(const text_buffer *a, const text_buffer *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static policy_sandbox *open_set(policy_texts *set) {
  finding_list findings = {0};
  policy_texts_set(set, texts, 1);
  policy_sandbox *sandbox = policy_sandbox_new(&set->files, policy_limits_default, &findings);
  assert_int_equal(findings.errors, 0);
  finding_list_free(&findings);

  return sandbox;
}

static policy_standing *open_standing(policy_sandbox *sandbox) {
  char text[1024];
  text_buffer why = {0};
  look all = {1, 1, 1, 1, 1, 1, true};
  policy_question question = as_json(&all, text, sizeof text);
  policy_standing *standing = policy_standing_new(sandbox, &question, &why);
  assert_non_null(standing);
  text_buffer_free(&why);

  return standing;
}

static void decides_as_on_json(void **state) {
  (void)state;
  policy_texts set;
  policy_sandbox *sandbox = open_set(&set);
  policy_standing *standing = open_standing(sandbox);
  policy_answer expected = {0}, answer = {0};
  size_t places[PLACES], places_now[PLACES];
  find_places(standing, places); /* as they are found once, by who asks millions of questions */
  static const int ways[] = {0, 1, 0, 2, 0, 3, 4, 5, 0, 6, 0, 6, 7, 0, 1, 2, 8, 0, 9, 0, 10, 0};
  enum { WAYS = sizeof ways / sizeof *ways };
  for (int i = 0; i < 10 * WAYS; i++) {
    look l = {.now = 1000 + i,
              .requests = i * 7,
              .minutes = i % 4 == 1 ? NAN : i,
              .way = ways[i % WAYS],
              .weight = i % 11 / 16.,
              .high = i % 3 ? i / 8. : NAN,
              .warming = i % 2};
    char text[1024];
    policy_question question = as_json(&l, text, sizeof text);
    set_look(standing, places, &l);
    find_places(standing, places_now);
    assert_memory_equal(places, places_now, sizeof places);
    /* A collection forgets the keys that have no value: later they come back elsewhere. */
    if (i % 3 == 1) lua_gc(sandbox->L, LUA_GCCOLLECT);
    policy_question asked = {.kind = "promotion", .kind_size = 9, .standing = standing};
    /* In between, questions as JSON take the same tables. */
    bool decided = policy_sandbox_decide(sandbox, &question, &expected);
    assert_int_equal(policy_sandbox_decide(sandbox, &asked, &answer), decided);
    if (i % 5 == 0) policy_sandbox_decide(sandbox, &asked, &answer);
    assert_int_equal(answer.outcome, expected.outcome);
    assert_true(same(&answer.because, &expected.because));
    assert_true(same(&answer.error, &expected.error));
  }

  policy_answer_free(&answer);
  policy_answer_free(&expected);
  policy_standing_free(standing);
  policy_sandbox_free(sandbox);
}

static void refuses_facts_that_do_not_fit(void **state) {
  (void)state;
  policy_texts set;
  policy_sandbox *sandbox = open_set(&set);
  text_buffer why = {0};
  policy_question question = {.kind = "promotion", .kind_size = 9, .facts = "{}", .facts_size = 2};
  assert_null(policy_standing_new(sandbox, &question, &why));
  text_buffer_byte(&why, '\0');
  assert_string_equal(why.data, "field \"champion\" is missing");
  text_buffer_free(&why);
  policy_sandbox_free(sandbox);
}

static void knows_its_places(void **state) {
  (void)state;
  policy_texts set;
  policy_sandbox *sandbox = open_set(&set);
  policy_standing *standing = open_standing(sandbox);
  assert_true(policy_standing_place(standing, "variants.3.weight") == POLICY_STANDING_NOWHERE);
  assert_true(policy_standing_place(standing, "champion") == POLICY_STANDING_NOWHERE);
  policy_standing_free(standing);
  policy_sandbox_free(sandbox);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decides_as_on_json),
      cmocka_unit_test(refuses_facts_that_do_not_fit),
      cmocka_unit_test(knows_its_places),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
