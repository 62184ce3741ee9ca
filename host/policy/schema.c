/* Compiling field specs, and finding fields by name. See schema.h. */
#include "policy/schema.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/edit_distance.h"
#include "sandbox/budget.h"

static const char *const type_names[] = {"integer", "number", "text", "flag", "choice",
                                         "list",    "record", "map",  "any",  NULL};

static void field_free(schema_field *field) {
  free(field->name);
  for (size_t i = 0; i < field->value_count; i++) free(field->values[i].text);
  free(field->values);
  if (field->of) field_free(field->of);
  free(field->of);
  free(field->unique_by);
  schema_record_free(&field->fields);
}

void schema_record_free(schema_record *record) {
  for (size_t i = 0; i < record->count; i++) field_free(&record->items[i]);
  free(record->items);
  *record = (schema_record){0};
}

/* calloc that raises; what it is stored in is freed by the caller of the whole compilation. */
static void *allocate(lua_State *L, size_t count, size_t size) {
  void *block = calloc(count ? count : 1, size);
  if (!block) sandbox_budget_raise_shortage(L);
  return block;
}

static char *copy_text(lua_State *L, int index, size_t *size) {
  size_t length;
  const char *text = luaL_checklstring(L, index, &length);
  char *copy = allocate(L, length + 1, 1);
  memcpy(copy, text, length);
  if (size) *size = length;

  return copy;
}

static double number_or(lua_State *L, const char *key, double missing) {
  lua_getfield(L, -1, key); // spec value
  double value = luaL_optnumber(L, -1, missing);
  lua_pop(L, 1);
  return value;
}

static void compile_values(lua_State *L, schema_field *field) {
  lua_getfield(L, -1, "values"); // spec values
  luaL_checktype(L, -1, LUA_TTABLE);
  size_t count = lua_rawlen(L, -1);
  field->values = allocate(L, count, sizeof *field->values);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1); // spec values value
    field->values[i].text = copy_text(L, -1, &field->values[i].size);
    field->value_count++;
    for (size_t j = 0; j < i; j++)
      if (field->values[j].size == field->values[i].size &&
          memcmp(field->values[j].text, field->values[i].text, field->values[i].size) == 0)
        luaL_error(L, "the value '%s' is there twice", field->values[i].text);
    lua_pop(L, 1);
  }

  lua_pop(L, 1);
}

static void compile_field(lua_State *L, schema_field *field);

static void compile_of(lua_State *L, schema_field *field) {
  lua_getfield(L, -1, "of"); // spec of
  luaL_checktype(L, -1, LUA_TTABLE);
  field->of = allocate(L, 1, sizeof *field->of);
  compile_field(L, field->of);
  lua_pop(L, 1);
}

/* The field by which the elements of a list differ. */
static void compile_unique_by(lua_State *L, schema_field *field) {
  if (lua_getfield(L, -1, "unique_by") == LUA_TNIL) { // spec unique_by
    lua_pop(L, 1);
    return;
  }

  size_t size, guess = 0;
  field->unique_by = copy_text(L, -1, &size);
  lua_pop(L, 1);
  const schema_field *key = schema_find(&field->of->fields, field->unique_by, size, &guess);
  if (field->type != SCHEMA_LIST || !key || !key->required)
    luaL_error(L, "unique_by: '%s' is not a required field of the list's records",
               field->unique_by);
  if (field->max_size > SCHEMA_MAX_UNIQUE)
    luaL_error(L, "unique_by needs max_items of at most %d", SCHEMA_MAX_UNIQUE);
}

