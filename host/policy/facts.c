/* See facts.h. */
#include "policy/facts.h"

#include <lauxlib.h>
#include <string.h>

#include "core/json/plain_size.h"
#include "sandbox/budget.h"

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

/* What a policy pays for two bytes of a list, a record or other JSON that it reads: less than the
 * tables take, and the same for all shapes. White space and escapes do not count: the decision log
 * has the same facts without the one, and with others of the other. An event of 1 MiB fits into the
 * default budget, and one that takes 100 ms to make tables of does not. */
enum { PRICE_OF_TWO_BYTES = 7 };

static void push_value(lua_State *L, const schema_field *field, json_span value, bool compact) {
  bool priced = value.type >= JSON_OBJECT;
  if (priced) {
    size_t size = compact ? value.size : json_plain_size(value);
    sandbox_budget_open_price(L, size / 2 * PRICE_OF_TWO_BYTES);
  }

  schema_read_push(L, field, value);
  if (priced) sandbox_budget_close_price(L);
}

/* Decodes a field into the facts table at index; the names are in the list at index keys. What the
 * table needs for one more name depends on which names it had in earlier decisions, so that costs
 * the decision nothing. */
static void decode_field(lua_State *L, facts *f, size_t at, int table, int keys) {
  lua_rawgeti(L, keys, (lua_Integer)at + 1);
  push_value(L, &f->schema->items[at], f->slots[at], f->compact);
  sandbox_pause pause = sandbox_budget_pause(L);
  lua_rawset(L, table);
  sandbox_budget_resume(L, pause);
  f->decoded |= (uint64_t)1 << at;
}

/* __index(facts, name), for a field that is not in the table: one that is not given, or not decoded
 * yet. */
static int facts_index(lua_State *L) {
  facts *f = lua_touserdata(L, lua_upvalueindex(1));
  size_t at = field_at_key(L, f, lua_tostring(L, lua_upvalueindex(2)));
  if (!(f->present >> at & 1)) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->keys);
  decode_field(L, f, at, 1, 3);
  lua_pushvalue(L, 2);
  lua_rawget(L, 1);

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
  size_t at =
      lua_isnoneornil(L, 2) ? 0 : field_at_key(L, f, lua_tostring(L, lua_upvalueindex(2))) + 1;
  while (at < f->schema->count && !(f->present >> at & 1)) at++;
  if (at == f->schema->count) return 0;
  lua_pushstring(L, f->names[at]);
  lua_pushvalue(L, -1);
  lua_gettable(L, 1);

  return 2;
}

static int facts_pairs(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushcclosure(L, facts_next, 2);
  lua_pushvalue(L, 1);
  lua_pushnil(L);

  return 3;
}

static void set_function(lua_State *L, const char *name, lua_CFunction function, facts *f,
                         const char *kind) {
  lua_pushlightuserdata(L, f);
  lua_pushstring(L, kind);
  lua_pushcclosure(L, function, 2);
  lua_setfield(L, -2, name);
}

void facts_open(lua_State *L, facts *f, const schema_record *schema, const char *kind) {
  *f = (facts){.schema = schema};
  schema_push_names(L, schema, f->names); // keys
  f->keys = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, 0, (int)schema->count); // table
  lua_createtable(L, 0, 4);                  // table metatable
  set_function(L, "__index", facts_index, f, kind);
  lua_pushcfunction(L, facts_newindex);
  lua_setfield(L, -2, "__newindex");
  set_function(L, "__pairs", facts_pairs, f, kind);
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_guard(L, -1);
  f->table = luaL_ref(L, LUA_REGISTRYINDEX);
}

static bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Is the name a word of the text? */
static bool is_mentioned(const char *text, size_t size, const char *name, size_t name_size) {
  const char *end = text + size;
  for (const char *at = text; (at = memmem(at, (size_t)(end - at), name, name_size)); at++) {
    const char *after = at + name_size;
    if ((at == text || !is_name_byte(at[-1])) && (after == end || !is_name_byte(*after)))
      return true;
  }

  return false;
}

void facts_mention(facts *f, const char *text, size_t size) {
  for (size_t i = 0; i < f->schema->count; i++) {
    const schema_field *field = &f->schema->items[i];
    if (field->type >= SCHEMA_LIST || f->scalars >> i & 1) continue;
    if (is_mentioned(text, size, field->name, field->name_size)) f->scalars |= (uint64_t)1 << i;
  }
}

