/* The decision log is a recording: any line that policy/decision_log.c writes is read by
 * core/recording/decision_line.c, and decided again gives the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h> /* wants those before it */

#include "core/json/diff.h"
#include "core/recording/decision_line.h"
#include "policy/decision_log.h"
#include "support/policy_text.h"

static char routing[] = "return policy { kind = 'routing', name = 'r\\u{e9}', params = {\n"
                        "  t = integer { 10, min = 1 }, s = text { 'a\"\\\\\\n' } },\n"
                        "  decide = function(facts, params)\n"
                        "    return batch { because = '%d %s %s', params.t, params.s,\n"
                        "      facts.volume or facts.prefix or '' } end }";
static char *texts[] = {routing};

typedef struct {
  policy_texts set;
  policy_sandbox *sandbox;
  text_buffer line, error;
  recording_reader reader;
  policy_answer first, again;
} fixture;

static void open_fixture(fixture *f, const char *overrides) {
  finding_list findings = {0};
  memset(f, 0, sizeof *f);
  policy_texts_set(&f->set, texts, 1);
  f->sandbox = policy_sandbox_new(&f->set.files, policy_limits_default, &findings);
  assert_non_null(f->sandbox);
  assert_int_equal(findings.errors, 0);
  finding_list_free(&findings);
  if (overrides)
    assert_true(policy_sandbox_override(f->sandbox, overrides, strlen(overrides), &f->error));
}

static void close_fixture(fixture *f) {
  policy_sandbox_free(f->sandbox);
  text_buffer_free(&f->line);
  recording_reader_free(&f->reader);
  text_buffer_free(&f->error);
  policy_answer_free(&f->first);
  policy_answer_free(&f->again);
}

static void write_line(fixture *f, const char *facts, const decision_origin *origin) {
  policy_question question = {
      .kind = "routing", .kind_size = 7, .facts = facts, .facts_size = strlen(facts)};
  assert_true(policy_sandbox_decide(f->sandbox, &question, &f->first));
  f->line.size = 0;
  const policy_kind *kind = policy_kind_find(f->sandbox, "routing", 7);
  assert_true(decision_log_line(kind, &question, &f->first, origin, &f->line));
  for (size_t i = 0; i < f->line.size; i++) assert_in_range(f->line.data[i], 0x20, 0x7E);
}

static void read_line(fixture *f, recording_line *line) {
  size_t column;
  assert_int_equal(recording_read(&f->reader, f->line.data, f->line.size, line, &f->error, &column),
                   RECORDING_DECISION);
}

/* The line's decision, by a sandbox that knows nothing of the first one's overrides. */
static void check_replay(fixture *f, policy_sandbox *sandbox) {
  recording_line line;
  read_line(f, &line);
  policy_question question = {.kind = line.kind.at,
                              .kind_size = line.kind.size,
                              .facts = line.facts.at,
                              .facts_size = line.facts.size,
                              .params = line.params,
                              .overrides = line.overrides};
  assert_true(policy_sandbox_decide(sandbox, &question, &f->again));
  assert_int_equal(f->again.because.size, f->first.because.size);
  assert_memory_equal(f->again.because.data, f->first.because.data, f->first.because.size);
  assert_int_equal(line.because.size, f->first.because.size - 2); /* without its quotes */
  assert_memory_equal(line.because.at, f->first.because.data + 1, line.because.size);
  json_span decision = {
      .at = f->again.decision.data, .size = f->again.decision.size, .type = JSON_OBJECT};
  text_buffer path = {0};
  assert_false(json_first_difference(line.decision, decision, &path));
  text_buffer_free(&path);
}

/* A JSON string of random pieces: escapes, controls, characters of every length. */
static void random_text(text_buffer *out, uint32_t *seed) {
  static const char *const pieces[] = {
      "a", " ",   "\\\"", "\\\\", "\\n",     "\\u0000",     "\\u00e9", "é", "\\ud83d\\ude00",
      "😀", "\\/", "%",    "%d",   "\\u2028", "\xEF\xBF\xBF"};
  text_buffer_byte(out, '"');
  *seed = *seed * 1664525 + 1013904223;
  for (uint32_t left = *seed >> 28; left > 0; left--) {
    *seed = *seed * 1664525 + 1013904223;
    text_buffer_text(out, pieces[(*seed >> 16) % (sizeof pieces / sizeof *pieces)]);
  }

  text_buffer_byte(out, '"');
}

