/* Reading JSON by field specs: checking it, and making Lua values of it. See schema.h. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/faithful.h"
#include "core/text/shown_text.h"
#include "policy/schema.h"
#include "sandbox/budget.h"

static void describe_bounds(const schema_field *field, text_buffer *out) {
  if (field->min != -HUGE_VAL && field->max != HUGE_VAL)
    text_buffer_format(out, " from %.14g to %.14g", field->min, field->max);
  else if (field->min != -HUGE_VAL)
    text_buffer_format(out, " of at least %.14g", field->min);
  else if (field->max != HUGE_VAL)
    text_buffer_format(out, " of at most %.14g", field->max);
}

static void describe_sizes(const schema_field *field, text_buffer *out) {
  size_t least = field->min_size, most = field->max_size;
  if (least > 0 && most < SCHEMA_ANY_SIZE)
    text_buffer_format(out, " of %zu to %zu bytes", least, most);
  else if (most < SCHEMA_ANY_SIZE)
    text_buffer_format(out, " of at most %zu bytes", most);
  else if (least > 0)
    text_buffer_format(out, " of at least %zu byte%s", least, least == 1 ? "" : "s");
}

void schema_read_describe(const schema_field *field, text_buffer *out) {
  static const char *const nouns[] = {"an integer",    "a number", "a text",
                                      "true or false", "one of ",  "a list",
                                      "a record",      "a map",    "any value"};
  text_buffer_text(out, nouns[field->type]);
  if (field->type <= SCHEMA_NUMBER) describe_bounds(field, out);
  if (field->type == SCHEMA_TEXT) describe_sizes(field, out);
  for (size_t i = 0; i < field->value_count; i++)
    text_buffer_format(out, "%s\"%s\"", i ? ", " : "", field->values[i].text);
}

/* "NAME: expected an integer of at least 0, got …" */
static bool reject(const schema_field *field, json_span value, text_buffer *why) {
  if (field->name) text_buffer_format(why, "%s: ", field->name);
  text_buffer_text(why, "expected ");
  schema_read_describe(field, why);
  text_buffer_text(why, ", got ");
  const char *quote = value.type == JSON_STRING ? "\"" : "";
  text_buffer_text(why, quote);
  shown_text_append(why, value.at, value.size, SHOWN_VALUE_BYTES);
  text_buffer_text(why, quote);

  return false;
}

static bool in_size(const schema_field *field, size_t size) {
  return size >= field->min_size && size <= field->max_size;
}

static bool choice_fits(const schema_field *field, json_span value) {
  for (size_t i = 0; i < field->value_count; i++)
    if (json_string_equals(value, field->values[i].text, field->values[i].size)) return true;
  return false;
}

static bool number_fits(const schema_field *field, json_span value) {
  int64_t integer;
  double real;
  switch (json_number_parse(value, &integer, &real)) {
  case JSON_NUMBER_INTEGER: real = (double)integer; break;
  case JSON_NUMBER_DOUBLE:
    if (field->type == SCHEMA_INTEGER && (real != floor(real) || fabs(real) >= 9.2e18))
      return false;
    break;
  default: return false;
  }

  return real >= field->min && real <= field->max;
}

static bool scalar_fits(const schema_field *field, json_span value) {
  switch (field->type) {
  case SCHEMA_INTEGER:
  case SCHEMA_NUMBER: return value.type == JSON_NUMBER && number_fits(field, value);
  case SCHEMA_TEXT: return value.type == JSON_STRING && in_size(field, json_unescaped_size(value));
  case SCHEMA_FLAG: return value.type == JSON_TRUE || value.type == JSON_FALSE;
  case SCHEMA_CHOICE: return value.type == JSON_STRING && choice_fits(field, value);
  default: return true;
  }
}

void schema_read_explain_unknown(const schema_record *record, const char *what, json_span name,
                                 text_buffer *why) {
  const char *near = schema_suggest(record, name.at, name.size);
  text_buffer_format(why, "unknown %s \"", what);
  shown_text_append(why, name.at, name.size, SHOWN_NAME_BYTES);
  text_buffer_byte(why, '"');
  if (near) text_buffer_format(why, " (did you mean \"%s\"?)", near);
}

/* Also called ahead of an error that rarely comes, so without printf. */
static void name_inside(const schema_field *field, text_buffer *why) {
  if (!field->name) return;
  text_buffer_text(why, field->name);
  text_buffer_text(why, ": ");
}

