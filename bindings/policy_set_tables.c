/* The Lua tables that weir.policy_set answers with. See policy_set_tables.h. */
#include "policy_set_tables.h"

#include <string.h>

#include "binding.h"
#include "json_lua.h"

static void set_buffer(lua_State *L, const char *name, const text_buffer *text) {
  binding_set_bytes(L, name, text->data, text->size);
}

void policy_set_tables_push_findings(lua_State *L, const finding_list *findings) {
  lua_createtable(L, (int)findings->count, 0);
  for (size_t i = 0; i < findings->count; i++) {
    const finding *f = &findings->items[i];
    lua_createtable(L, 0, 7);
    binding_set_text(L, "file", f->file);
    binding_set_integer(L, "line", f->line);
    binding_set_integer(L, "column", f->column);
    binding_set_text(L, "severity", f->severity == FINDING_ERROR ? "error" : "warning");
    binding_set_text(L, "code", f->code);
    binding_set_text(L, "message", f->message);
    binding_set_text(L, "hint", f->hint);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void set_because(lua_State *L, const policy_answer *answer) {
  json_span because = {.at = answer->because.data + 1,
                       .size = answer->because.size - 2,
                       .type = JSON_STRING,
                       .escaped = true};
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, because.size + 1);
  luaL_pushresultsize(&buffer, json_unescape(because, text));
  lua_setfield(L, -2, "because");
}

void policy_set_tables_push_answer(lua_State *L, const policy_answer *answer,
                                   const policy_kind *kind, int64_t eval_us) {
  lua_createtable(L, 0, 10);
  binding_set_text(L, "action", answer->action);
  binding_set_bytes(L, "decision", answer->decision.data, answer->decision.size);
  set_because(L, answer);
  binding_set_text(L, "file", answer->file);
  set_buffer(L, "params", policy_kind_params_json(kind));
  set_buffer(L, "overrides", policy_kind_overridden_json(kind));
  binding_set_integer(L, "line", answer->line);
  binding_set_integer(L, "instructions", answer->instructions);
  binding_set_integer(L, "bytes", (lua_Integer)answer->memory);
  binding_set_integer(L, "eval_us", eval_us);
}

void policy_set_tables_push_entry(lua_State *L, const policy_answer *answer,
                                  const policy_kind *kind) {
  json_scan scan;
  lua_createtable(L, 0, 9);
  binding_set_text(L, "kind", policy_kind_name(kind));
  binding_set_text(L, "action", answer->action);
  set_because(L, answer);
  json_scan_begin(&scan, answer->decision.data, answer->decision.size);
  json_decode_push(L, &scan);
  lua_setfield(L, -2, "fields");
  binding_set_text(L, "file", answer->file);
  binding_set_integer(L, "line", answer->line);
  set_buffer(L, "params_json", policy_kind_params_json(kind));
}

/* Pushes a JSON value of our own as a Lua value; a number of a field that is one as a float. */
static void push_value(lua_State *L, const schema_field *field, const text_buffer *json) {
  json_scan scan;
  json_span value;
  json_scan_begin(&scan, json->data, json->size);
  if (field->type >= SCHEMA_LIST) {
    json_decode_push(L, &scan);
    return;
  }

  json_scan_value(&scan, &value);
  schema_read_push(L, field, value);
}

static void set_sizes(lua_State *L, const schema_field *field) {
  bool is_text = field->type == SCHEMA_TEXT;
  if (!is_text && field->type != SCHEMA_LIST && field->type != SCHEMA_MAP) return;
  if (field->min_size > 0)
    binding_set_integer(L, is_text ? "min_size" : "min_items", (lua_Integer)field->min_size);
  if (field->max_size < SCHEMA_ANY_SIZE)
    binding_set_integer(L, is_text ? "max_size" : "max_items", (lua_Integer)field->max_size);
}

static void set_values(lua_State *L, const schema_field *field) {
  lua_createtable(L, (int)field->value_count, 0);
  for (size_t i = 0; i < field->value_count; i++) {
    lua_pushlstring(L, field->values[i].text, field->values[i].size);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  lua_setfield(L, -2, "values");
}

/* What a value may be, as files of kinds write it, into the table on the top of the stack. */
static void set_spec(lua_State *L, const schema_field *field) {
  static const char *const types[] = {"integer", "number", "text", "flag", "choice",
                                      "list",    "record", "map",  "any"};
  luaL_checkstack(L, 6, NULL);
  binding_set_text(L, "type", types[field->type]);
  if (field->min > -1e300) binding_set_number(L, "min", field->min);
  if (field->max < 1e300) binding_set_number(L, "max", field->max);
  set_sizes(L, field);
  if (field->type == SCHEMA_CHOICE) set_values(L, field);
  if (field->of) {
    lua_newtable(L);
    set_spec(L, field->of);
    lua_setfield(L, -2, "of");
  }

  if (field->type != SCHEMA_RECORD) return;
  lua_createtable(L, (int)field->fields.count, 0);
  for (size_t i = 0; i < field->fields.count; i++) {
    const schema_field *inner = &field->fields.items[i];
    lua_newtable(L);
    binding_set_bytes(L, "name", inner->name, inner->name_size);
    binding_set_boolean(L, "required", inner->required);
    set_spec(L, inner);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  lua_setfield(L, -2, "fields");
}

static void push_param(lua_State *L, const policy_kind *kind, size_t i) {
  const schema_field *field = &policy_kind_params(kind)->items[i];
  const policy_param *param = policy_kind_param(kind, i);
  lua_createtable(L, 0, 8);
  binding_set_bytes(L, "name", field->name, field->name_size);
  push_value(L, field, &param->by_default);
  lua_setfield(L, -2, "default");
  push_value(L, field, param->override.size ? &param->override : &param->by_default);
  lua_setfield(L, -2, "value");
  binding_set_text(L, "doc", param->doc);
  set_spec(L, field);
}

static void push_policy(lua_State *L, const policy_kind *kind) {
  const policy_summary *policy = policy_kind_policy(kind);
  size_t count = policy_kind_params(kind)->count;
  lua_createtable(L, 0, 8);
  binding_set_text(L, "kind", policy_kind_name(kind));
  binding_set_text(L, "name", policy->name);
  binding_set_text(L, "file", policy->file->shown);
  binding_set_text(L, "digest", policy->digest);

  lua_createtable(L, (int)count, 0); // policy params
  for (size_t i = 0; i < count; i++) {
    push_param(L, kind, i); // policy params param
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  lua_setfield(L, -2, "params");

  binding_set_integer(L, "examples", (lua_Integer)policy->example_count);
  lua_createtable(L, 0, 2); // policy worst
  binding_set_integer(L, "instructions", policy->worst_instructions);
  binding_set_integer(L, "bytes", (lua_Integer)policy->worst_memory);
  lua_setfield(L, -2, "worst");
}

void policy_set_tables_push_policies(lua_State *L, const policy_sandbox *sandbox) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t i = 0; i < policy_kind_count(sandbox); i++) {
    const policy_kind *kind = policy_kind_at(sandbox, i);
    if (!policy_kind_policy(kind)) continue;
    push_policy(L, kind);
    lua_rawseti(L, -2, ++count);
  }
}

void policy_set_tables_push_kinds(lua_State *L, const text_buffer *json) {
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  binding_expect_memory(L, !json->failed);
  push_value(L, &any, json);
}

void policy_set_tables_push_sources(lua_State *L, const policy_files *files) {
  lua_createtable(L, (int)files->count, 0);
  for (size_t i = 0; i < files->count; i++) {
    const policy_file *file = &files->items[i];
    lua_createtable(L, 0, 3);
    binding_set_text(L, "path", file->path);
    binding_set_text(L, "file", file->shown);
    binding_set_bytes(L, "text", file->text, file->size);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

void policy_set_tables_push_paths(lua_State *L, const char *directory) {
  text_buffer *paths = binding_buffer_push(L);
  policy_files_list(directory, paths);
  binding_expect_memory(L, !paths->failed);

  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < paths->size; at += strlen(paths->data + at) + 1) {
    lua_pushstring(L, paths->data + at);
    lua_rawseti(L, -2, ++count);
  }
}
