/* The parameters in force for a decision: defaults, recorded overrides, the operator's overrides.
 * See impl.h. */
#include <lauxlib.h>
#include <string.h>

#include "core/json/compact.h"
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

int policy_params_override(policy_kind *kind, json_span name, json_span value, text_buffer *why) {
  if (!kind->file) return 0;
  size_t guess = 0, prefix = strlen(kind->name);
  const char *at = name.at;
  size_t size = name.size;
  if (size > prefix && at[prefix] == '.' && memcmp(at, kind->name, prefix) == 0) {
    at += prefix + 1;
    size -= prefix + 1;
  }
  const schema_field *field = schema_find(&kind->params, at, size, &guess);
  if (!field) return 0;
  text_buffer *override = &kind->overrides[field - kind->params.items];
  override->size = 0;
  kind->params_valid = false;
  /* From a command line everything is a text; read it as what the parameter takes. */
  if (value.type == JSON_STRING && !is_text_type(field) && !value.escaped)
    return take_value(field, value.at, value.size, override, why) ? 1 : -1;
  size_t quotes = value.type == JSON_STRING ? 1 : 0;
  return take_value(field, value.at - quotes, value.size + 2 * quotes, override, why) ? 1 : -1;
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
  const policy_kind *then =
      policy_sandbox_find(question->recorded_by, kind->name, strlen(kind->name));
  size_t guess = 0;
  const schema_field *old =
      then ? schema_find(&then->params, field->name, field->name_size, &guess) : NULL;
  if (!old) return true;
  const text_buffer *value = &then->defaults[old - then->params.items];
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
    const schema_field *field = schema_find(&kind->params, key.at, key.size, &guess);
    if (!field && question->strict) {
      schema_read_explain_unknown(&kind->params, "parameter", key, why);
      return false;
    }
    if (!field) continue; /* this version of the policy no longer has it */
    size_t quotes = value.type == JSON_STRING ? 1 : 0;
    const char *text = value.at - quotes;
    size_t size = value.size + 2 * quotes;
    size_t at = (size_t)(field - kind->params.items);
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

/* Appends one parameter to the texts and to the Lua table on the top of the stack. */
static bool apply_one(lua_State *L, policy_kind *kind, size_t i, value_text recorded,
                      text_buffer *why) {
  const schema_field *field = &kind->params.items[i];
  value_text value = {kind->defaults[i].data, kind->defaults[i].size};
  if (recorded.text) value = recorded;
  if (kind->overrides[i].size)
    value = (value_text){kind->overrides[i].data, kind->overrides[i].size};
  text_buffer_format(&kind->params_json, "%s\"%s\":", i ? "," : "", field->name);
  json_scan scan;
  json_span span;
  json_scan_begin(&scan, value.text, value.size);
  if (!schema_read_check(field, &scan, &span, why)) return false;
  size_t start = kind->params_json.size;
  json_compact(value.text, value.size, &kind->params_json); /* as defaults are written */
  if (kind->params_json.size - start != kind->defaults[i].size ||
      memcmp(kind->params_json.data + start, kind->defaults[i].data, kind->defaults[i].size) != 0)
    text_buffer_format(&kind->overridden, "%s\"%s\"", kind->overridden.size > 1 ? "," : "",
                       field->name);
  schema_read_push(L, field, span);
  lua_setfield(L, -2, field->name);
  return true;
}

bool policy_params_are_current(const policy_kind *kind, const policy_question *question) {
  const text_buffer *key = &kind->params_key;
  size_t a = question->params.size, b = question->overrides.size;
  return kind->params_valid && key->size == a + b &&
         (a == 0 || memcmp(key->data, question->params.at, a) == 0) &&
         (b == 0 || memcmp(key->data + a, question->overrides.at, b) == 0);
}

bool policy_params_apply(lua_State *L, policy_kind *kind, const policy_question *question,
                         text_buffer *why) {
  value_text recorded[SCHEMA_MAX_FIELDS] = {{0}};
  kind->params_valid = false;
  if (question->params.size && !read_recorded(kind, question, recorded, why)) return false;
  kind->params_json.size = kind->overridden.size = 0;
  text_buffer_byte(&kind->params_json, '{');
  text_buffer_byte(&kind->overridden, '[');
  lua_createtable(L, 0, (int)kind->params.count); // params
  for (size_t i = 0; i < kind->params.count; i++)
    if (!apply_one(L, kind, i, recorded[i], why)) {
      lua_pop(L, 1);
      return false;
    }
  text_buffer_byte(&kind->params_json, '}');
  text_buffer_byte(&kind->overridden, ']');
  sandbox_freeze_table(L, -1, "params");
  luaL_unref(L, LUA_REGISTRYINDEX, kind->params_table);
  kind->params_table = luaL_ref(L, LUA_REGISTRYINDEX);
  kind->params_key.size = 0;
  text_buffer_append(&kind->params_key, question->params.at, question->params.size);
  text_buffer_append(&kind->params_key, question->overrides.at, question->overrides.size);
  kind->params_valid = !kind->params_key.failed;
  return true;
}
