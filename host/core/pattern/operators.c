/* Match expressions: a member of a list that is an object, {"operator": operand}.
 * The texts of refusals are EventBridge's own, oddities included ("prefix match pattern must be
 * a string" for cidr). See parse.h. */
#include <string.h>

#include "core/pattern/parse.h"
#include "core/text/case_fold.h"

static const char ONE_KEY[] = "Only one key allowed in match expression";

static bool enter_expression(pattern_parser *parser, const char *nameless) {
  json_span key;
  if (!json_scan_enter(&parser->scan, JSON_OBJECT)) return pattern_refuse_json(parser);
  if (json_scan_member(&parser->scan, &key)) return pattern_read_text(parser, key);
  if (parser->scan.error) return pattern_refuse_json(parser);

  return pattern_refuse(parser, parser->scan.at, "%s", nameless);
}

/* parser->text in the form in which tests of this kind keep their operand: folded, or a compiled
 * wildcard. The result is in parser->other. */
static bool prepare_operand(pattern_parser *parser, pattern_test_kind kind) {
  text_buffer *text = &parser->text, *out = &parser->other;
  out->size = 0;
  if (!text_buffer_reserve(out, case_fold_bound(text->size))) return pattern_refuse_memory(parser);
  if (kind == TEST_WILDCARD) {
    text_buffer reason = {0};
    bool ok = pattern_wildcard_compile(text->data, text->size, out->data, &out->size, &reason);
    if (!ok)
      pattern_refuse(parser, parser->scan.at, "%.*s", (int)reason.size,
                     reason.data ? reason.data : "");
    text_buffer_free(&reason);

    return ok;
  }

  bool folded =
      kind == TEST_EQUALS_FOLDED || kind == TEST_PREFIX_FOLDED || kind == TEST_SUFFIX_FOLDED;
  if (folded)
    out->size = case_fold(text->data, text->size, out->data);
  else
    text_buffer_append(out, text->data, text->size);
  return true;
}

static bool add_string_test(pattern_parser *parser, pattern_test_kind kind, uint32_t *id) {
  if (!prepare_operand(parser, kind)) return false;
  *id = pattern_test_add(parser->set, parser->list.node, kind, parser->other.data,
                         parser->other.size);
  return *id != PATTERN_NONE || pattern_refuse_memory(parser);
}

/* A string operand and the end of the expression. */
static bool parse_string_operand(pattern_parser *parser, pattern_test_kind kind,
                                 const char *not_a_string) {
  uint32_t id;
  if (!pattern_next_is(parser, JSON_STRING)) return pattern_refuse_value(parser, not_a_string);
  return pattern_read_string(parser) && add_string_test(parser, kind, &id) &&
         pattern_list_test(parser, id) && pattern_expect_end(parser, ONE_KEY);
}

static bool parse_exactly(pattern_parser *parser) {
  return parse_string_operand(parser, TEST_EXACT, "exact match pattern must be a string");
}

static bool parse_equals_ignore_case(pattern_parser *parser) {
  return parse_string_operand(parser, TEST_EQUALS_FOLDED,
                              "equals-ignore-case match pattern must be a string");
}

static bool parse_wildcard(pattern_parser *parser) {
  return parse_string_operand(parser, TEST_WILDCARD, "wildcard match pattern must be a string");
}

/* {"prefix": {"equals-ignore-case": …}}; the name is "Prefix" or "prefix" in the texts. */
static bool parse_folded_end(pattern_parser *parser, pattern_test_kind kind, const char *nameless,
                             const char *unsupported) {
  if (!enter_expression(parser, nameless)) return false;
  if (!pattern_name_is(&parser->text, "equals-ignore-case")) {
    const char *behind = pattern_behind_value(parser);
    if (!behind) return pattern_refuse_json(parser);
    return pattern_refuse(parser, behind, "%s%.*s", unsupported, pattern_clip(parser->text.size),
                          parser->text.data);
  }

  return parse_string_operand(parser, kind, "equals-ignore-case match pattern must be a string") &&
         pattern_expect_end(parser, ONE_KEY);
}

static bool parse_prefix(pattern_parser *parser) {
  if (pattern_next_is(parser, JSON_OBJECT))
    return parse_folded_end(parser, TEST_PREFIX_FOLDED, "Prefix expression name not found",
                            "Unsupported prefix pattern: ");
  return parse_string_operand(parser, TEST_PREFIX, "prefix match pattern must be a string");
}

