/* A reader of decision lines passes over members that the line before had alike. Whatever that line
 * was, a line reads as it does alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* wants those before it */

#include "core/recording/decision_line.h"

#define HEAD "{\"schema\":\"weir.decision/1\",\"id\":\"1\""
#define TAIL ",\"facts\":{\"file_count\":1},\"decision\":{\"action\":\"batch\"},\"because\":\"b\"}"

static const char *const lines[] = {
    HEAD ",\"kind\":\"routing\",\"params\":{\"t\":5},\"overrides\":[]" TAIL,
    HEAD ",\"kind\":\"routing\",\"params\":{\"t\":5},\"overrides\":[],\"new\":1" TAIL,
    HEAD ",\"kind\":\"routing\",\"params\":{\"t\":5},\"overrides\":[],\"new\":12" TAIL,
    HEAD ",\"kind\":\"routing\",\"params\":{\"t\":5},\"overrides\":[],\"new\":1x" TAIL,
    HEAD
    ", \"kind\" : \"routing\" , \"params\":{ }, \"facts\":{},\"decision\":{},\"because\":\"\"}",
    HEAD ",\"kind\":\"routing\"" TAIL,
    HEAD ",\"kind\":\"weights\"" TAIL,
    HEAD ",\"kind\":\"\\u0072outing\",\"host\":\"0.1.0\"" TAIL,
    HEAD ",\"kind\":7,\"host\":\"0.1.0\"" TAIL,
    HEAD ",\"params\":{},\"kind\":\"routing\"" TAIL,
    HEAD ",\"kind\":\"routing\",\"kind\":\"weights\"" TAIL,
    HEAD ",\"kind\":\"routing\",\"schema\":\"weir.decision/1\"" TAIL,
    HEAD ",\"kind\":\"routing\",\"time\":\"2026-11-22T00:00:00.000Z\"" TAIL,
    "{\"kind\":\"routing\",\"schema\":\"weir.decision/1\"" TAIL,
    "{\"id\":\"1\",\"kind\":\"routing\"" TAIL,
    HEAD ",\"kind\":\"routing\"",
    HEAD ",\"kind\":\"routing\",\"facts\":",
    "{\"message\":\"{\\\"schema\\\":\\\"weir.decision/"
    "1\\\",\\\"kind\\\":\\\"routing\\\",\\\"facts\\\":{},"
    "\\\"decision\\\":{},\\\"because\\\":\\\"b\\\"}\"}",
};

enum { LINES = sizeof lines / sizeof *lines };

typedef struct {
  recording_result result;
  recording_line line;
  size_t column;
  char said[1024]; /* the error, then each span as it stands */
} reading;

static void say(reading *r, const char *bytes, size_t size) {
  size_t used = strlen(r->said);
  assert_true(used + size + 2 < sizeof r->said);
  if (size > 0) memcpy(r->said + used, bytes, size);
  memcpy(r->said + used + size, "\n", 2);
}

static void read_line(recording_reader *reader, const char *text, reading *r) {
  text_buffer error = {0};
  r->said[0] = '\0';
  r->result = recording_read(reader, text, strlen(text), &r->line, &error, &r->column);
  say(r, error.data, error.size);
  if (r->result == RECORDING_DECISION) {
    const json_span *spans[] = {&r->line.id,        &r->line.time,   &r->line.kind,
                                &r->line.params,    &r->line.facts,  &r->line.decision,
                                &r->line.overrides, &r->line.because};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) say(r, spans[i]->at, spans[i]->size);
    assert_int_equal(r->line.kind.type, JSON_STRING);
  }

  text_buffer_free(&error);
}

static void a_line_reads_as_it_does_alone(void **state) {
  (void)state;
  size_t decisions = 0;
  for (size_t i = 0; i < LINES; i++)
    for (size_t k = 0; k < LINES; k++) {
      recording_reader fresh = {0}, used = {0};
      reading before, alone, after;
      read_line(&fresh, lines[k], &alone);
      read_line(&used, lines[i], &before);
      read_line(&used, lines[k], &after);
      assert_int_equal(after.result, alone.result);
      assert_int_equal(after.column, alone.column);
      assert_string_equal(after.said, alone.said);
      decisions += alone.result == RECORDING_DECISION;
      recording_reader_free(&fresh);
      recording_reader_free(&used);
    }
  assert_int_equal(decisions, 12 * LINES);
}

static void repeated_members_are_passed_over(void **state) {
  (void)state;
  recording_reader reader = {0};
  reading r;
  json_scan scan;
  read_line(&reader, lines[0], &r);
  const char *kind = strstr(lines[0], ",\"kind\"");
  json_scan_begin(&scan, kind, strlen(kind));
  recording_line line = {0};
  assert_true(recording_repeated_pass(&reader.repeated, &scan, &line));
  assert_ptr_equal(scan.at, strstr(lines[0], ",\"facts\""));
  assert_ptr_equal(line.params.at, strstr(lines[0], "{\"t\""));
  recording_reader_free(&reader);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_reads_as_it_does_alone),
      cmocka_unit_test(repeated_members_are_passed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