static void every_line_is_read_back(void **state) {
  (void)state;
  static const char *const overrides[] = {NULL, "{\"t\":3}", "{\"s\":\"é\\u0000\\n\"}",
                                          "{\"routing.t\":\"7\",\"s\":\"\"}"};
  fixture plain;
  open_fixture(&plain, NULL);
  uint32_t seed = 20261122;
  for (size_t i = 0; i < sizeof overrides / sizeof *overrides; i++) {
    fixture f;
    open_fixture(&f, overrides[i]);
    for (int round = 0; round < 500; round++) {
      text_buffer facts = {0};
      text_buffer_format(&facts, "{ \"file_count\" : %d,\t\"%s\":", round,
                         round % 2 ? "volume" : "prefix");
      random_text(&facts, &seed);
      text_buffer_append(&facts, " }", 3);
      decision_origin origin = {.id = round % 3 ? "id \"1\"\n" : NULL, .eval_us = round};
      write_line(&f, facts.data, &origin);
      check_replay(&f, plain.sandbox);
      text_buffer_free(&facts);
    }

    close_fixture(&f);
  }

  close_fixture(&plain);
}

static void assert_span(json_span span, const char *text) {
  assert_int_equal(span.size, strlen(text));
  assert_memory_equal(span.at, text, span.size);
}

static void a_line_has_what_the_design_says(void **state) {
  (void)state;
  fixture f;
  open_fixture(&f, "{\"t\":3}");
  decision_origin origin = {
      .id = "i", .time = "2026-11-22T03:04:05.678Z", .request_id = "r", .eval_us = 9};
  write_line(&f, " { \"file_count\" : 3 } ", &origin);
  recording_line line;
  read_line(&f, &line);
  assert_span(line.id, "i");
  assert_span(line.time, "2026-11-22T03:04:05.678Z");
  assert_span(line.facts, "{\"file_count\":3}");
  assert_span(line.params, "{\"s\":\"a\\\"\\\\\\n\",\"t\":3}");
  assert_span(line.overrides, "[\"t\"]");
  assert_span(line.decision, "{\"action\":\"batch\"}");
  assert_span(line.because, "3 a\\\"\\\\\\n ");
  text_buffer_byte(&f.line, '\0');
  assert_non_null(strstr(f.line.data, "\"redacted\":[],\"eval_us\":9}"));
  assert_non_null(strstr(f.line.data, "\"policy\":{\"name\":\"r\\u00e9\",\"digest\":\"d"));
  close_fixture(&f);
}

static void an_origin_that_is_no_text_is_refused(void **state) {
  (void)state;
  fixture f;
  open_fixture(&f, NULL);
  decision_origin origin = {0};
  write_line(&f, "{\"file_count\":3}", &origin);
  origin.id = "\xFF";
  policy_question question = {
      .kind = "routing", .kind_size = 7, .facts = "{\"file_count\":3}", .facts_size = 16};
  const policy_kind *kind = policy_kind_find(f.sandbox, "routing", 7);
  assert_false(decision_log_line(kind, &question, &f.first, &origin, &f.line));
  close_fixture(&f);
}

static void a_line_is_appended_to_what_the_file_has(void **state) {
  (void)state;
  char path[] = "/tmp/decision_log_XXXXXX";
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);

  text_buffer line = {0};
  text_buffer_append(&line, "{\"a\":1}", 7);
  for (int i = 0; i < 2; i++) assert_true(decision_log_append(path, &line));
  assert_int_equal(line.size, 7);

  char read_back[32] = {0};
  assert_int_equal(read(descriptor, read_back, sizeof(read_back)), 16);
  assert_string_equal(read_back, "{\"a\":1}\n{\"a\":1}\n");

  close(descriptor);
  unlink(path);
  text_buffer_free(&line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_line_is_read_back),
      cmocka_unit_test(a_line_has_what_the_design_says),
      cmocka_unit_test(an_origin_that_is_no_text_is_refused),
      cmocka_unit_test(a_line_is_appended_to_what_the_file_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
