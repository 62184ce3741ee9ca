/* The C face of event patterns: sets, scratches, threads, exact bounds, and short memory of
 * what came before. The language itself is tested in tests/unit/bindings/pattern_spec.lua. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/pattern/impl.h"
#include "core/pattern/pattern.h"

static pattern_set *compile(const char *const *texts, size_t count) {
  pattern_source sources[16];
  pattern_error error;
  for (size_t i = 0; i < count; i++) sources[i] = (pattern_source){texts[i], strlen(texts[i])};
  pattern_set *set = pattern_compile(sources, count, &error);
  if (!set) fail_msg("%.*s", (int)error.message.size, error.message.data);
  text_buffer_free(&error.message);

  return set;
}

static const char *const TEXTS[] = {
    "{\"a\":[\"x\"]}", "{\"a\":[{\"prefix\":\"x\"}],\"b\":{\"c\":[{\"numeric\":[\">\",1]}]}}",
    "{\"b\":{\"c\":[2],\"d\":[3]}}", "{\"a\":[{\"anything-but\":\"x\"}]}"};

/* The matches of an event as a bit set. */
static unsigned match(const pattern_set *set, pattern_scratch *scratch, const char *event) {
  pattern_result result;
  unsigned bits = 0;
  assert_true(pattern_match(set, scratch, event, strlen(event), &result));
  for (size_t i = 0; i < result.count; i++) bits |= 1u << result.patterns[i];

  return bits;
}

static void an_event_leaves_nothing_behind(void **state) {
  (void)state;
  pattern_set *set = compile(TEXTS, 4);
  pattern_scratch *scratch = pattern_scratch_new(set);
  pattern_result result;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(match(set, scratch, "{\"a\":\"x\",\"b\":[{\"c\":2,\"d\":3}]}"), 7);
    assert_int_equal(match(set, scratch, "{}"), 0);
    assert_false(pattern_match(set, scratch, "{\"a\":\"x\"", 8, &result));
    assert_int_equal(result.count, 0);
    assert_int_equal(result.column, 9);
    assert_int_equal(match(set, scratch, "{\"b\":[{\"c\":2},{\"d\":3}]}"), 0);
    assert_int_equal(match(set, scratch, "{\"a\":\"y\"}"), 8);
  }

  pattern_scratch_free(scratch);
  pattern_free(set);
}

static void the_first_refused_pattern_is_named(void **state) {
  (void)state;
  const pattern_source sources[] = {{"{\"a\":[1]}", 9}, {"{\"a\":1}", 7}, {"x", 1}};
  pattern_error error;
  assert_null(pattern_compile(sources, 3, &error));
  assert_int_equal(error.index, 1);
  assert_non_null(memmem(error.message.data, error.message.size, "must be an object", 17));
  text_buffer_free(&error.message);
}

typedef struct {
  const pattern_set *set;
  bool ok;
} thread_task;

static void *match_in_thread(void *argument) {
  thread_task *task = argument;
  pattern_scratch *scratch = pattern_scratch_new(task->set);
  pattern_result result;
  static const char event[] = "{\"a\":\"xy\",\"b\":{\"c\":2,\"d\":3}}";
  task->ok = scratch != NULL;
  for (int i = 0; task->ok && i < 20000; i++)
    task->ok =
        pattern_match(task->set, scratch, event, sizeof event - 1, &result) && result.count == 3;
  pattern_scratch_free(scratch);

  return NULL;
}

static void threads_share_a_set(void **state) {
  (void)state;
  pattern_set *set = compile(TEXTS, 4);
  pthread_t threads[4];
  thread_task tasks[4];
  for (int i = 0; i < 4; i++) {
    tasks[i] = (thread_task){set, false};
    assert_int_equal(pthread_create(&threads[i], NULL, match_in_thread, &tasks[i]), 0);
  }

  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], NULL);
    assert_true(tasks[i].ok);
  }

  pattern_free(set);
}

