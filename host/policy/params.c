/* The parameters in force for a decision: defaults, recorded overrides, the operator's overrides.
 * See impl.h. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/compact.h"
#include "core/json/writer.h"
#include "core/text/shown_text.h"
#include "policy/impl.h"
#include "sandbox/freeze.h"

static bool is_text_type(const schema_field *field) {
  return field->type == SCHEMA_TEXT || field->type == SCHEMA_CHOICE;
}

/* Checks a value against the parameter and appends it as it will be shown and compared. */
static bool take_value(const schema_field *field, const char *text, size_t size, text_buffer *out,
                       text_buffer *why) {
  json_scan scan;
  json_span value;
  json_scan_begin(&scan, text, size);
  if (!schema_read_check(field, &scan, &value, why) || !json_scan_finish(&scan)) {
    if (why->size == 0) {
      text_buffer_format(why, "%s: \"", field->name);
      shown_text_append(why, text, size, SHOWN_VALUE_BYTES);
      text_buffer_text(why, "\" is not a value");
    }

    return false;
  }

  return json_compact(text, size, out);
}

/* What comes from a command line is a text, whatever the parameter takes: its JSON is read. An
 * empty table of Lua may have been meant as a list. */
static bool take_override(const schema_field *field, json_span value, text_buffer *out,
                          text_buffer *why) {
  size_t quotes = value.type == JSON_STRING ? 1 : 0;
  if (quotes && !is_text_type(field)) {
    text_buffer plain = {0};
    bool ok = text_buffer_reserve(&plain, value.size + 1);
    if (ok) plain.size = json_unescape(value, plain.data);
    ok = ok && take_value(field, plain.data, plain.size, out, why);
    text_buffer_free(&plain);

    return ok;
  }

  bool is_empty = value.type == JSON_OBJECT && value.size == 2;
  if (field->type == SCHEMA_LIST && is_empty) return take_value(field, "[]", 2, out, why);
  return take_value(field, value.at - quotes, value.size + 2 * quotes, out, why);
}

params_override policy_params_override(policy_kind *kind, json_span name, json_span value,
                                       text_buffer *why) {
  if (!kind->policy.file) return PARAM_UNKNOWN;
  size_t guess = 0, prefix = strlen(kind->name);
  const char *at = name.at;
  size_t size = name.size;
  if (size > prefix && at[prefix] == '.' && memcmp(at, kind->name, prefix) == 0) {
    at += prefix + 1;
    size -= prefix + 1;
  }

  const schema_field *field = schema_find(&kind->params.schema, at, size, &guess);
  if (!field) return PARAM_UNKNOWN;

  text_buffer *override = &kind->params.items[field - kind->params.schema.items].override;
  override->size = 0;
  kind->in_force.valid = false;

  return take_override(field, value, override, why) ? PARAM_TAKEN : PARAM_REFUSED;
}

void policy_params_free(policy_kind *kind) {
  params_declared *declared = &kind->params;
  for (size_t i = 0; declared->items && i < declared->schema.count; i++) {
    free(declared->items[i].doc);
    text_buffer_free(&declared->items[i].by_default);
    text_buffer_free(&declared->items[i].override);
  }

  free(declared->items);
  schema_record_free(&declared->schema);
  text_buffer_free(&kind->in_force.key);
  text_buffer_free(&kind->in_force.json);
  text_buffer_free(&kind->in_force.overridden);
}

static bool is_listed(json_span list, const schema_field *field) {
  json_scan scan;
  json_span name;
  json_scan_begin(&scan, list.at, list.size);
  if (!json_scan_enter(&scan, JSON_ARRAY)) return false;
  while (json_scan_element(&scan) && json_scan_value(&scan, &name))
    if (json_string_equals(name, field->name, field->name_size)) return true;
  return false;
}

