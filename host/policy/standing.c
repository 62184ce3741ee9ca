/* See standing.h. */
#include "policy/standing.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/impl.h"

enum { PATH_BYTES = 96, TABLES_MAX = 64 };

typedef enum { INTEGER, NUMBER, FLAG, CONSTANT } place_type;

/* One entry of one table. */
typedef struct {
  double value, written; /* NaN: none */
  place_type type;
  uint64_t field; /* its bit among the fields of the facts, if it is one */
  char path[PATH_BYTES];
} place;

/* The places of one table, in the order in which Lua goes through it; the first is the facts. */
typedef struct {
  size_t first, count;
} table_places;

struct policy_standing {
  policy_sandbox *sandbox;
  policy_kind *kind;
  text_buffer text;
  json_members members; /* of the text */
  place *places;
  size_t count, capacity;
  size_t *where; /* the number that a caller has of a place → its index in places */
  table_places tables[TABLES_MAX];
  size_t table_count;
  /* Registry references to lists: the tables; of place i its key and its first value. */
  int table_list, keys, values;
  uint64_t given; /* fields of the facts */
  bool lent;      /* a policy has the tables */
};

/* ── Surveying what was decoded ── */

static place *add_place(policy_standing *self) {
  if (self->count == self->capacity) {
    size_t capacity = self->capacity ? 2 * self->capacity : 64;
    place *places = realloc(self->places, capacity * sizeof *places);
    if (!places) return NULL;
    self->places = places;
    self->capacity = capacity;
  }

  place *added = &self->places[self->count++];
  *added = (place){0};
  return added;
}

static place_type type_of(lua_State *L, int index) {
  switch (lua_type(L, index)) {
  case LUA_TNUMBER: return lua_isinteger(L, index) ? INTEGER : NUMBER;
  case LUA_TBOOLEAN: return FLAG;
  default: return CONSTANT;
  }
}

/* Appends the value on top to the list with this reference, as element `at`, and pops it. */
static void keep(lua_State *L, int list, size_t at) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, list);
  lua_insert(L, -2);
  lua_rawseti(L, -2, (lua_Integer)at);
  lua_pop(L, 1);
}

/* Notes the entry key, value on top of the stack. */
static void note_entry(lua_State *L, policy_standing *self, const char *prefix) {
  place *noted = add_place(self);
  if (!noted) luaL_error(L, "not enough memory");
  noted->type = type_of(L, -1);
  noted->value = noted->type == FLAG ? lua_toboolean(L, -1) : lua_tonumber(L, -1);
  noted->written = noted->value;
  const char *dot = prefix[0] ? "." : "";
  if (lua_type(L, -2) == LUA_TSTRING)
    snprintf(noted->path, sizeof noted->path, "%s%s%s", prefix, dot, lua_tostring(L, -2));
  else
    snprintf(noted->path, sizeof noted->path, "%s%s%d", prefix, dot, (int)lua_tointeger(L, -2));
  lua_pushvalue(L, -2);
  keep(L, self->keys, self->count);
  lua_pushvalue(L, -1);
  keep(L, self->values, self->count);
}

/* Notes the entries of the table on top, then those of the tables in it; pops it. */
static void survey(lua_State *L, policy_standing *self, const char *prefix) {
  luaL_checkstack(L, 8, "facts nested too deep");
  if (self->table_count == TABLES_MAX) luaL_error(L, "facts have too many tables");
  table_places *mine = &self->tables[self->table_count++];
  lua_pushvalue(L, -1);
  keep(L, self->table_list, self->table_count);
  mine->first = self->count;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) note_entry(L, self, prefix);
  lua_pop(L, 1);
  mine->count = self->count - mine->first;

  for (size_t i = 0; i < mine->count; i++) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s", self->places[mine->first + i].path);
    lua_rawgeti(L, LUA_REGISTRYINDEX, self->values);
    lua_rawgeti(L, -1, (lua_Integer)(mine->first + i + 1));
    lua_remove(L, -2);
    if (lua_istable(L, -1))
      survey(L, self, path);
    else
      lua_pop(L, 1);
  }
}

/* Notes which fields of the facts the places of the first table are. */
static void note_fields(policy_standing *self) {
  const schema_record *schema = self->kind->facts.schema;
  for (size_t at = 0; at < self->tables[0].count; at++)
    for (size_t i = 0; i < schema->count; i++)
      if (strcmp(schema->items[i].name, self->places[at].path) == 0)
        self->places[at].field = (uint64_t)1 << i;
}

/* Decodes every given field into the cache, and notes all there is. */
static void decode_all(lua_State *L, policy_standing *self) {
  facts *f = &self->kind->facts;
  facts_decode_all(L, f);
  self->given = f->present;
  self->count = self->table_count = 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->table);
  survey(L, self, "");
  note_fields(self);
}

/* ── Making one ── */

