/* Fuzzes recordings: the input is one line of a recording. What is read of it is decided by small
 * policies of every kind, and the decision written as a line of its own, which must be read back
 * and decided the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/diff.h"
#include "core/recording/decision_line.h"
#include "policy/decision_log.h"
#include "policy/sandbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char policy_paths[][16] = {"a.lua", "b.lua", "c.lua", "d.lua"};
static char policy_texts[][400] = {
    "return policy { kind = 'routing', params = { threshold = integer { 10, min = 1, max = 99 },\n"
    "  label = text { 'x' } }, decide = function(facts, params)\n"
    "    for name, value in pairs(facts) do local _ = name .. tostring(value) end\n"
    "    return batch { because = '%d %s %s', params.threshold, params.label, facts.volume or '' "
    "}\n"
    "  end }",
    "return policy { kind = 'weights', decide = function(facts)\n"
    "    local n, weights = #facts.variants, {}\n"
    "    for _, v in ipairs(facts.variants) do weights[v.name] = 1 / n end\n"
    "    return assign { because = '%s', variant = facts.variants[1].name,\n"
    "      bucket = n, facts.assignment_key or '' } end }",
    "return policy { kind = 'mapping', decide = function(facts)\n"
    "    local function walk(v) if type(v) ~= 'table' then return tostring(v) end\n"
    "      local s = '' for k, x in pairs(v) do s = s .. k .. walk(x) end return s end\n"
    "    return ignore { because = walk(facts.event) } end }",
    "return policy { kind = 'promotion', decide = function(facts)\n"
    "    for _, v in ipairs(facts.variants) do\n"
    "      if v.name ~= facts.champion then return promote { because = '%s', v.name, variant = "
    "v.name } end\n"
    "    end\n"
    "    return hold { because = '%d', facts.now, needs = 'x' } end }",
};

static policy_sandbox *open_sandbox(void) {
  static policy_file items[4];
  static char directory[] = "policies";
  static policy_files files = {.directory = directory, .items = items, .count = 4};
  for (size_t i = 0; i < files.count; i++) {
    items[i] = (policy_file){.path = policy_paths[i],
                             .shown = policy_paths[i],
                             .text = policy_texts[i],
                             .size = strlen(policy_texts[i])};
    memset(items[i].digest, 'd', sizeof items[i].digest - 1);
  }
  finding_list findings = {0};
  policy_sandbox *sandbox = policy_sandbox_new(&files, policy_limits_default, &findings);
  if (!sandbox || findings.errors) abort();
  finding_list_free(&findings);
  return sandbox;
}

static policy_question question_of(const recording_line *line) {
  return (policy_question){.kind = line->kind.at,
                           .kind_size = line->kind.size,
                           .facts = line->facts.at,
                           .facts_size = line->facts.size,
                           .params = line->params,
                           .overrides = line->overrides};
}

static bool same(const text_buffer *a, const text_buffer *b) {
  return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* The answer as a line of a log, read and decided again. */
static void check_read_back(policy_sandbox *sandbox, const policy_question *question,
                            const policy_answer *answer) {
  const policy_kind *kind = policy_kind_find(sandbox, question->kind, question->kind_size);
  decision_origin origin = {.id = "1", .time = "2026-11-22T03:04:05.678Z"};
  recording_reader reader = {0};
  text_buffer text = {0}, error = {0};
  recording_line line;
  size_t column;
  policy_answer again = {0};
  if (!decision_log_line(kind, question, answer, &origin, &text)) abort();
  if (memchr(text.data, '\n', text.size)) abort();
  if (recording_read(&reader, text.data, text.size, &line, &error, &column) != RECORDING_DECISION)
    abort();
  policy_question replayed = question_of(&line);
  if (!policy_sandbox_decide(sandbox, &replayed, &again)) abort();
  if (!same(&answer->decision, &again.decision) || !same(&answer->because, &again.because)) abort();
  text_buffer path = {0};
  json_span decision = {
      .at = again.decision.data, .size = again.decision.size, .type = JSON_OBJECT};
  if (json_first_difference(line.decision, decision, &path)) abort();
  text_buffer_free(&path);
  text_buffer_free(&text);
  recording_reader_free(&reader);
  text_buffer_free(&error);
  policy_answer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static policy_sandbox *sandbox;
  if (!sandbox) sandbox = open_sandbox();
  char *copy = malloc(size + 1); /* without a byte to spare, so that reading past the end shows */
  if (!copy) return 0;
  memcpy(copy, data, size);
  recording_line line;
  recording_reader reader = {0};
  text_buffer error = {0}, path = {0};
  size_t column;
  policy_answer answer = {0};
  recording_result result = recording_read(&reader, copy, size, &line, &error, &column);
  if (result == RECORDING_BAD && error.size == 0) abort();
  if (result == RECORDING_DECISION) {
    policy_question question = question_of(&line);
    if (policy_sandbox_decide(sandbox, &question, &answer)) {
      json_span decision = {
          .at = answer.decision.data, .size = answer.decision.size, .type = JSON_OBJECT};
      json_first_difference(line.decision, decision, &path);
      check_read_back(sandbox, &question, &answer);
    } else if (answer.outcome == POLICY_DECIDED || answer.error.size == 0) {
      abort();
    }
  }
  text_buffer_free(&path);
  recording_reader_free(&reader);
  text_buffer_free(&error);
  policy_answer_free(&answer);
  free(copy);
  return 0;
}
