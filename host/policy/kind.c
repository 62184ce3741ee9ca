/* Opening a kind in a sandbox, its decision constructors, and adopting the policy for it.
 * See impl.h. */
#include "policy/impl.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

static void copy_name(lua_State *L, int index, char *out, size_t capacity) {
  size_t size;
  const char *text = luaL_checklstring(L, index, &size);
  if (size >= capacity) luaL_error(L, "name '%s' is too long", text);
  memcpy(out, text, size + 1);
}

/* With place: the file and line that called the constructor. */
static void note_place(lua_State *L, policy_sandbox *sandbox, const void *table) {
  lua_Debug caller;
  if (sandbox->made_count == CONSTRUCTED_MAX) sandbox->made_count = 0; /* the oldest go */
  constructed *place = &sandbox->made[sandbox->made_count++];
  *place = (constructed){.table = table};
  if (!lua_getstack(L, 1, &caller) || !lua_getinfo(L, "Sl", &caller)) return;
  if (caller.source[0] != '@') return;
  place->file = policy_files_find(sandbox->files, caller.source + 1);
  place->line = caller.currentline;
}

/* Pushes that the key on the top of the stack is not a field of the decision. */
static void push_refusal(lua_State *L, const decision_spec *spec) {
  if (lua_type(L, -1) != LUA_TSTRING) {
    lua_pushfstring(L, "%s: fields have names, not %s keys", spec->action, luaL_typename(L, -1));
    return;
  }

  size_t size;
  const char *key = lua_tolstring(L, -1, &size);
  const char *near = schema_suggest(&spec->fields, key, size);
  lua_pushfstring(L, "%s has no field '%s'%s%s%s", spec->action, key,
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The place of an argument of because that the key at index stands for, or 0. */
static size_t argument_place(lua_State *L, int index) {
  if (!lua_isinteger(L, index)) return 0;
  lua_Integer place = lua_tointeger(L, index);
  return place >= 1 && place <= KIND_MAX_ARGUMENTS ? (size_t)place : 0;
}

/* The number of the field, or count. The first to look at is *next, which gets the one after. */
static size_t field_at(const decision_spec *spec, const char *name, size_t *next) {
  size_t count = spec->fields.count, at = *next;
  for (size_t i = 0; i < count; i++, at++) {
    if (at >= count) at = 0;
    if (spec->names[at] != name) continue;
    *next = at + 1;
    return at;
  }

  return count;
}

/* Is the key below the top of the stack one that a decision may have? */
static bool is_known(lua_State *L, const decision_spec *spec, size_t *next, decision_shape *shape) {
  if (lua_type(L, -2) != LUA_TSTRING) {
    size_t place = argument_place(L, -2);
    if (place > shape->arguments) shape->arguments = place;
    return place > 0;
  }

  size_t size;
  const char *key = lua_tolstring(L, -2, &size);
  if (size == 7 && memcmp(key, "because", 7) == 0) {
    shape->has_because = lua_type(L, -1) == LUA_TSTRING;
    return true;
  }

  size_t at = field_at(spec, key, next);
  if (at == spec->fields.count) return false;
  shape->given |= (uint64_t)1 << at;

  return true;
}

/* Pushes the refusal of the first key, in the order of keys, that is not a field. */
static void refuse_fields(lua_State *L, const decision_spec *spec, int index) {
  size_t next = 0;
  decision_shape shape = {0};
  lua_pushnil(L);
  int unknown = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (is_known(L, spec, &next, &shape)) continue;
    lua_pushvalue(L, -2);
    schema_keep_first_key(L, unknown);
    lua_pop(L, 1);
  }

  push_refusal(L, spec);
}

/* See policy_kind_check_made. */
static bool check_fields(lua_State *L, const decision_spec *spec, int index,
                         decision_shape *shape) {
  size_t next = 0;
  *shape = (decision_shape){0};
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (is_known(L, spec, &next, shape)) continue;
    refuse_fields(L, spec, index);
    return false;
  }

  if (!shape->has_because)
    lua_pushfstring(L, "%s needs because = \"…\": say why in a text", spec->action);
  return shape->has_because;
}

bool policy_kind_check_made(lua_State *L, const decision_spec *spec, int index,
                            decision_shape *shape) {
  const policy_sandbox *sandbox = policy_sandbox_at(L);
  /* A field may have come after the constructor had looked. */
  if (lua_topointer(L, index) != sandbox->checked || lua_trespassed(L))
    return check_fields(L, spec, index, shape);
  *shape = sandbox->checked_shape;

  return true;
}

/* realtime { because = "…", arguments…, field = value }: marks the table as this decision and
 * gives it back. Values are checked when the decision is returned from decide. */