static int new_list(lua_State *L) {
  lua_newtable(L);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

static int open_protected(lua_State *L) {
  policy_standing *self = lua_touserdata(L, 1);
  self->table_list = new_list(L);
  self->keys = new_list(L);
  self->values = new_list(L);
  decode_all(L, self);
  self->where = malloc((self->count + 1) * sizeof *self->where);
  if (!self->where) luaL_error(L, "not enough memory");
  for (size_t i = 0; i < self->count; i++) self->where[i] = i;

  return 0;
}

policy_standing *policy_standing_new(policy_sandbox *sandbox, const policy_question *question,
                                     text_buffer *why) {
  policy_kind *kind = (policy_kind *)policy_kind_find(sandbox, question->kind, question->kind_size);
  policy_standing *self = calloc(1, sizeof *self);
  if (!self || !kind) {
    free(self);
    text_buffer_text(why, "not enough memory");
    return NULL;
  }

  self->sandbox = sandbox;
  self->kind = kind;
  text_buffer_append(&self->text, question->facts, question->facts_size);
  bool ok = !self->text.failed &&
            facts_list(self->text.data, self->text.size, &self->members, why) &&
            facts_take(&kind->facts, &self->members, (facts_known){0}, why);
  if (ok) {
    lua_State *L = sandbox->L;
    lua_pushcfunction(L, open_protected);
    lua_pushlightuserdata(L, self);
    ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
    lua_settop(L, 0);
    if (!ok) text_buffer_text(why, "not enough memory");
  }

  if (ok) return self;
  policy_standing_free(self);

  return NULL;
}

void policy_standing_free(policy_standing *self) {
  if (!self) return;
  text_buffer_free(&self->text);
  free(self->places);
  free(self->where);
  free(self);
}

/* ── Changing values ── */

size_t policy_standing_place(const policy_standing *self, const char *path) {
  for (size_t i = 0; i < self->count; i++) {
    const place *p = &self->places[self->where[i]];
    if (p->type != CONSTANT && strcmp(p->path, path) == 0) return i;
  }

  return POLICY_STANDING_NOWHERE;
}

void policy_standing_set(policy_standing *self, size_t at, double value) {
  self->places[self->where[at]].value = value;
}

/* ── Using it ── */

/* A constant never has. */
static bool has_changed(const place *p) {
  return p->value != p->written && !(isnan(p->value) && isnan(p->written));
}

static void push_value(lua_State *L, const place *p) {
  if (isnan(p->value))
    lua_pushnil(L);
  else if (p->type == INTEGER)
    lua_pushinteger(L, (lua_Integer)p->value);
  else if (p->type == NUMBER)
    lua_pushnumber(L, p->value);
  else
    lua_pushboolean(L, p->value != 0);
}

/* Writes what has changed to its places; with `all`, everything. */
static void write_values(lua_State *L, policy_standing *self, bool all) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->table_list);
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->keys);
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->values);
  int keys = lua_gettop(L) - 1;
  for (size_t i = 0; i < self->table_count; i++) {
    const table_places *mine = &self->tables[i];
    lua_rawgeti(L, keys - 1, (lua_Integer)i + 1);
    for (size_t at = mine->first; at < mine->first + mine->count; at++) {
      place *p = &self->places[at];
      if (!all && !has_changed(p)) continue;
      lua_rawgeti(L, keys, (lua_Integer)at + 1);
      if (p->type == CONSTANT)
        lua_rawgeti(L, keys + 1, (lua_Integer)at + 1);
      else
        push_value(L, p);
      lua_rawset(L, -3);
      p->written = p->value;
    }

    lua_pop(L, 1);
  }

  lua_settop(L, keys - 2);
}

/* The place of this path: mostly the one of before, but a table that was emptied and filled again
 * may be gone through in another order. */
static size_t find_path(const policy_standing *self, const char *path, size_t before) {
  for (size_t i = 0; i < self->count; i++) {
    size_t at = (before + i) % self->count;
    if (strcmp(self->places[at].path, path) == 0) return at;
  }

  return self->count;
}

/* Decodes the text again, and puts the values of before into the new tables. */
static void decode_again(lua_State *L, policy_standing *self) {
  text_buffer none = {0};
  size_t count = self->count, size = (count + 1) * sizeof(place);
  place *before = lua_newuserdatauv(L, size, 0);
  memcpy(before, self->places, count * sizeof *before);
  facts_take(&self->kind->facts, &self->members, (facts_known){0}, &none);
  decode_all(L, self);
  for (size_t i = 0; i < count; i++) {
    place *old = &before[self->where[i]];
    size_t at = find_path(self, old->path, self->where[i]);
    if (at == self->count) luaL_error(L, "not enough memory");
    self->where[i] = at;
    self->places[at].value = old->value;
  }

  write_values(L, self, true);
  lua_pop(L, 1);
}

void policy_standing_restore(lua_State *L, policy_standing *self) {
  self->lent = false;
  if (lua_trespassed(L)) decode_again(L, self);
}

/* The fields that this question gives: a field without a value reads as absent. */
static uint64_t given_now(const policy_standing *self) {
  uint64_t given = self->given;
  for (size_t at = 0; at < self->tables[0].count; at++) {
    const place *p = &self->places[at];
    if (p->type != CONSTANT && isnan(p->value)) given &= ~p->field;
  }

  return given;
}

void policy_standing_push(lua_State *L, policy_standing *self) {
  facts *f = &self->kind->facts;
  /* The decision before failed while the policy had the tables. */
  if (self->lent) decode_again(L, self);
  self->lent = true;
  lua_forgive(L); /* in other tables */
  bool mine = facts_stand(L, f, given_now(self), self);
  write_values(L, self, !mine);
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->table);
}
