/* Fuzzes the policies' pattern matcher: a pattern, a newline, a subject. The sandbox must agree
 * with stock Lua wherever stock Lua cannot take exponential time, and must always come back. */
#include <stddef.h>
#include <stdint.h>

#include "support/sandbox_pair.h"

/* Repetitions multiply in stock Lua: with these bounds its worst case is some 10^6 steps. */
enum { COMPARED_SUBJECT = 12, COMPARED_REPETITIONS = 5 };

static int count_repetitions(const pair_argument *pattern) {
  int count = 0;
  for (size_t i = 0; i < pattern->size; i++)
    count += pattern->text[i] != 0 && strchr("*+-?", pattern->text[i]) != NULL;
  return count;
}

static void check(sandbox_pair *pair, pair_case *test, bool compared) {
  if (!compared) {
    pair_run_sandbox(pair, test);
  } else if (!pair_agrees(pair, test)) {
    pair_shrink(pair, test);
    pair_print(pair, test);
    abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static sandbox_pair pair;
  if (!pair.stock) pair_open(&pair);
  const uint8_t *newline = memchr(data, '\n', size);
  if (!newline) return 0;
  size_t pattern_size = (size_t)(newline - data), subject_size = size - pattern_size - 1;
  if (pattern_size > sizeof(pair_argument){0}.text / 2 ||
      subject_size > sizeof(pair_argument){0}.text)
    return 0;
  static const char gmatch[] =
      "local out = {} for a, b in string.gmatch(...) do out[#out + 1] = collect(a, b) end "
      "return collect(table.unpack(out))";
  static const char *const bodies[] = {
      "return collect(string.find(...))",
      "return collect(string.match(...))",
      "local s, p = ... return collect(string.gsub(s, p, '<%0%1>'))",
      gmatch,
  };
  pair_case test = {0};
  pair_add_text(&test, (const char *)newline + 1, subject_size);
  pair_add_text(&test, (const char *)data, pattern_size);
  bool compared = subject_size <= COMPARED_SUBJECT &&
                  count_repetitions(&test.arguments[1]) <= COMPARED_REPETITIONS;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    test.body = bodies[i];
    check(&pair, &test, compared);
  }
  return 0;
}
