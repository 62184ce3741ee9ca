/* Reading one pattern: what reader.c, parse.c, branches.c, operators.c and numeric.c share.
 * Memory: the parser is the caller's; its vectors and buffers are freed by pattern_parse. */
#ifndef WEIR_CORE_PATTERN_PARSE_H
#define WEIR_CORE_PATTERN_PARSE_H

#include "core/pattern/impl.h"

/* The list being read: the members of one condition. */
typedef struct {
  uint32_t node;
  pattern_vector tests, buts; /* of uint32_t */
  bool exists_true, exists_false;
} pattern_list;

typedef struct {
  pattern_set *set;
  uint32_t pattern;
  pattern_source source;
  json_scan scan;
  text_buffer *message;
  text_buffer text;  /* the last string read, unescaped */
  text_buffer other; /* a second one: folded, reversed, compiled */
  pattern_list list;
  pattern_vector branches; /* of pattern_branch: the $or expansion so far */
  size_t work;
} pattern_parser;

/* Refuses the pattern at a place of its text; only the first refusal counts. Returns false.
 *
 * Places are Jackson's, whose messages EventBridge passes on: behind the last character that its
 * reader had looked at. For an object, an array or a string that is behind the opening
 * character; for a number or a word behind its end; for a key it is the same of its value. */
bool pattern_refuse(pattern_parser *parser, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The refusal for text that is not JSON, or for short memory. */
bool pattern_refuse_json(pattern_parser *parser);
bool pattern_refuse_memory(pattern_parser *parser);

/* Refuses at the value that comes next. */
bool pattern_refuse_value(pattern_parser *parser, const char *reason);

/* Reads a string value, or unescapes a key, into parser->text. */
bool pattern_read_string(pattern_parser *parser);
bool pattern_read_text(pattern_parser *parser, json_span string);

/* Behind what Jackson has read once it knows of the value that comes next; NULL when that is not
 * JSON. */
const char *pattern_behind_value(pattern_parser *parser);

/* Whether the value that comes next has this type; whether a name is this one. */
bool pattern_next_is(pattern_parser *parser, json_type wanted);
bool pattern_name_is(const text_buffer *name, const char *text);

/* Reads the closing brace of an expression; another member is refused with `otherwise`. */
bool pattern_expect_end(pattern_parser *parser, const char *otherwise);

/* Adds a test to the list being read; false for PATTERN_NONE. */
bool pattern_list_test(pattern_parser *parser, uint32_t test);

/* A piece of text for a message, cut when it is long. */
int pattern_clip(size_t size);

/* branches.c. All false when the pattern was refused. */
bool pattern_begin_branches(pattern_parser *parser);
bool pattern_end_branches(pattern_parser *parser);
bool pattern_put_condition(pattern_parser *parser, uint32_t condition);
bool pattern_copy_branches(pattern_parser *parser, const pattern_vector *from, pattern_vector *to);
bool pattern_move_branches(pattern_parser *parser, pattern_vector *to);
void pattern_free_branches(pattern_vector *branches);

/* operators.c: one member of a list that is an object. */
#define PATTERN_TOO_MANY "Too many elements in numeric expression"
bool pattern_parse_expression(pattern_parser *parser);

/* numeric.c */
bool pattern_parse_numeric(pattern_parser *parser);

#endif