/* Every beginning of an event, right before a page that cannot be read. */
static void nothing_is_read_past_the_end(void **state) {
  (void)state;
  static const char event[] =
      "{ \"a\" : \"x\\u00e9y\", \"b\": [{\"c\":-12.50e+3,\"d\":3, \"z\":[true,null]}], \"long\": "
      "\"0123456789abcdef0123456789abcdef\" }";
  pattern_set *set = compile(TEXTS, 4);
  pattern_scratch *scratch = pattern_scratch_new(set);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(pages != MAP_FAILED);
  assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
  for (size_t size = 0; size < sizeof event; size++) {
    pattern_result result;
    char *text = pages + page - size;
    memcpy(text, event, size);
    bool whole = size == sizeof event - 1;
    assert_int_equal(pattern_match(set, scratch, text, size, &result), whole);
  }

  munmap(pages, 2 * page);
  pattern_scratch_free(scratch);
  pattern_free(set);
}

/* A large event is indexed, and what no path leads to is passed without being looked at. */
static void a_large_event_matches_as_a_small_one(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"name\":[\"x\"]}",
      "{\"o\":{\"name\":[\"x\"]}}",
      "{\"o\":{\"n\":[1]},\"name\":[{\"exists\":false}]}",
      "{\"o\":[\"x\"],\"other\":{\"deep\":{\"name\":[\"x\"]}}}",
      "{\"\":[\"x\"]}",
      "{\"o\":{\"name\":[\"x\"],\"n\":[1]}}",
  };
  static const struct {
    const char *event;
    unsigned matches;
  } rows[] = {
      {"{\"name\":\"x\"}", 1},
      {"{\"name\":\"x\",\"name\":\"y\"}", 0},
      {"{\"name\":\"y\",\"game\":[{}],\"name\":\"x\"}", 1},
      {"{\"n\\u0061me\":\"x\"}", 1},
      {"{\"p\":\"\\\\\",\"\\u006eame\":\"x\",\"name\":\"y\"}", 0},
      {"{\"\\\"name\":\"x\"}", 0},
      {"{\"p\":{\"name\":\"x\"},\"q\":[{\"name\":\"x\"}]}", 0},
      {"{\"o\":{\"name\":\"x\"}}", 2},
      {"{\"o.name\":\"x\"}", 2},
      {"{\"o.name\":\"x\",\"o\":{\"name\":\"y\"},\"o.n\":1}", 38},
      {"{\"o\":[{\"p\":[[]],\"name\":\"y\"},{\"name\":\"x\"},{\"n\":1}]}", 6},
      {"{\"o\":\"x\",\"other\":{\"a\":{},\"deep.name\":\"x\"}}", 8},
      {"{\"o\":\"x\",\"other.deep.name\":\"x\"}", 8},
      {"{\"p\":{},\"\":\"x\"}", 16},
      {"{ \"o\" : {\"name\" :\"x\" , \"n\": 1} }", 38},
  };
  pattern_set *set = compile(texts, 6);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char large[600];
    snprintf(large, sizeof large, "{\"filler\":[%300s],%s", "[1]", rows[i].event + 1);
    pattern_scratch *small_ones = pattern_scratch_new(set), *large_ones = pattern_scratch_new(set);
    for (int k = 0; k < 3; k++) {
      if (match(set, small_ones, rows[i].event) != rows[i].matches) fail_msg("%s", rows[i].event);
      if (match(set, large_ones, large) != rows[i].matches) fail_msg("large: %s", rows[i].event);
    }

    pattern_scratch_free(small_ones);
    pattern_scratch_free(large_ones);
  }

  pattern_free(set);
}

/* Every way to let '*' stand for something. */
static bool match_slowly(const char *pattern, const char *text) {
  if (*pattern == '\0') return *text == '\0';
  if (*pattern == '*') {
    for (;; text++) {
      if (match_slowly(pattern + 1, text)) return true;
      if (*text == '\0') return false;
    }
  }

  return *pattern == *text && match_slowly(pattern + 1, text + 1);
}