static bool check_list(json_span list, text_buffer *why) {
  json_scan scan;
  json_span name;
  json_type type;
  bool texts = true;
  if (list.size == 0) return true;
  json_scan_begin(&scan, list.at, list.size);
  if (json_scan_peek(&scan, &type) && type == JSON_ARRAY && json_scan_enter(&scan, JSON_ARRAY))
    while (json_scan_element(&scan) && json_scan_value(&scan, &name))
      texts = texts && name.type == JSON_STRING;
  else
    texts = false;
  if (texts && json_scan_finish(&scan)) return true;
  text_buffer_text(why, "overrides must be a JSON list of names");

  return false;
}

/* A recorded value counts as an override when the recording says so; where it does not say, when
 * it differs from the default of the set that recorded it, if that is known. */
static bool was_override(const policy_kind *kind, const policy_question *question,
                         const schema_field *field, const char *text, size_t size) {
  if (question->overrides.size > 0) return is_listed(question->overrides, field);
  if (!question->recorded_by) return true;
  const policy_kind *then = policy_kind_find(question->recorded_by, kind->name, strlen(kind->name));
  size_t guess = 0;
  const schema_field *old =
      then ? schema_find(&then->params.schema, field->name, field->name_size, &guess) : NULL;
  if (!old) return true;
  const text_buffer *value = &then->params.items[old - then->params.schema.items].by_default;

  return value->size != size || memcmp(value->data, text, size) != 0;
}

typedef struct {
  const char *text;
  size_t size;
} value_text;

/* Fills `recorded` (by index in params) from the question's parameters. */
static bool read_recorded(const policy_kind *kind, const policy_question *question,
                          value_text *recorded, text_buffer *why) {
  json_scan scan;
  json_span key, value;
  size_t guess = 0;
  uint64_t given = 0;
  if (!check_list(question->overrides, why)) return false;
  json_scan_begin(&scan, question->params.at, question->params.size);
  if (!json_scan_enter(&scan, JSON_OBJECT)) {
    text_buffer_text(why, "parameters must be one JSON object");
    return false;
  }

  while (json_scan_member(&scan, &key) && json_scan_value(&scan, &value)) {
    const schema_field *field = schema_find(&kind->params.schema, key.at, key.size, &guess);
    if (!field && question->strict) {
      schema_read_explain_unknown(&kind->params.schema, "parameter", key, why);
      return false;
    }

    if (!field) continue; /* this version of the policy no longer has it */
    size_t quotes = value.type == JSON_STRING ? 1 : 0;
    const char *text = value.at - quotes;
    size_t size = value.size + 2 * quotes;
    size_t at = (size_t)(field - kind->params.schema.items);
    if (given >> at & 1) {
      text_buffer_format(why, "parameter \"%s\" is given twice", field->name);
      return false;
    }

    given |= (uint64_t)1 << at;
    if (was_override(kind, question, field, text, size)) recorded[at] = (value_text){text, size};
  }

  if (json_scan_finish(&scan)) return true;
  text_buffer_format(why, "parameters are not valid JSON: %s", scan.error);

  return false;
}

/* A list or a map is written as defaults are, members by the order of their names, and what a
 * decision gets is read from that: the recording of the decision gives the very same, in whatever
 * order and spelling it was given. */
static bool apply_written(lua_State *L, const schema_field *field, json_span value,
                          text_buffer *json, text_buffer *why) {
  size_t start = json->size;
  schema_read_push(L, field, value);
  if (!schema_write_json(L, lua_gettop(L), field, json, why)) return false;
  lua_pop(L, 1);
  if (json->failed) sandbox_budget_raise_shortage(L);
  json_scan scan;
  json_span written;
  json_scan_begin(&scan, json->data + start, json->size - start);
  if (!schema_read_check(field, &scan, &written, why)) return false;
  schema_read_push(L, field, written);

  return true;
}

/* The two texts of what is in force: all values, and the names of those that differ from their
 * defaults. */
typedef struct {
  json_writer values, overridden;
} in_force_writers;