static int construct(lua_State *L) {
  const decision_spec *spec = lua_touserdata(L, lua_upvalueindex(1));
  policy_sandbox *sandbox = lua_touserdata(L, lua_upvalueindex(2));
  /* Made while loading, it would be one table for all decisions. */
  if (!sandbox->question)
    return luaL_error(L, "%s: decisions are made inside decide", spec->action);
  if (lua_type(L, 1) != LUA_TTABLE || lua_gettop(L) != 1)
    return luaL_error(L, "expected %s { because = \"…\" }", spec->action);
  if (lua_getmetatable(L, 1))
    return luaL_error(L, "%s: this table is a decision already", spec->action);
  decision_shape shape;
  if (!check_fields(L, spec, 1, &shape))
    return luaL_error(L, "%s", lua_tostring(L, -1)); /* adds the place */
  lua_rawgeti(L, LUA_REGISTRYINDEX, spec->metatable);
  lua_setmetatable(L, 1);
  lua_guard(L, 1);
  sandbox->checked = lua_topointer(L, 1);
  sandbox->checked_shape = shape;
  if (sandbox->question->place) note_place(L, sandbox, lua_topointer(L, 1));

  return 1;
}

const char *policy_kind_action_of(lua_State *L, int index) {
  if (lua_tocfunction(L, index) != construct || !lua_getupvalue(L, index, 1)) return NULL;
  const decision_spec *spec = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return spec->action;
}

/* The decision's spec is on the top of the stack. */
static void open_decision(lua_State *L, policy_sandbox *sandbox, policy_kind *kind, int words) {
  if (kind->decision_count == POLICY_ACTIONS_MAX) luaL_error(L, "too many decisions");
  decision_spec *spec = &kind->decisions[kind->decision_count++];
  spec->kind = kind;
  lua_getfield(L, -1, "action"); // spec action
  copy_name(L, -1, spec->action, sizeof spec->action);
  const char *json = lua_pushfstring(L, "{\"action\":\"%s\"}", spec->action);
  spec->json_size = strlen(json);
  memcpy(spec->json, json, spec->json_size + 1);
  lua_pop(L, 1);
  lua_pop(L, 1);
  if (lua_getfield(L, -1, "fields") != LUA_TNIL) schema_record_compile(L, -1, &spec->fields);
  lua_pop(L, 1);
  schema_push_names(L, &spec->fields, spec->names);
  spec->keys = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, 0, 2); // spec metatable
  lua_pushlightuserdata(L, spec);
  lua_rawseti(L, -2, 1);
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  spec->metatable = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushlightuserdata(L, spec);
  lua_pushlightuserdata(L, sandbox);
  lua_pushcclosure(L, construct, 2);
  if (lua_getfield(L, words, spec->action) != LUA_TNIL)
    luaL_error(L, "two words are named '%s'", spec->action);
  lua_pop(L, 1);
  lua_setfield(L, words, spec->action);
}

void policy_kind_open(lua_State *L, policy_sandbox *sandbox, policy_kind *kind, int words) {
  words = lua_absindex(L, words);
  kind->policy_table = kind->decide = kind->in_force.table = LUA_NOREF;
  lua_getfield(L, -1, "kind"); // kind name
  copy_name(L, -1, kind->name, sizeof kind->name);
  lua_pop(L, 1);
  lua_getfield(L, -1, "facts"); // kind facts
  schema_record_compile(L, -1, &kind->facts_schema);
  lua_pop(L, 1);
  facts_open(L, &kind->facts, &kind->facts_schema, kind->name);
  lua_getfield(L, -1, "decisions"); // kind decisions
  size_t count = lua_rawlen(L, -1);
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i); // kind decisions spec
    open_decision(L, sandbox, kind, words);
    lua_pop(L, 1);
  }

  lua_pop(L, 1);
  kind->invariants = LUA_NOREF;
  if (lua_getfield(L, -1, "invariants") == LUA_TNIL)
    lua_pop(L, 1);
  else
    kind->invariants = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
}

void policy_kind_replace_facts(lua_State *L, policy_kind *kind) {
  luaL_unref(L, LUA_REGISTRYINDEX, kind->facts.table);
  luaL_unref(L, LUA_REGISTRYINDEX, kind->facts.keys);
  schema_record_free(&kind->facts_schema);
  schema_record_compile(L, -1, &kind->facts_schema);
  lua_pop(L, 1);
  facts_open(L, &kind->facts, &kind->facts_schema, kind->name);
}

void policy_kind_free(policy_kind *kind) {
  for (size_t i = 0; i < kind->decision_count; i++) schema_record_free(&kind->decisions[i].fields);
  schema_record_free(&kind->facts_schema);
  text_buffer_free(&kind->declaration);
}

size_t policy_kind_count(const policy_sandbox *sandbox) {
  return sandbox->kind_count;
}

const policy_kind *policy_kind_at(const policy_sandbox *sandbox, size_t index) {
  return &sandbox->kinds[index];
}

size_t policy_kind_index(const policy_sandbox *sandbox, const policy_kind *kind) {
  return (size_t)(kind - sandbox->kinds);
}

const policy_kind *policy_kind_find(const policy_sandbox *sandbox, const char *name, size_t size) {
  for (size_t i = 0; i < sandbox->kind_count; i++)
    if (strlen(sandbox->kinds[i].name) == size && memcmp(sandbox->kinds[i].name, name, size) == 0)
      return &sandbox->kinds[i];
  return NULL;
}