/* Puts the name of a record in front of what was said of its member since `before`. */
static void name_outside(const schema_field *field, text_buffer *why, size_t before) {
  text_buffer inner = {0};
  if (!field->name || why->size == before) return; /* or the JSON itself is wrong */
  text_buffer_append(&inner, why->data + before, why->size - before);
  why->size = before;
  name_inside(field, why);
  text_buffer_append(why, inner.data, inner.size);
  text_buffer_free(&inner);
}

static bool check_members(const schema_field *field, json_scan *scan, text_buffer *why) {
  bool present[SCHEMA_MAX_FIELDS] = {false};
  size_t guess = 0;
  json_span key, value;
  while (json_scan_member(scan, &key)) {
    const schema_field *inner = schema_find(&field->fields, key.at, key.size, &guess);
    if (!inner) {
      name_inside(field, why);
      schema_read_explain_unknown(&field->fields, "field", key, why);
      return false;
    }

    size_t at = (size_t)(inner - field->fields.items);
    if (present[at]) {
      name_inside(field, why);
      text_buffer_format(why, "field \"%s\" is given twice", inner->name);
      return false;
    }

    present[at] = true;
    size_t before = why->size;
    if (!schema_read_check(inner, scan, &value, why)) {
      name_outside(field, why, before);
      return false;
    }
  }

  for (size_t i = 0; !scan->error && i < field->fields.count; i++)
    if (field->fields.items[i].required && !present[i]) {
      name_inside(field, why);
      text_buffer_format(why, "field \"%s\" is missing", field->fields.items[i].name);
      return false;
    }
  return !scan->error;
}

static void append_member_path(text_buffer *out, const schema_field *field, json_span key) {
  text_buffer_format(out, "%s.", field->name ? field->name : "");
  shown_text_append(out, key.at, key.size, SHOWN_NAME_BYTES);
  text_buffer_text(out, ": ");
}

static bool check_items(const schema_field *field, json_scan *scan, text_buffer *why) {
  size_t count = 0;
  json_span key, value;
  bool is_list = field->type == SCHEMA_LIST;
  while (is_list ? json_scan_element(scan) : json_scan_member(scan, &key)) {
    size_t before = why->size;
    if (!schema_read_check(field->of, scan, &value, why)) {
      if (why->size == before) return false; /* the JSON itself is wrong */
      text_buffer inner = {0};
      if (is_list)
        text_buffer_format(&inner, "%s[%zu]: ", field->name ? field->name : "", count + 1);
      else
        append_member_path(&inner, field, key);
      text_buffer_append(&inner, why->data + before, why->size - before);
      why->size = before;
      text_buffer_append(why, inner.data, inner.size);
      text_buffer_free(&inner);

      return false;
    }

    count++;
  }

  if (scan->error) return false;
  if (in_size(field, count)) return true;
  name_inside(field, why);
  text_buffer_format(why, "has %zu items; from %zu to %zu are allowed", count, field->min_size,
                     field->max_size);
  return false;
}

static bool check_container(const schema_field *field, json_scan *scan, json_span *value,
                            text_buffer *why) {
  json_type type = field->type == SCHEMA_LIST ? JSON_ARRAY : JSON_OBJECT;
  value->type = type;
  value->at = scan->at;
  if (!json_scan_enter(scan, type)) return false;
  bool ok = field->type == SCHEMA_RECORD ? check_members(field, scan, why)
                                         : check_items(field, scan, why);
  value->size = (size_t)(scan->at - value->at);
  if (ok && field->unique_by) return schema_unique_check(field, value->at, value->size, why);

  return ok;
}

static bool is_container(const schema_field *field) {
  return field->type >= SCHEMA_LIST && field->type <= SCHEMA_MAP;
}

/* null where a field may be left out means that it is left out. */
static bool is_left_out(const schema_field *field, json_type type) {
  return type == JSON_NULL && field->name && !field->required;
}

static bool check_any(const schema_field *field, json_scan *scan, json_span *value,
                      text_buffer *why) {
  size_t before = why->size;
  name_inside(field, why);
  if (!json_faithful_value(scan, value, why) && !scan->error) return false;
  why->size = before;

  return !scan->error;
}

bool schema_read_check(const schema_field *field, json_scan *scan, json_span *value,
                       text_buffer *why) {
  json_type type;
  if (!json_scan_peek(scan, &type)) return false;
  if (is_container(field) && type == (field->type == SCHEMA_LIST ? JSON_ARRAY : JSON_OBJECT))
    return check_container(field, scan, value, why);
  if (field->type == SCHEMA_ANY) return check_any(field, scan, value, why);

  return json_scan_value(scan, value) && schema_read_check_value(field, *value, why);
}

