/* Reads a pattern's text: objects become paths, lists become conditions, and $or multiplies the
 * branches. Nothing is kept of the text but copies in the set.
 * See parse.h for the places in messages. */
#include "core/pattern/parse.h"

#include <stdlib.h>
#include <string.h>

/* A plain string; one that is an IP address compares as an address. */
static bool parse_literal_string(pattern_parser *parser) {
  if (!pattern_read_string(parser)) return false;
  pattern_address address;
  const text_buffer *text = &parser->text;
  bool is_address = pattern_address_parse(text->data, text->size, &address);
  uint32_t id = pattern_test_add(parser->set, parser->list.node,
                                 is_address ? TEST_ADDRESS : TEST_EXACT, text->data, text->size);
  if (id != PATTERN_NONE && is_address) {
    pattern_test *test = pattern_test_at(parser->set, id);
    test->address.low = test->address.high = address;
  }

  return pattern_list_test(parser, id);
}

static bool parse_literal(pattern_parser *parser) {
  json_span value;
  if (!json_scan_value(&parser->scan, &value)) return pattern_refuse_json(parser);
  bool number = value.type == JSON_NUMBER;
  uint32_t id = pattern_test_add(parser->set, parser->list.node, number ? TEST_NUMBER : TEST_WORD,
                                 value.at, value.size);
  if (id != PATTERN_NONE && number) {
    pattern_test *test = pattern_test_at(parser->set, id);
    test->number = pattern_decimal_parse(test->bytes, test->size);
  }

  return pattern_list_test(parser, id);
}

static bool parse_member_of_list(pattern_parser *parser) {
  json_type type;
  if (!json_scan_peek(&parser->scan, &type)) return pattern_refuse_json(parser);
  switch (type) {
  case JSON_OBJECT: return pattern_parse_expression(parser);
  case JSON_STRING: return parse_literal_string(parser);
  case JSON_ARRAY:
    return pattern_refuse_value(parser, "Match value must be String, number, true, false, or null");
  default: return parse_literal(parser);
  }
}

/* Files the list just read as a condition; PATTERN_NONE when memory is short. */
static uint32_t add_condition(pattern_parser *parser, const char *text, size_t size) {
  pattern_set *set = parser->set;
  pattern_list *list = &parser->list;
  char *copy = pattern_copy(set, text, size);
  uint32_t first = (uint32_t)set->members.count, id = (uint32_t)set->conditions.count;
  size_t count = list->tests.count + list->buts.count;
  for (size_t i = 0; i < count; i++) {
    uint32_t *member = pattern_vector_add(&set->members, sizeof *member);
    if (!member) return PATTERN_NONE;
    bool is_test = i < list->tests.count;
    *member = is_test ? pattern_id_at(&list->tests, i)
                      : pattern_id_at(&list->buts, i - list->tests.count);
  }

  pattern_condition *condition = pattern_vector_add(&set->conditions, sizeof *condition);
  if (!copy || !condition) return PATTERN_NONE;
  *condition = (pattern_condition){
      .node = list->node,
      .first_member = first,
      .member_count = (uint32_t)count,
      .but_count = (uint32_t)list->buts.count,
      .exists_true = list->exists_true,
      .exists_false = list->exists_false,
      .text = copy,
      .text_size = size,
  };

  return id;
}

static bool parse_list(pattern_parser *parser, uint32_t node, uint32_t *condition) {
  pattern_list *list = &parser->list;
  list->node = node;
  list->tests.count = list->buts.count = 0;
  list->exists_true = list->exists_false = false;
  const char *first = parser->scan.at;
  bool empty = true;
  if (!json_scan_enter(&parser->scan, JSON_ARRAY)) return pattern_refuse_json(parser);
  while (json_scan_element(&parser->scan)) {
    empty = false;
    if (!parse_member_of_list(parser)) return false;
  }

  if (parser->scan.error) return pattern_refuse_json(parser);
  if (empty) return pattern_refuse(parser, parser->scan.at, "Empty arrays are not allowed");
  *condition = add_condition(parser, first, (size_t)(parser->scan.at - first));
  return *condition != PATTERN_NONE || pattern_refuse_memory(parser);
}

static bool parse_object(pattern_parser *parser, uint32_t node, bool inside_or);

/* The alternatives of one $or: each starts from the branches as they were before it. */
static bool parse_alternatives(pattern_parser *parser, uint32_t node, const pattern_vector *before,
                               pattern_vector *after) {
  size_t count = 0;
  for (; json_scan_element(&parser->scan); count++) {
    json_type type;
    if (!json_scan_peek(&parser->scan, &type)) return pattern_refuse_json(parser);
    if (type != JSON_OBJECT)
      return pattern_refuse_value(parser,
                                  "Only JSON object is allowed in array of $or relationship.");
    if (!pattern_copy_branches(parser, before, &parser->branches) ||
        !parse_object(parser, node, true) || !pattern_move_branches(parser, after))
      return false;
  }

  if (parser->scan.error) return pattern_refuse_json(parser);
  if (count >= 2) return true;

  return pattern_refuse(parser, parser->scan.at,
                        "There must have at least 2 Objects in $or relationship.");
}

