/* The Lua tables that weir.policy_set answers with. See policy_set_tables.h. */
#include "policy_set_tables.h"

#include <lauxlib.h>
#include <string.h>

static void set_text(lua_State *L, const char *name, const char *text, size_t size) {
  lua_pushlstring(L, text, size);
  lua_setfield(L, -2, name);
}

static void set_buffer(lua_State *L, const char *name, const text_buffer *text) {
  set_text(L, name, text->data, text->size);
}

void policy_set_tables_push_findings(lua_State *L, const finding_list *findings) {
  lua_createtable(L, (int)findings->count, 0);
  for (size_t i = 0; i < findings->count; i++) {
    const finding *f = &findings->items[i];
    lua_createtable(L, 0, 7);
    lua_pushstring(L, f->file);
    lua_setfield(L, -2, "file");
    lua_pushinteger(L, f->line);
    lua_setfield(L, -2, "line");
    lua_pushinteger(L, f->column);
    lua_setfield(L, -2, "column");
    lua_pushstring(L, f->severity == FINDING_ERROR ? "error" : "warning");
    lua_setfield(L, -2, "severity");
    lua_pushstring(L, f->code);
    lua_setfield(L, -2, "code");
    lua_pushstring(L, f->message);
    lua_setfield(L, -2, "message");
    if (f->hint) {
      lua_pushstring(L, f->hint);
      lua_setfield(L, -2, "hint");
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

void policy_set_tables_push_answer(lua_State *L, const policy_answer *answer,
                                   const policy_kind *kind, int64_t eval_us) {
  lua_createtable(L, 0, 10);
  set_text(L, "action", answer->action, strlen(answer->action));
  set_text(L, "decision", answer->decision.data, answer->decision.size);
  json_span because = {.at = answer->because.data + 1,
                       .size = answer->because.size - 2,
                       .type = JSON_STRING,
                       .escaped = true};
  luaL_Buffer buffer;
  char *text = luaL_buffinitsize(L, &buffer, because.size + 1);
  luaL_pushresultsize(&buffer, json_unescape(because, text));
  lua_setfield(L, -2, "because");
  set_text(L, "file", answer->file, strlen(answer->file));
  set_buffer(L, "params", policy_kind_params_json(kind));
  set_buffer(L, "overrides", policy_kind_overridden_json(kind));
  lua_pushinteger(L, answer->line);
  lua_setfield(L, -2, "line");
  lua_pushinteger(L, answer->instructions);
  lua_setfield(L, -2, "instructions");
  lua_pushinteger(L, (lua_Integer)answer->memory);
  lua_setfield(L, -2, "bytes");
  lua_pushinteger(L, eval_us);
  lua_setfield(L, -2, "eval_us");
}

/* Pushes a JSON scalar of a parameter as a Lua value. */
static void push_value(lua_State *L, const schema_field *field, const text_buffer *json) {
  json_scan scan;
  json_span value;
  json_scan_begin(&scan, json->data, json->size);
  json_scan_value(&scan, &value);
  schema_read_push(L, field, value);
}

static void push_param(lua_State *L, const policy_kind *kind, size_t i) {
  const schema_field *field = &policy_kind_params(kind)->items[i];
  const policy_param *param = policy_kind_param(kind, i);
  lua_createtable(L, 0, 8);
  set_text(L, "name", field->name, field->name_size);
  push_value(L, field, &param->by_default);
  lua_setfield(L, -2, "default");
  push_value(L, field, param->override.size ? &param->override : &param->by_default);
  lua_setfield(L, -2, "value");
  if (param->doc) set_text(L, "doc", param->doc, strlen(param->doc));
  static const char *const types[] = {"integer", "number", "text", "flag", "choice"};
  lua_pushstring(L, types[field->type]);
  lua_setfield(L, -2, "type");
  if (field->min > -1e300) {
    lua_pushnumber(L, field->min);
    lua_setfield(L, -2, "min");
  }
  if (field->max < 1e300) {
    lua_pushnumber(L, field->max);
    lua_setfield(L, -2, "max");
  }
}

static void push_policy(lua_State *L, const policy_kind *kind) {
  const policy_summary *policy = policy_kind_policy(kind);
  size_t count = policy_kind_params(kind)->count;
  lua_createtable(L, 0, 8);
  set_text(L, "kind", policy_kind_name(kind), strlen(policy_kind_name(kind)));
  set_text(L, "name", policy->name, strlen(policy->name));
  set_text(L, "file", policy->file->shown, strlen(policy->file->shown));
  set_text(L, "digest", policy->digest, strlen(policy->digest));
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    push_param(L, kind, i);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "params");
  lua_pushinteger(L, (lua_Integer)policy->example_count);
  lua_setfield(L, -2, "examples");
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, policy->worst_instructions);
  lua_setfield(L, -2, "instructions");
  lua_pushinteger(L, (lua_Integer)policy->worst_memory);
  lua_setfield(L, -2, "bytes");
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
