/* Reads the tokens of a pattern, and refuses it with EventBridge's message and Jackson's place. See
 * parse.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/pattern/parse.h"

enum { QUOTED_PATTERN = 500, QUOTED_NAME = 200 };

int pattern_clip(size_t size) {
  return (int)(size < QUOTED_NAME ? size : QUOTED_NAME);
}

/* The pattern's text as Jackson quotes it; bytes that would garble a terminal become '?'. */
static void quote_source(pattern_parser *parser) {
  pattern_source source = parser->source;
  json_scan check;
  json_scan_begin(&check, source.text, source.size);
  bool clean = json_scan_validate(&check);
  size_t shown = source.size;
  if (shown > QUOTED_PATTERN)
    for (shown = QUOTED_PATTERN; shown > 0 && (source.text[shown] & 0xc0) == 0x80;) shown--;
  for (size_t i = 0; i < shown; i++) {
    uint8_t byte = (uint8_t)source.text[i];
    bool blank = byte == '\n' || byte == '\t' || byte == '\r';
    bool garbled = (byte < ' ' && !blank) || byte == 0x7f || (byte >= 0x80 && !clean);
    text_buffer_byte(parser->message, garbled ? '?' : (char)byte);
  }

  text_buffer_byte(parser->message, '"');
  if (shown < source.size)
    text_buffer_format(parser->message, "[truncated %zu chars]", source.size - shown);
}

bool pattern_refuse(pattern_parser *parser, const char *at, const char *format, ...) {
  if (parser->message->size > 0) return false;
  va_list arguments;
  va_start(arguments, format);
  char reason[QUOTED_NAME + 200];
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  text_buffer_text(parser->message, "Event pattern is not valid. Reason: ");
  text_buffer_text(parser->message, reason);
  text_buffer_text(parser->message, "\n at [Source: (String)\"");
  quote_source(parser);
  json_scan place = {.begin = parser->scan.begin, .at = at, .end = parser->scan.end};
  size_t line, column;
  json_scan_place(&place, &line, &column);
  text_buffer_format(parser->message, "; line: %zu, column: %zu]", line, column);

  return false;
}

bool pattern_refuse_json(pattern_parser *parser) {
  return pattern_refuse(parser, parser->scan.at, "%s", parser->scan.error);
}

bool pattern_refuse_memory(pattern_parser *parser) {
  return pattern_refuse(parser, parser->scan.at, "out of memory");
}

/* Behind what Jackson has read once it knows of the value that comes next. */
const char *pattern_behind_value(pattern_parser *parser) {
  json_type type;
  json_span value;
  if (!json_scan_peek(&parser->scan, &type)) return NULL;
  const char *first = parser->scan.at;
  if (type == JSON_OBJECT || type == JSON_ARRAY || type == JSON_STRING) return first + 1;

  return json_scan_value(&parser->scan, &value) ? parser->scan.at : NULL;
}

bool pattern_refuse_value(pattern_parser *parser, const char *reason) {
  const char *behind = pattern_behind_value(parser);
  return behind ? pattern_refuse(parser, behind, "%s", reason) : pattern_refuse_json(parser);
}

bool pattern_read_text(pattern_parser *parser, json_span string) {
  parser->text.size = 0;
  if (!text_buffer_reserve(&parser->text, string.size + 1)) return pattern_refuse_memory(parser);
  parser->text.size = json_unescape(string, parser->text.data);
  return true;
}

bool pattern_read_string(pattern_parser *parser) {
  json_span value;
  if (!json_scan_value(&parser->scan, &value)) return pattern_refuse_json(parser);
  return pattern_read_text(parser, value);
}

/* The closing brace of an expression. */
bool pattern_expect_end(pattern_parser *parser, const char *otherwise) {
  json_span key;
  if (json_scan_member(&parser->scan, &key)) return pattern_refuse_value(parser, otherwise);
  return !parser->scan.error || pattern_refuse_json(parser);
}

bool pattern_next_is(pattern_parser *parser, json_type wanted) {
  json_type type;
  return json_scan_peek(&parser->scan, &type) && type == wanted;
}

bool pattern_name_is(const text_buffer *name, const char *text) {
  return name->size == strlen(text) && memcmp(name->data, text, name->size) == 0;
}

bool pattern_list_test(pattern_parser *parser, uint32_t test) {
  uint32_t *member =
      test == PATTERN_NONE ? NULL : pattern_vector_add(&parser->list.tests, sizeof *member);
  if (!member) return pattern_refuse_memory(parser);
  *member = test;
  return true;
}