bool schema_read_check_value(const schema_field *field, json_span value, text_buffer *why) {
  if (is_left_out(field, value.type)) return true;
  bool any = field->type == SCHEMA_ANY;
  if (any && value.type == JSON_STRING) return true;
  if (!any && !is_container(field)) return scalar_fits(field, value) || reject(field, value, why);
  if (!any && value.type != (field->type == SCHEMA_LIST ? JSON_ARRAY : JSON_OBJECT))
    return reject(field, value, why);
  json_scan scan;
  json_scan_begin(&scan, value.at, value.size);

  return any ? check_any(field, &scan, &value, why) : check_container(field, &scan, &value, why);
}

static void push_text(lua_State *L, json_span value) {
  if (!value.escaped) {
    lua_pushlstring(L, value.at, value.size);
    return;
  }

  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, value.size);
  luaL_pushresultsize(&buffer, json_unescape(value, text));
}

static void push_number(lua_State *L, const schema_field *field, json_span value) {
  int64_t integer = 0;
  double real = 0;
  if (json_number_parse(value, &integer, &real) == JSON_NUMBER_INTEGER) {
    if (field->type == SCHEMA_NUMBER)
      lua_pushnumber(L, (double)integer);
    else
      lua_pushinteger(L, integer);
  } else if (field->type == SCHEMA_INTEGER) {
    lua_pushinteger(L, (int64_t)real);
  } else {
    lua_pushnumber(L, real);
  }
}

static const schema_field any_field = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};

/* How large tables are made: as the one before, whose text is mostly alike, within these bounds. A
 * table grows by itself. */
typedef struct {
  int members, elements;
} table_sizes;

enum { LEAST_MEMBERS = 4, MOST_MEMBERS = 16, MOST_ELEMENTS = 8 };

static int room(int count, int least, int most) {
  return count < least ? least : count > most ? most : count;
}

/* Pushes the next value of a text that was checked. One pass, however deep the value is. Tables are
 * guarded: who lets a policy have them can ask whether it changed them. */
static void push_next(lua_State *L, const schema_field *field, json_scan *scan, table_sizes *last);

static void push_members(lua_State *L, const schema_field *field, json_scan *scan,
                         table_sizes *last) {
  json_span key;
  size_t guess = 0;
  int count = 0;
  lua_createtable(L, 0, room(last->members, LEAST_MEMBERS, MOST_MEMBERS));
  for (; json_scan_member(scan, &key); count++) {
    push_text(L, key);
    const schema_field *inner = field->of ? field->of : &any_field;
    if (field->type == SCHEMA_RECORD) inner = schema_find(&field->fields, key.at, key.size, &guess);
    push_next(L, inner, scan, last);
    lua_rawset(L, -3);
    sandbox_charge(L, 0); /* names that collide: ends here when they have spent the budget */
  }

  lua_guard(L, -1);
  last->members = count;
}

static void push_elements(lua_State *L, const schema_field *field, json_scan *scan,
                          table_sizes *last) {
  int count = 0;
  lua_createtable(L, room(last->elements, 0, MOST_ELEMENTS), 0);
  while (json_scan_element(scan)) {
    push_next(L, field->of ? field->of : &any_field, scan, last);
    lua_rawseti(L, -2, ++count);
  }

  lua_guard(L, -1);
  last->elements = count;
}

/* null in `any` JSON reads as nil, as an absent member does: policies compare fields with nil. */
static void push_scalar(lua_State *L, const schema_field *field, json_span value) {
  switch (value.type) {
  case JSON_NULL: lua_pushnil(L); return;
  case JSON_NUMBER: push_number(L, field, value); return;
  case JSON_STRING: push_text(L, value); return;
  default: lua_pushboolean(L, value.type == JSON_TRUE); return;
  }
}

static void push_next(lua_State *L, const schema_field *field, json_scan *scan, table_sizes *last) {
  json_type type = JSON_NULL;
  json_span value = {0};
  json_scan_peek(scan, &type);
  if (type < JSON_OBJECT) {
    json_scan_value(scan, &value);
    push_scalar(L, field, value);
    return;
  }

  sandbox_budget_need_stack(L, 6);
  json_scan_enter(scan, type);
  if (type == JSON_OBJECT)
    push_members(L, field, scan, last);
  else
    push_elements(L, field, scan, last);
}

void schema_read_push(lua_State *L, const schema_field *field, json_span value) {
  json_scan scan;
  if (value.type < JSON_OBJECT) {
    push_scalar(L, field, value);
    return;
  }

  sandbox_budget_need_stack(L, 8);
  json_scan_begin(&scan, value.at, value.size);
  push_next(L, field, &scan, &(table_sizes){MOST_MEMBERS, MOST_ELEMENTS / 2});
}