/* Appends one parameter to the texts and to the Lua table on the top of the stack. */
static bool apply_one(lua_State *L, policy_kind *kind, size_t i, value_text recorded,
                      in_force_writers *writers, text_buffer *why) {
  const schema_field *field = &kind->params.schema.items[i];
  const text_buffer *by_default = &kind->params.items[i].by_default;
  const text_buffer *override = &kind->params.items[i].override;
  text_buffer *json = &kind->in_force.json;
  value_text value = {by_default->data, by_default->size};
  if (recorded.text) value = recorded;
  if (override->size) value = (value_text){override->data, override->size};

  json_writer_member(&writers->values, field->name);
  json_scan scan;
  json_span span;
  json_scan_begin(&scan, value.text, value.size);
  if (!schema_read_check(field, &scan, &span, why)) return false;
  size_t start = json->size;
  if (field->type < SCHEMA_LIST) {
    schema_read_push(L, field, span);
    json_compact(value.text, value.size, json);
  } else if (!apply_written(L, field, span, json, why)) {
    return false;
  }

  if (json->size - start != by_default->size ||
      memcmp(json->data + start, by_default->data, by_default->size) != 0)
    json_writer_text(&writers->overridden, NULL, field->name);

  lua_setfield(L, -2, field->name);
  return true;
}

bool policy_params_are_current(const policy_kind *kind, const policy_question *question) {
  const text_buffer *key = &kind->in_force.key;
  size_t a = question->params.size, b = question->overrides.size;
  return kind->in_force.valid && key->size == a + b &&
         (a == 0 || memcmp(key->data, question->params.at, a) == 0) &&
         (b == 0 || memcmp(key->data + a, question->overrides.at, b) == 0);
}

/* __index of params, for a name that is not declared. */
static int refuse_unknown(lua_State *L) {
  const policy_kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  size_t size;
  if (lua_type(L, 2) != LUA_TSTRING)
    return luaL_error(L, "params are read by name, not by a %s", luaL_typename(L, 2));
  const char *key = lua_tolstring(L, 2, &size);
  const char *near = schema_suggest(&kind->params.schema, key, size);

  return luaL_error(L, "the policy has no parameter '%s'%s%s%s", key,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* A name that the frozen table on the top of the stack lacks is a mistake, as it is in facts. */
static void make_strict(lua_State *L, policy_kind *kind) {
  lua_pushlightuserdata(L, kind);
  lua_pushcclosure(L, refuse_unknown, 1);
  sandbox_freeze_set_index(L, -2);
}

bool policy_params_apply(lua_State *L, policy_kind *kind, const policy_question *question,
                         text_buffer *why) {
  value_text recorded[SCHEMA_MAX_FIELDS] = {{0}};
  params_in_force *in_force = &kind->in_force;
  in_force->valid = false;
  if (question->params.size && !read_recorded(kind, question, recorded, why)) return false;

  text_buffer_clear(&in_force->json);
  text_buffer_clear(&in_force->overridden);
  in_force_writers writers = {json_writer_to(&in_force->json),
                              json_writer_to(&in_force->overridden)};
  json_writer_object(&writers.values, NULL);
  json_writer_array(&writers.overridden, NULL);
  lua_createtable(L, 0, (int)kind->params.schema.count); // params
  for (size_t i = 0; i < kind->params.schema.count; i++)
    if (!apply_one(L, kind, i, recorded[i], &writers, why)) {
      lua_pop(L, 1);
      return false;
    }
  json_writer_end(&writers.values);
  json_writer_end(&writers.overridden);

  sandbox_freeze_table(L, -1, "params");
  make_strict(L, kind);
  luaL_unref(L, LUA_REGISTRYINDEX, in_force->table);
  in_force->table = luaL_ref(L, LUA_REGISTRYINDEX);

  text_buffer_clear(&in_force->key);
  text_buffer_append(&in_force->key, question->params.at, question->params.size);
  text_buffer_append(&in_force->key, question->overrides.at, question->overrides.size);
  in_force->valid = !in_force->key.failed;

  return true;
}