static bool parse_or(pattern_parser *parser, uint32_t node) {
  json_type type;
  if (!json_scan_peek(&parser->scan, &type)) return pattern_refuse_json(parser);
  if (type != JSON_ARRAY)
    return pattern_refuse_value(parser, "It must be an Array followed with $or.");
  json_scan_enter(&parser->scan, JSON_ARRAY);
  pattern_vector before = parser->branches, after = {0};
  parser->branches = (pattern_vector){0};
  bool ok = parse_alternatives(parser, node, &before, &after);
  pattern_free_branches(&before);
  pattern_free_branches(&parser->branches);
  parser->branches = after;

  return ok;
}

static bool is_reserved(const text_buffer *name) {
  static const char *const reserved[] = {"exactly",
                                         "equals-ignore-case",
                                         "prefix",
                                         "suffix",
                                         "anything-but",
                                         "exists",
                                         "wildcard",
                                         "numeric",
                                         "cidr",
                                         "=",
                                         "<",
                                         "<=",
                                         ">",
                                         ">=",
                                         "regex",
                                         "not-wildcard",
                                         "date-after",
                                         "not-equals-ignore-case",
                                         "date-before",
                                         "date-on-or-after",
                                         "in-date-range",
                                         "date-on-or-before",
                                         "ip-address-in-range",
                                         "ip-address-not-in-range"};
  for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
    if (strlen(reserved[i]) == name->size && memcmp(reserved[i], name->data, name->size) == 0)
      return true;
  return false;
}

/* The node of a key, whose dots are steps like those of nesting. */
static uint32_t descend(pattern_parser *parser, uint32_t node, const text_buffer *name) {
  const char *at = name->data, *end = at + name->size;
  for (;;) {
    const char *dot = memchr(at, '.', (size_t)(end - at));
    node = pattern_child_add(parser->set, node, at, (size_t)((dot ? dot : end) - at));
    if (node == PATTERN_NONE) return node;
    if (pattern_node_at(parser->set, node)->depth > PATTERN_MAX_DEPTH) {
      pattern_refuse(parser, parser->scan.at, "nested deeper than %d", PATTERN_MAX_DEPTH);
      return PATTERN_NONE;
    }

    if (!dot) return node;
    at = dot + 1;
  }
}

static bool parse_field(pattern_parser *parser, uint32_t node, json_span key, bool inside_or) {
  if (!pattern_read_text(parser, key)) return false;
  const text_buffer *name = &parser->text;
  if (name->size == 3 && memcmp(name->data, "$or", 3) == 0) return parse_or(parser, node);
  int shown = pattern_clip(name->size);
  json_type type;
  if (!json_scan_peek(&parser->scan, &type)) return pattern_refuse_json(parser);
  const char *behind = type == JSON_OBJECT || type == JSON_ARRAY ? parser->scan.at + 1 : NULL;
  if (!behind) behind = pattern_behind_value(parser);
  if (!behind) return pattern_refuse_json(parser);
  if (inside_or && is_reserved(name))
    return pattern_refuse(parser, behind,
                          "%.*s is Ruler reserved fieldName which cannot be used inside $or.",
                          shown, name->data);
  if (type != JSON_OBJECT && type != JSON_ARRAY)
    return pattern_refuse(parser, behind, "\"%.*s\" must be an object or an array", shown,
                          name->data);
  uint32_t child = descend(parser, node, name);
  if (child == PATTERN_NONE) return pattern_refuse_memory(parser);
  if (type == JSON_OBJECT) return parse_object(parser, child, inside_or);
  uint32_t condition = PATTERN_NONE;

  return parse_list(parser, child, &condition) && pattern_put_condition(parser, condition);
}

static bool parse_object(pattern_parser *parser, uint32_t node, bool inside_or) {
  json_span key;
  bool empty = true;
  if (!json_scan_enter(&parser->scan, JSON_OBJECT)) return pattern_refuse_json(parser);
  while (json_scan_member(&parser->scan, &key)) {
    empty = false;
    if (!parse_field(parser, node, key, inside_or)) return false;
  }

  if (parser->scan.error) return pattern_refuse_json(parser);
  if (empty) return pattern_refuse(parser, parser->scan.at, "Empty objects are not allowed");

  return true;
}

static bool parse_pattern(pattern_parser *parser) {
  json_type type;
  bool object = json_scan_peek(&parser->scan, &type) && type == JSON_OBJECT;
  if (!object && (!parser->scan.error || parser->scan.at == parser->scan.end))
    return pattern_refuse(parser, parser->scan.at, "Filter is not an object");
  if (!object) return pattern_refuse_json(parser);
  if (!pattern_begin_branches(parser) || !parse_object(parser, 0, false)) return false;
  if (!json_scan_finish(&parser->scan)) return pattern_refuse_json(parser);

  return pattern_end_branches(parser);
}

bool pattern_parse(pattern_set *set, uint32_t pattern, pattern_source source,
                   text_buffer *message) {
  pattern_parser parser = {.set = set, .pattern = pattern, .source = source, .message = message};
  json_scan_begin(&parser.scan, source.text, source.size);
  bool ok = parse_pattern(&parser);
  pattern_free_branches(&parser.branches);
  text_buffer_free(&parser.text);
  text_buffer_free(&parser.other);
  free(parser.list.tests.items);
  free(parser.list.buts.items);

  return ok;
}
