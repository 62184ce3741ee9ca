/* See facts.h. */
#include "facts.h"

#include <lauxlib.h>
#include <string.h>

/* The schema index of the field named at stack index 2; raises for a field the kind lacks. */
static size_t field_at_key(lua_State *L, const facts *f, const char *kind) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
  for (size_t i = 0; key && i < f->schema->count; i++)
    if (f->names[i] == key) return i;
  if (!key) luaL_error(L, "facts are read by field name, not by a %s", luaL_typename(L, 2));
  const char *near = schema_suggest(f->schema, key, strlen(key));
  luaL_error(L, "%s facts have no field '%s'%s%s%s", kind, key, near ? "; did you mean '" : "",
             near ? near : "", near ? "'?" : "");
  return 0;
}

/* __index(facts, name): tables are kept in the facts table, so that reading one twice gives the
 * same table; scalars are cheaper to decode again than to store. */
static int facts_index(lua_State *L) {
  const facts *f = lua_touserdata(L, lua_upvalueindex(1));
  size_t at = field_at_key(L, f, lua_tostring(L, lua_upvalueindex(2)));
  if (!(f->present >> at & 1)) return 0;
  schema_push_json(L, &f->schema->items[at], f->slots[at]);
  if (lua_type(L, -1) == LUA_TTABLE) {
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
  }
  return 1;
}

static int facts_newindex(lua_State *L) {
  return luaL_error(L, "facts are read-only: '%s' cannot be set",
                    lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2));
}

/* Iterator over the given fields in byte order of their names: state is the facts table, control
 * the name before. */
static int facts_next(lua_State *L) {
  const facts *f = lua_touserdata(L, lua_upvalueindex(1));
  size_t at = lua_isnoneornil(L, 2) ? 0 : field_at_key(L, f, "these") + 1;
  while (at < f->schema->count && !(f->present >> at & 1)) at++;
  if (at == f->schema->count) return 0;
  lua_pushstring(L, f->names[at]);
  lua_pushvalue(L, -1);
  lua_gettable(L, 1);
  return 2;
}

static int facts_pairs(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

void facts_open(lua_State *L, facts *f, const schema_record *schema, const char *kind) {
  f->schema = schema;
  f->present = 0;
  lua_createtable(L, (int)schema->count, 5); // metatable
  for (size_t i = 0; i < schema->count; i++) {
    f->names[i] = lua_pushlstring(L, schema->items[i].name, schema->items[i].name_size);
    lua_rawseti(L, -2, (lua_Integer)i + 1); /* anchors the name */
  }
  lua_pushlightuserdata(L, f);
  lua_pushstring(L, kind);
  lua_pushcclosure(L, facts_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, facts_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushlightuserdata(L, f);
  lua_pushcclosure(L, facts_next, 1);
  lua_pushcclosure(L, facts_pairs, 1);
  lua_setfield(L, -2, "__pairs");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
}

static bool explain(const facts *f, const json_scan *scan, json_span key, text_buffer *why) {
  if (scan->error) {
    size_t line, column;
    json_scan_place(scan, &line, &column);
    text_buffer_format(why, "not valid JSON: %s (line %zu, column %zu)", scan->error, line, column);
    return false;
  }
  const char *near = schema_suggest(f->schema, key.at, key.size);
  text_buffer_format(why, "unknown field \"%.*s\"", (int)(key.size > 60 ? 60 : key.size), key.at);
  if (near) text_buffer_format(why, " (did you mean \"%s\"?)", near);
  return false;
}

static bool check_complete(const facts *f, uint64_t given, text_buffer *why) {
  for (size_t i = 0; i < f->schema->count; i++)
    if (f->schema->items[i].required && !(given >> i & 1)) {
      text_buffer_format(why, "field \"%s\" is missing", f->schema->items[i].name);
      return false;
    }
  return true;
}

bool facts_read(facts *f, const char *text, size_t size, text_buffer *why) {
  json_scan scan;
  json_span key = {0};
  json_type type;
  uint64_t given = 0;
  size_t guess = 0;
  f->present = 0;
  json_scan_begin(&scan, text, size);
  if (!json_scan_peek(&scan, &type)) return explain(f, &scan, key, why);
  if (type != JSON_OBJECT) {
    text_buffer_text(why, "facts must be one JSON object");
    return false;
  }
  json_scan_enter(&scan, JSON_OBJECT);
  while (json_scan_member(&scan, &key)) {
    const schema_field *field = schema_find(f->schema, key.at, key.size, &guess);
    if (!field) return explain(f, &scan, key, why);
    size_t at = (size_t)(field - f->schema->items);
    if (given >> at & 1) {
      text_buffer_format(why, "field \"%s\" is given twice", field->name);
      return false;
    }
    if (!schema_check_json(field, &scan, &f->slots[at], why))
      return scan.error ? explain(f, &scan, key, why) : false;
    given |= (uint64_t)1 << at;
    if (f->slots[at].type != JSON_NULL) f->present |= (uint64_t)1 << at;
  }
  if (!json_scan_finish(&scan)) {
    f->present = 0;
    return explain(f, &scan, key, why);
  }
  return check_complete(f, f->present, why);
}

void facts_push(lua_State *L, int metatable) {
  metatable = lua_absindex(L, metatable);
  lua_createtable(L, 0, 0);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
}