static bool parse_suffix(pattern_parser *parser) {
  if (pattern_next_is(parser, JSON_OBJECT))
    return parse_folded_end(parser, TEST_SUFFIX_FOLDED, "Suffix expression name not found",
                            "Unsupported suffix pattern: ");
  return parse_string_operand(parser, TEST_SUFFIX, "suffix match pattern must be a string");
}

static bool parse_cidr(pattern_parser *parser) {
  if (!pattern_next_is(parser, JSON_STRING))
    return pattern_refuse_value(parser, "prefix match pattern must be a string");
  if (!pattern_read_string(parser)) return false;
  const text_buffer *text = &parser->text;
  pattern_address low, high;
  bool quotes;
  const char *reason = pattern_cidr_parse(text->data, text->size, &low, &high, &quotes);
  if (reason) {
    const char *slash = memchr(text->data, '/', text->size);
    int size = quotes && slash ? pattern_clip((size_t)(slash - text->data)) : 0;
    return pattern_refuse(parser, parser->scan.at, "%s%.*s", reason, size, text->data);
  }

  uint32_t id =
      pattern_test_add(parser->set, parser->list.node, TEST_ADDRESS, text->data, text->size);
  if (id != PATTERN_NONE) {
    pattern_test *test = pattern_test_at(parser->set, id);
    test->address.low = low;
    test->address.high = high;
  }

  return pattern_list_test(parser, id) && pattern_expect_end(parser, ONE_KEY);
}

static bool parse_exists(pattern_parser *parser) {
  bool wanted = pattern_next_is(parser, JSON_TRUE);
  if (!wanted && !pattern_next_is(parser, JSON_FALSE))
    return pattern_refuse_value(parser, "exists match pattern must be either true or false.");
  json_span value;
  if (!json_scan_value(&parser->scan, &value)) return pattern_refuse_json(parser);
  if (wanted)
    parser->list.exists_true = true;
  else
    parser->list.exists_false = true;
  return pattern_expect_end(parser, ONE_KEY);
}

typedef struct {
  const char *name;
  pattern_test_kind kind;
  const char *not_a_string;
} but_operator;

/* Makes the anything-but fail on a value that passes the test. */
static bool negate(pattern_parser *parser, uint32_t but, uint32_t test) {
  pattern_set *set = parser->set;
  uint32_t id = (uint32_t)set->negations.count;
  pattern_negation *negation = pattern_vector_add(&set->negations, sizeof *negation);
  if (!negation) return pattern_refuse_memory(parser);
  pattern_test *negated = pattern_test_at(set, test);
  *negation = (pattern_negation){.but = but, .test = test, .next = negated->negation};
  negated->negation = id;
  pattern_but_at(set, but)->negation_count++;

  return true;
}

/* One value of an anything-but whose type has been checked: a string or a number. */
static bool parse_but_value(pattern_parser *parser, uint32_t but, const but_operator *inner) {
  uint32_t id;
  json_span value;
  if (!json_scan_value(&parser->scan, &value)) return pattern_refuse_json(parser);
  if (value.type == JSON_NUMBER) {
    id = pattern_test_add(parser->set, parser->list.node, TEST_NUMBER, value.at, value.size);
    if (id == PATTERN_NONE) return pattern_refuse_memory(parser);
    pattern_test *test = pattern_test_at(parser->set, id);
    test->number = pattern_decimal_parse(test->bytes, test->size);

    return negate(parser, but, id);
  }

  bool end = inner && (inner->kind == TEST_PREFIX || inner->kind == TEST_SUFFIX);
  if (end && value.size == 0)
    return pattern_refuse(parser, parser->scan.at, "Null prefix/suffix not allowed");
  return pattern_read_text(parser, value) &&
         add_string_test(parser, inner ? inner->kind : TEST_EXACT, &id) && negate(parser, but, id);
}

