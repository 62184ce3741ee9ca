/* Recordings: lines as replay reads them, and whole-document exports turned into lines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/recording/decision_line.h"
#include "core/recording/export.h"

/* Spans lie in the line or in the scratch buffer, and the listed members inside the facts. */
static void check(const recording_line *line) {
  if (line->facts.type != JSON_OBJECT || line->decision.type != JSON_OBJECT) abort();
  if (line->members.count > JSON_MEMBERS_MAX) abort();
  const char *end = line->facts.at + line->facts.size;
  for (size_t i = 0; i < line->members.count; i++) {
    const json_member *member = &line->members.items[i];
    if (member->key.at <= line->facts.at || member->value.at < member->key.at) abort();
    if (member->value.at + member->value.size >= end) abort();
  }
}

static void read_lines(const char *text, size_t size) {
  recording_reader reader = {0};
  text_buffer error = {0};
  const char *end = text + size;
  while (text < end) {
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    const char *stop = newline ? newline : end;
    recording_line line;
    size_t column;
    recording_result result =
        recording_read(&reader, text, (size_t)(stop - text), &line, &error, &column);
    if (result == RECORDING_DECISION) check(&line);
    if (result == RECORDING_BAD && error.size == 0) abort();
    text = stop + 1;
  }
  recording_reader_free(&reader);
  text_buffer_free(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  text_buffer lines = {0};
  char *copy = malloc(size ? size : 1); /* as long as the input: reading past it is seen */
  if (!copy) return 0;
  if (size) memcpy(copy, data, size);
  read_lines(copy, size);
  if (recording_export_lines(copy, size, &lines)) {
    if (lines.size) read_lines(lines.data, lines.size);
    if (lines.size > 2 * size) abort();
  } else if (lines.size != 0) {
    abort();
  }
  text_buffer_free(&lines);
  free(copy);
  return 0;
}
