/* The numeric operator: ["=", n], ["<", n], [">=", n], [">", low, "<=", high].
 * See parse.h. */
#include "core/pattern/parse.h"

typedef struct {
  pattern_range bounds;
  bool is_single;
} numeric_range;

/* A number of a numeric list; the text before it is its operator. */
static bool parse_bound(pattern_parser *parser, const char *operator_name, pattern_decimal *bound) {
  if (!json_scan_element(&parser->scan))
    return parser->scan.error ? pattern_refuse_json(parser)
                              : pattern_refuse(parser, parser->scan.at,
                                               "Value of %s must be numeric", operator_name);
  if (!pattern_next_is(parser, JSON_NUMBER)) {
    const char *behind = pattern_behind_value(parser);
    if (!behind) return pattern_refuse_json(parser);
    return pattern_refuse(parser, behind, "Value of %s must be numeric", operator_name);
  }

  json_span value;
  if (!json_scan_value(&parser->scan, &value)) return pattern_refuse_json(parser);
  *bound = pattern_decimal_parse(value.at, value.size);
  return true;
}

/* The end of a numeric list, or a refusal. */
static bool end_numeric(pattern_parser *parser, const char *otherwise) {
  if (json_scan_element(&parser->scan)) return pattern_refuse_value(parser, otherwise);
  return !parser->scan.error || pattern_refuse_json(parser);
}

/* Refuses what comes next in the list (or its end), quoting it. */
static bool refuse_token(pattern_parser *parser, bool at_end, const char *reason) {
  if (parser->scan.error) return pattern_refuse_json(parser);
  if (at_end) return pattern_refuse(parser, parser->scan.at, "%s]", reason);
  json_type type;
  if (!json_scan_peek(&parser->scan, &type)) return pattern_refuse_json(parser);
  const char *first = parser->scan.at, *behind = pattern_behind_value(parser);
  if (!behind) return pattern_refuse_json(parser);

  return pattern_refuse(parser, behind, "%s%.*s", reason, pattern_clip((size_t)(behind - first)),
                        first);
}

/* The second half of [">", 0, "<=", 5], if there is one. */
static bool parse_upper_bound(pattern_parser *parser, numeric_range *range) {
  if (!json_scan_element(&parser->scan)) return !parser->scan.error || pattern_refuse_json(parser);
  if (!pattern_next_is(parser, JSON_STRING))
    return refuse_token(parser, false, "Bad value in numeric range: ");
  if (!pattern_read_string(parser)) return false;
  range->bounds.open_high = pattern_name_is(&parser->text, "<");
  if (!range->bounds.open_high && !pattern_name_is(&parser->text, "<="))
    return pattern_refuse(parser, parser->scan.at, "Bad numeric range operator: %.*s",
                          pattern_clip(parser->text.size), parser->text.data);
  range->bounds.has_high = true;
  if (!parse_bound(parser, range->bounds.open_high ? "<" : "<=", &range->bounds.high) ||
      !end_numeric(parser, "Too many terms in numeric range expression"))
    return false;
  if (pattern_decimal_compare(&range->bounds.low, &range->bounds.high) < 0) return true;

  return pattern_refuse(parser, parser->scan.at, "Bottom must be less than top");
}

static bool parse_range(pattern_parser *parser, numeric_range *range) {
  bool at_end = !json_scan_element(&parser->scan);
  if (at_end || !pattern_next_is(parser, JSON_STRING))
    return refuse_token(parser, at_end, "Invalid member in numeric match: ");
  if (!pattern_read_string(parser)) return false;
  const text_buffer *name = &parser->text;
  if (pattern_name_is(name, "=")) {
    range->is_single = true;
    return parse_bound(parser, "equals", &range->bounds.low) &&
           end_numeric(parser, PATTERN_TOO_MANY);
  }

  if (pattern_name_is(name, "<") || pattern_name_is(name, "<=")) {
    range->bounds.has_high = true;
    range->bounds.open_high = name->size == 1;
    return parse_bound(parser, range->bounds.open_high ? "<" : "<=", &range->bounds.high) &&
           end_numeric(parser, PATTERN_TOO_MANY);
  }

  if (!pattern_name_is(name, ">") && !pattern_name_is(name, ">="))
    return pattern_refuse(parser, parser->scan.at, "Unrecognized numeric range operator: %.*s",
                          pattern_clip(name->size), name->data);
  range->bounds.has_low = true;
  range->bounds.open_low = name->size == 1;

  return parse_bound(parser, range->bounds.open_low ? ">" : ">=", &range->bounds.low) &&
         parse_upper_bound(parser, range);
}

/* A bound's digits, moved from the pattern's text to the test's own copy of the list. */
static void keep_bound(pattern_decimal *bound, const char *list, const pattern_test *test) {
  *bound = pattern_decimal_parse(test->bytes + (bound->text - list), bound->size);
}

static uint32_t add_range(pattern_parser *parser, const char *list, pattern_range range) {
  uint32_t id = pattern_test_add(parser->set, parser->list.node, TEST_RANGE, list,
                                 (size_t)(parser->scan.at - list));
  if (id == PATTERN_NONE) return id;
  pattern_test *test = pattern_test_at(parser->set, id);
  if (range.has_low) keep_bound(&range.low, list, test);
  if (range.has_high) keep_bound(&range.high, list, test);
  test->range = range;

  return id;
}

static uint32_t add_single(pattern_parser *parser, const pattern_decimal *number) {
  uint32_t id =
      pattern_test_add(parser->set, parser->list.node, TEST_NUMBER, number->text, number->size);
  if (id == PATTERN_NONE) return id;
  pattern_test *test = pattern_test_at(parser->set, id);
  test->number = pattern_decimal_parse(test->bytes, test->size);

  return id;
}

bool pattern_parse_numeric(pattern_parser *parser) {
  numeric_range range = {0};
  if (!pattern_next_is(parser, JSON_ARRAY))
    return pattern_refuse_value(parser, "Value of numeric must be an array.");
  const char *list = parser->scan.at;
  json_scan_enter(&parser->scan, JSON_ARRAY);
  if (!parse_range(parser, &range)) return false;
  uint32_t id = range.is_single ? add_single(parser, &range.bounds.low)
                                : add_range(parser, list, range.bounds);
  return pattern_list_test(parser, id) && pattern_expect_end(parser, PATTERN_TOO_MANY);
}