const char *policy_kind_name(const policy_kind *kind) {
  return kind->name;
}

const schema_record *policy_kind_facts(const policy_kind *kind) {
  return &kind->facts_schema;
}

size_t policy_kind_action_count(const policy_kind *kind) {
  return kind->decision_count;
}

const char *policy_kind_action(const policy_kind *kind, size_t index) {
  return kind->decisions[index].action;
}

const policy_summary *policy_kind_policy(const policy_kind *kind) {
  return kind->policy.file ? &kind->policy : NULL;
}

const schema_record *policy_kind_params(const policy_kind *kind) {
  return &kind->params.schema;
}

const policy_param *policy_kind_param(const policy_kind *kind, size_t index) {
  return &kind->params.items[index];
}

const text_buffer *policy_kind_params_json(const policy_kind *kind) {
  return &kind->in_force.json;
}

const text_buffer *policy_kind_overridden_json(const policy_kind *kind) {
  return &kind->in_force.overridden;
}

const decision_spec *policy_kind_decision_at(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return NULL;
  lua_rawgeti(L, -1, 1);
  const decision_spec *spec = lua_touserdata(L, -1); /* only decisions' metatables have one */
  lua_pop(L, 2);

  return spec;
}

/* Turns params = { name = spec, … } (top of the stack) into the list that schemas are compiled
 * from, and pushes it. */
static void push_param_list(lua_State *L) {
  lua_newtable(L); // params list
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, -3);) { // params list name spec
    lua_createtable(L, 0, 12);             // params list name spec field
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "name");
    static const char *const copied[] = {"type",      "min",      "max",       "values",
                                         "min_size",  "max_size", "min_items", "max_items",
                                         "unique_by", "of"};
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
      lua_getfield(L, -2, copied[i]);
      lua_setfield(L, -2, copied[i]);
    }

    lua_pushboolean(L, true); /* null is not a value for a parameter */
    lua_setfield(L, -2, "required");
    lua_rawseti(L, -4, ++count);
    lua_pop(L, 1); // params list name
  }
}

/* Takes the default and the doc of parameter i from its table on the top of the stack. */
static void read_param(lua_State *L, policy_kind *kind, size_t i, finding_list *findings) {
  const policy_file *file = kind->policy.file;
  const schema_field *field = &kind->params.schema.items[i];
  policy_param *param = &kind->params.items[i];
  text_buffer why = {0};
  lua_getfield(L, -1, "default");
  if (!schema_write_json(L, lua_gettop(L), field, &param->by_default, &why)) {
    /* What is wrong with an element does not name the list. */
    bool named =
        why.size > field->name_size && memcmp(why.data, field->name, field->name_size) == 0;
    finding_error(findings, file->shown, policy_files_line_of(file, field->name, field->name_size),
                  "W006", "the default of parameter %s%s%.*s", named ? "" : field->name,
                  named ? "" : ": ", (int)why.size, why.data);
  }

  text_buffer_free(&why);
  if (lua_getfield(L, -2, "doc") == LUA_TSTRING) param->doc = strdup(lua_tostring(L, -1));
  lua_pop(L, 2);
}

/* The table of parameters is on the top of the stack. */
static void read_params(lua_State *L, policy_kind *kind, finding_list *findings) {
  const schema_record *schema = &kind->params.schema;
  kind->params.items = calloc(schema->count + 1, sizeof *kind->params.items);
  if (!kind->params.items) sandbox_budget_raise_shortage(L);
  for (size_t i = 0; i < schema->count; i++) {
    lua_getfield(L, -1, schema->items[i].name);
    read_param(L, kind, i, findings);
    lua_pop(L, 1);
  }
}

static void read_name(lua_State *L, policy_kind *kind) {
  if (lua_getfield(L, -1, "name") == LUA_TSTRING)
    copy_name(L, -1, kind->policy.name, sizeof kind->policy.name);
  else
    strcpy(kind->policy.name, kind->name);
  lua_pop(L, 1);
}

void policy_kind_adopt(lua_State *L, policy_kind *kind, const policy_file *file,
                       finding_list *findings) {
  kind->policy.file = file;
  read_name(L, kind);
  if (lua_getfield(L, -1, "params") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
  }

  push_param_list(L); // policy params list
  schema_record_compile(L, -1, &kind->params.schema);
  lua_pop(L, 1);
  read_params(L, kind, findings);
  lua_pop(L, 1);

  lua_getfield(L, -1, "decide");
  kind->decide = luaL_ref(L, LUA_REGISTRYINDEX);
  if (lua_getfield(L, -1, "examples") == LUA_TTABLE)
    kind->policy.example_count = (size_t)luaL_len(L, -1); /* it may be frozen */
  lua_pop(L, 1);
  kind->policy_table = luaL_ref(L, LUA_REGISTRYINDEX);
}