static bool refuse_name(const facts *f, json_span key, text_buffer *why) {
  schema_read_explain_unknown(f->schema, "field", key, why);
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

bool facts_list(const char *text, size_t size, json_members *members, text_buffer *why) {
  json_scan scan;
  json_span object;
  json_type type;
  json_scan_begin(&scan, text, size);
  if (json_scan_peek(&scan, &type) && type != JSON_OBJECT) {
    text_buffer_text(why, "facts must be one JSON object");
    return false;
  }

  if (json_read_members(&scan, members, &object) && json_scan_finish(&scan)) return true;
  size_t line, column;
  json_scan_place(&scan, &line, &column);
  text_buffer_format(why, "not valid JSON: %s (line %zu, column %zu)", scan.error, line, column);

  return false;
}

bool facts_take(facts *f, const json_members *members, facts_known known, text_buffer *why) {
  uint64_t given = 0;
  uint8_t *next = f->next; /* decisions mostly come with the same fields in the same order */
  f->present = 0;
  f->compact = known.compact;
  f->stander = NULL;
  for (size_t i = 0; i < members->count; i++) {
    const json_member *member = &members->items[i];
    size_t guess = *next;
    const schema_field *field = schema_find(f->schema, member->key.at, member->key.size, &guess);
    if (!field) return refuse_name(f, member->key, why);
    size_t at = (size_t)(field - f->schema->items);
    *next = (uint8_t)at;
    next = &f->next[at + 1];
    if (given >> at & 1) {
      text_buffer_format(why, "field \"%s\" is given twice", field->name);
      return false;
    }

    bool fits = known.made_of_value && field->type == SCHEMA_ANY;
    if (!fits && !schema_read_check_value(field, member->value, why)) return false;
    f->slots[at] = member->value;
    given |= (uint64_t)1 << at;
    if (member->value.type != JSON_NULL) f->present |= (uint64_t)1 << at;
  }

  f->taken = f->present;
  return check_complete(f, f->present, why);
}

void facts_take_over(facts *f, const facts *checked) {
  f->present = f->taken = checked->taken;
  f->compact = checked->compact;
  f->stander = NULL;
  for (uint64_t left = f->present; left; left &= left - 1) {
    int at = __builtin_ctzll(left);
    f->slots[at] = checked->slots[at];
  }
}

/* Removes fields from the facts table. */
static void drop_fields(lua_State *L, facts *f, uint64_t dropped) {
  f->decoded &= ~dropped;
  if (!dropped) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->table);
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->keys);
  for (; dropped; dropped &= dropped - 1) {
    lua_rawgeti(L, -1, __builtin_ctzll(dropped) + 1); // table keys name
    lua_pushnil(L);
    lua_rawset(L, -4);
  }

  lua_pop(L, 2);
}

/* Pushes the facts table, with these fields decoded into it. */
static void push_decoded(lua_State *L, facts *f, uint64_t fresh) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->table);
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->keys);
  int keys = lua_gettop(L);
  for (; fresh; fresh &= fresh - 1)
    decode_field(L, f, (size_t)__builtin_ctzll(fresh), keys - 1, keys);
  lua_pop(L, 1);
}

/* Fields that the decision before left in the table go, the given scalars that policies mention
 * come. */
void facts_push(lua_State *L, facts *f) {
  uint64_t fresh = f->scalars & f->present;
  drop_fields(L, f, f->decoded & ~fresh);
  f->decoded = 0;
  lua_forgive(L); /* what was changed is gone */
  push_decoded(L, f, fresh);
}

void facts_decode_all(lua_State *L, facts *f) {
  drop_fields(L, f, f->decoded);
  lua_forgive(L);
  push_decoded(L, f, f->present);
  lua_pop(L, 1);
}

bool facts_stand(lua_State *L, facts *f, uint64_t given, const void *stander) {
  bool same = f->stander == stander;
  drop_fields(L, f, f->decoded & ~given);
  f->present = f->decoded = given;
  f->stander = stander;

  return same;
}

void facts_restore(lua_State *L, facts *f) {
  uint64_t changeable = 0;
  if (!lua_trespassed(L)) return;
  for (size_t i = 0; i < f->schema->count; i++)
    if (f->schema->items[i].type >= SCHEMA_LIST) changeable |= (uint64_t)1 << i;
  drop_fields(L, f, changeable & f->decoded);
}