static void wildcards_match_like_the_slow_way(void **state) {
  (void)state;
  unsigned random = 12345;
  for (int i = 0; i < 200000; i++) {
    char pattern[9] = {0}, text[13] = {0}, compiled[9];
    size_t pattern_size, star = 0;
    random = random * 1103515245 + 12345;
    for (size_t k = 0, size = random >> 16 & 7; k < size; k++) {
      random = random * 1103515245 + 12345;
      char c = "ab*"[(random >> 16) % 3];
      pattern[k] = c == '*' && star ? 'a' : c;
      star = pattern[k] == '*';
    }

    random = random * 1103515245 + 12345;
    for (size_t k = 0, size = (random >> 16) % 12; k < size; k++) {
      random = random * 1103515245 + 12345;
      text[k] = "ab"[random >> 16 & 1];
    }

    text_buffer reason = {0};
    assert_true(
        pattern_wildcard_compile(pattern, strlen(pattern), compiled, &pattern_size, &reason));
    if (pattern_wildcard_match(compiled, pattern_size, text, strlen(text)) !=
        match_slowly(pattern, text))
      fail_msg("wildcard %s on %s", pattern, text);
  }
}

static unsigned next_random(unsigned *random) {
  *random = *random * 1103515245 + 12345;
  return *random >> 16;
}

static void random_wildcard(unsigned *random, char *out) {
  size_t size = next_random(random) % 7;
  for (size_t k = 0; k < size; k++) {
    char c = "aab*"[next_random(random) % 4];
    out[k] = c == '*' && k > 0 && out[k - 1] == '*' ? 'b' : c;
  }

  out[size] = '\0';
}

/* Many wildcards on one field, found by their pieces, against each of them tried slowly. */
static void a_set_of_wildcards_matches_each(void **state) {
  (void)state;
  enum { WILDCARDS = 200, TEXTS_EACH = 300 };
  static char wildcards[WILDCARDS][8], patterns[WILDCARDS][48];
  pattern_source sources[WILDCARDS];
  pattern_error error;
  unsigned random = 99;
  for (int i = 0; i < WILDCARDS; i++) {
    random_wildcard(&random, wildcards[i]);
    int size =
        snprintf(patterns[i], sizeof patterns[i], "{\"a\":[{\"wildcard\":\"%s\"}]}", wildcards[i]);
    sources[i] = (pattern_source){patterns[i], (size_t)size};
  }

  pattern_set *set = pattern_compile(sources, WILDCARDS, &error);
  pattern_scratch *scratch = pattern_scratch_new(set);
  for (int i = 0; i < TEXTS_EACH; i++) {
    char text[16] = {0}, event[32];
    for (size_t k = 0, size = next_random(&random) % 13; k < size; k++)
      text[k] = "aab"[next_random(&random) % 3];
    int size = snprintf(event, sizeof event, "{\"a\":\"%s\"}", text);
    pattern_result result;
    assert_true(pattern_match(set, scratch, event, (size_t)size, &result));
    size_t at = 0;
    for (uint32_t k = 0; k < WILDCARDS; k++) {
      bool matched = at < result.count && result.patterns[at] == k;
      at += matched;
      if (matched != match_slowly(wildcards[k], text)) fail_msg("%s on %s", wildcards[k], text);
    }
  }

  pattern_scratch_free(scratch);
  pattern_free(set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_event_leaves_nothing_behind),
      cmocka_unit_test(a_large_event_matches_as_a_small_one),
      cmocka_unit_test(the_first_refused_pattern_is_named),
      cmocka_unit_test(threads_share_a_set),
      cmocka_unit_test(nothing_is_read_past_the_end),
      cmocka_unit_test(wildcards_match_like_the_slow_way),
      cmocka_unit_test(a_set_of_wildcards_matches_each),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