/* The spec is on the top of the stack. */
static void compile_field(lua_State *L, schema_field *field) {
  luaL_checktype(L, -1, LUA_TTABLE);
  luaL_checkstack(L, 8, "field specs nested too deep");
  lua_getfield(L, -1, "name"); // spec name
  if (!lua_isnil(L, -1)) field->name = copy_text(L, -1, &field->name_size);
  lua_pop(L, 1);
  lua_getfield(L, -1, "type"); // spec type
  field->type = (schema_type)luaL_checkoption(L, -1, NULL, type_names);
  lua_pop(L, 1);
  lua_getfield(L, -1, "required"); // spec required
  field->required = lua_toboolean(L, -1);
  lua_pop(L, 1);
  field->min = number_or(L, "min", -HUGE_VAL);
  field->max = number_or(L, "max", HUGE_VAL);
  bool is_text = field->type == SCHEMA_TEXT;
  field->min_size = (size_t)number_or(L, is_text ? "min_size" : "min_items", 0);
  field->max_size = (size_t)number_or(L, is_text ? "max_size" : "max_items", SCHEMA_ANY_SIZE);
  if (field->type == SCHEMA_CHOICE) compile_values(L, field);
  if (field->type == SCHEMA_LIST || field->type == SCHEMA_MAP) {
    compile_of(L, field);
    compile_unique_by(L, field);
  }

  if (field->type == SCHEMA_RECORD) {
    lua_getfield(L, -1, "fields"); // spec fields
    schema_record_compile(L, -1, &field->fields);
    lua_pop(L, 1);
  }
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const schema_field *)a)->name, ((const schema_field *)b)->name);
}

void schema_record_compile(lua_State *L, int index, schema_record *record) {
  luaL_checktype(L, index, LUA_TTABLE);
  index = lua_absindex(L, index);
  size_t count = lua_rawlen(L, index);
  if (count > SCHEMA_MAX_FIELDS) luaL_error(L, "more than %d fields", SCHEMA_MAX_FIELDS);
  record->items = allocate(L, count, sizeof *record->items);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1); // spec
    record->count++;
    compile_field(L, &record->items[i]);
    if (!record->items[i].name) luaL_error(L, "field %d has no name", (int)i + 1);
    lua_pop(L, 1);
  }

  if (count > 1) qsort(record->items, count, sizeof *record->items, by_name);
  for (size_t i = 1; i < count; i++)
    if (by_name(&record->items[i - 1], &record->items[i]) == 0)
      luaL_error(L, "field '%s' is there twice", record->items[i].name);
}

void schema_push_names(lua_State *L, const schema_record *record,
                       const char *names[SCHEMA_MAX_FIELDS]) {
  lua_createtable(L, (int)record->count, 0);
  for (size_t i = 0; i < record->count; i++) {
    names[i] = lua_pushlstring(L, record->items[i].name, record->items[i].name_size);
    lua_rawseti(L, -2, (lua_Integer)i + 1); /* anchors the name */
  }
}

const schema_field *schema_find(const schema_record *record, const char *name, size_t size,
                                size_t *guess) {
  size_t at = *guess;
  for (size_t i = 0; i < record->count; i++, at++) {
    if (at >= record->count) at = 0;
    const schema_field *field = &record->items[at];
    if (field->name_size == size && memcmp(field->name, name, size) == 0) {
      *guess = at + 1;
      return field;
    }
  }

  return NULL;
}

const char *schema_suggest(const schema_record *record, const char *name, size_t size) {
  const char *best = NULL;
  size_t least = edit_distance_likely(size) + 1;
  for (size_t i = 0; i < record->count; i++) {
    const schema_field *field = &record->items[i];
    size_t distance = edit_distance(name, size, field->name, field->name_size);
    if (distance < least) {
      least = distance;
      best = field->name;
    }
  }

  return best;
}

static bool comes_first(lua_State *L, int a, int b) {
  if (lua_type(L, a) != LUA_TSTRING || lua_type(L, b) != LUA_TSTRING)
    return lua_type(L, b) != LUA_TSTRING &&
           (lua_type(L, a) == LUA_TSTRING || lua_type(L, a) < lua_type(L, b));
  size_t a_size, b_size;
  const char *a_text = lua_tolstring(L, a, &a_size), *b_text = lua_tolstring(L, b, &b_size);
  int order = memcmp(a_text, b_text, a_size < b_size ? a_size : b_size);

  return order < 0 || (order == 0 && a_size < b_size);
}

void schema_keep_first_key(lua_State *L, int best) {
  if (!lua_isnil(L, best) && !comes_first(L, -1, best)) return;
  lua_pushvalue(L, -1);
  lua_replace(L, best);
}
