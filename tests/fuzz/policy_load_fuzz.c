/* Fuzzes loading a policy: the input's first bytes are its limits, the rest the text of a file. The
 * file is loaded, verified and asked for one decision. Whatever it says, and wherever memory ends,
 * everything comes back as an answer or a finding, nothing is leaked, and the same question has
 * the same answer twice. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/sandbox.h"

enum { HEADER_BYTES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(policy_sandbox *sandbox, const char *kind, const char *facts) {
  policy_question question = {
      .kind = kind,
      .kind_size = strlen(kind),
      .facts = facts,
      .facts_size = strlen(facts),
      .strict = true,
      .place = true,
  };
  policy_answer first = {0}, second = {0};
  bool decided = policy_sandbox_decide(sandbox, &question, &first);
  bool again = policy_sandbox_decide(sandbox, &question, &second);
  /* What a spent budget says may name another place: garbage is collected at other moments. */
  if (decided && again &&
      (first.decision.size != second.decision.size || first.because.size != second.because.size ||
       memcmp(first.decision.data, second.decision.data, first.decision.size) != 0 ||
       memcmp(first.because.data, second.because.data, first.because.size) != 0))
    abort();
  if (!decided && (first.outcome == POLICY_DECIDED || first.error.size == 0)) abort();
  policy_answer_free(&first);
  policy_answer_free(&second);
}

static void load_and_ask(const policy_files *files, policy_limits limits) {
  static const char *const questions[][2] = {
      {"routing", "{\"file_count\":3,\"volume\":\"v\\u00e9\"}"},
      {"weights", "{\"variants\":[{\"name\":\"a\",\"weight\":1},{\"name\":\"b\"}]}"},
      {"mapping", "{\"event\":{\"a\":[1,{\"b\":null}],\"c\":\"\\u0000\"}}"},
      {"promotion", "{\"now\":1,\"champion\":\"a\",\"variants\":[{\"name\":\"a\"}]}"},
  };
  finding_list findings = {0};
  policy_sandbox *sandbox = policy_sandbox_new(files, limits, &findings);
  if (sandbox && findings.errors == 0) {
    policy_sandbox_verify(sandbox, &findings);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
      ask(sandbox, questions[i][0], questions[i][1]);
  }
  policy_sandbox_free(sandbox);
  finding_list_free(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEADER_BYTES) return 0;
  size_t text_size = size - HEADER_BYTES;
  char *text = malloc(text_size + 1);
  if (!text) return 0;
  memcpy(text, data + HEADER_BYTES, text_size);
  text[text_size] = '\0';
  char path[] = "fuzz.lua", shown[] = "policies/fuzz.lua", directory[] = "policies";
  policy_file file = {.path = path, .shown = shown, .text = text, .size = text_size};
  memset(file.digest, 'd', sizeof file.digest - 1);
  policy_files files = {.directory = directory, .items = &file, .count = 1};
  policy_limits limits = {.instructions = 20 * 1000, .load_instructions = 200 * 1000};
  /* The first two bytes: from less than an empty sandbox needs to plenty. */
  limits.load_memory = (size_t)(data[0] | data[1] << 8) * 8;
  limits.memory = (size_t)(data[2] | data[3] << 8);
  load_and_ask(&files, limits);
  free(text);
  return 0;
}