static bool parse_but_list(pattern_parser *parser, uint32_t but, const but_operator *inner) {
  bool strings = false, numbers = false;
  if (!json_scan_enter(&parser->scan, JSON_ARRAY)) return pattern_refuse_json(parser);
  while (json_scan_element(&parser->scan)) {
    json_type type;
    if (!json_scan_peek(&parser->scan, &type)) return pattern_refuse_json(parser);
    if (type != JSON_STRING && (inner || type != JSON_NUMBER))
      return pattern_refuse_value(
          parser, inner ? inner->not_a_string
                        : "Inside anything but list, start|null|boolean is not supported.");
    *(type == JSON_STRING ? &strings : &numbers) = true;
    if (!parse_but_value(parser, but, inner)) return false;
  }

  if (parser->scan.error) return pattern_refuse_json(parser);
  if (!inner && strings == numbers)
    return pattern_refuse(parser, parser->scan.at,
                          "Inside anything but list, either all values are number or string, "
                          "mixed type is not supported");
  if (strings || numbers) return true;

  return pattern_refuse(parser, parser->scan.at, "Empty arrays are not allowed");
}

/* The operator inside {"anything-but": {…}}. */
static bool parse_but_operator(pattern_parser *parser, const but_operator **inner) {
  static const char ends[] = "prefix/suffix match pattern must be a string";
  static const but_operator operators[] = {
      {"prefix", TEST_PREFIX, ends},
      {"suffix", TEST_SUFFIX, ends},
      {"wildcard", TEST_WILDCARD, "wildcard match pattern must be a string"},
      {"equals-ignore-case", TEST_EQUALS_FOLDED,
       "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."},
  };
  if (!enter_expression(parser, "Anything-But expression name not found")) return false;
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
    if (!pattern_name_is(&parser->text, operators[i].name)) continue;
    *inner = &operators[i];
    return true;
  }

  const char *behind = pattern_behind_value(parser);
  if (!behind) return pattern_refuse_json(parser);

  return pattern_refuse(parser, behind, "Unsupported anything-but pattern: %.*s",
                        pattern_clip(parser->text.size), parser->text.data);
}

static bool parse_anything_but(pattern_parser *parser) {
  pattern_set *set = parser->set;
  const but_operator *inner = NULL;
  uint32_t id = (uint32_t)set->buts.count;
  pattern_but *but = pattern_vector_add(&set->buts, sizeof *but);
  uint32_t *member = but ? pattern_vector_add(&parser->list.buts, sizeof *member) : NULL;
  if (!member) return pattern_refuse_memory(parser);
  *but = (pattern_but){.node = parser->list.node,
                       .slot = PATTERN_NONE,
                       .first_negation = (uint32_t)set->negations.count};
  *member = id;
  if (pattern_next_is(parser, JSON_OBJECT) && !parse_but_operator(parser, &inner)) return false;
  bool list = pattern_next_is(parser, JSON_ARRAY);
  bool number = pattern_next_is(parser, JSON_NUMBER);
  if (!list && !number && !pattern_next_is(parser, JSON_STRING))
    return pattern_refuse_value(
        parser, "Value of anything-but must be an array or single string/number value.");
  if (inner && number) return pattern_refuse_value(parser, inner->not_a_string);
  bool ok = list ? parse_but_list(parser, id, inner) : parse_but_value(parser, id, inner);

  return ok && pattern_expect_end(parser, PATTERN_TOO_MANY) &&
         (!inner || pattern_expect_end(parser, PATTERN_TOO_MANY));
}

bool pattern_parse_expression(pattern_parser *parser) {
  static const struct {
    const char *name;
    bool (*parse)(pattern_parser *parser);
  } operators[] = {
      {"exactly", parse_exactly},
      {"prefix", parse_prefix},
      {"suffix", parse_suffix},
      {"equals-ignore-case", parse_equals_ignore_case},
      {"wildcard", parse_wildcard},
      {"numeric", pattern_parse_numeric},
      {"cidr", parse_cidr},
      {"exists", parse_exists},
      {"anything-but", parse_anything_but},
  };
  if (!enter_expression(parser, "Match expression name not found")) return false;
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
    if (pattern_name_is(&parser->text, operators[i].name)) return operators[i].parse(parser);
  const char *behind = pattern_behind_value(parser);
  if (!behind) return pattern_refuse_json(parser);

  return pattern_refuse(parser, behind, "Unrecognized match type %.*s",
                        pattern_clip(parser->text.size), parser->text.data);
}
