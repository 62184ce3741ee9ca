/* Writing Lua values as canonical JSON by field specs. See schema.h. */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/write.h"
#include "core/text/shown_text.h"
#include "policy/schema.h"

/* Deeper values are refused rather than followed: a table can contain itself. Each level takes
 * three stack places at most. */
enum { WRITE_MAX_DEPTH = 60 };

/* A table that holds another one twice, sixty levels of that: few tables, endless text. */
enum { WRITE_MAX_BYTES = 16 * 1024 * 1024 };

static const double EXACT_INTEGER_LIMIT = 9007199254740992.0; /* 2^53 */

static const schema_field any_field = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};

static bool in_size(const schema_field *field, size_t size) {
  return size >= field->min_size && size <= field->max_size;
}

static bool refuse(const schema_field *field, const char *got, text_buffer *why) {
  if (field->name) text_buffer_format(why, "%s: ", field->name);
  text_buffer_text(why, "expected ");
  schema_read_describe(field, why);
  text_buffer_format(why, ", got %s", got);

  return false;
}

static bool write_integer(lua_State *L, int index, const schema_field *field, text_buffer *out,
                          text_buffer *why) {
  int exact;
  lua_Integer value = lua_tointegerx(L, index, &exact);
  if (lua_type(L, index) != LUA_TNUMBER || !exact)
    return refuse(field, luaL_typename(L, index), why);
  if ((double)value < field->min || (double)value > field->max)
    return refuse(field, "one outside these bounds", why);
  json_write_integer(out, value);

  return true;
}

/* An integral value is written without ".0": what reads the decision need not be Lua. */
static bool write_number(lua_State *L, int index, const schema_field *field, text_buffer *out,
                         text_buffer *why) {
  if (lua_type(L, index) != LUA_TNUMBER) return refuse(field, luaL_typename(L, index), why);
  double value = lua_tonumber(L, index);
  if (isnan(value)) return refuse(field, "NaN", why);
  if (isinf(value)) return refuse(field, "an infinite number", why);
  if (value < field->min || value > field->max)
    return refuse(field, "one outside these bounds", why);
  if (value == floor(value) && fabs(value) < EXACT_INTEGER_LIMIT)
    json_write_integer(out, (int64_t)value);
  else
    json_write_double(out, value);
  return true;
}

static bool write_text(lua_State *L, int index, const schema_field *field, text_buffer *out,
                       text_buffer *why) {
  if (lua_type(L, index) != LUA_TSTRING) return refuse(field, luaL_typename(L, index), why);
  size_t size;
  const char *text = lua_tolstring(L, index, &size);
  if (field->type == SCHEMA_CHOICE) {
    bool known = false;
    for (size_t i = 0; i < field->value_count && !known; i++)
      known = field->values[i].size == size && memcmp(field->values[i].text, text, size) == 0;
    if (!known) return refuse(field, "another text", why);
  } else if (!in_size(field, size)) {
    return refuse(field, "one of another size", why);
  }

  if (json_write_string(out, text, size)) return true;

  return refuse(field, "bytes that are not valid UTF-8", why);
}

/* What the keys of a table make it. Lua's own length is not asked: of a table with holes it is one
 * of several numbers. */
typedef struct {
  size_t names;  /* keys that are texts */
  size_t places; /* keys that are integers from 1 */
  size_t others;
  lua_Integer last; /* the largest place */
} table_keys;

static table_keys count_keys(lua_State *L, int index) {
  table_keys keys = {0};
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      keys.names++;
    } else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1) {
      keys.places++;
      if (lua_tointeger(L, -2) > keys.last) keys.last = lua_tointeger(L, -2);
    } else {
      keys.others++;
    }
  }

  return keys;
}

/* An element behind a hole, or under a name, would be dropped silently. */
static bool check_places(lua_State *L, int index, const schema_field *field, table_keys keys,
                         text_buffer *why) {
  if (keys.others)
    return refuse(field, "a table with a key that is neither a text nor a place of a list", why);
  if (keys.names) return refuse(field, "a table with both names and places of a list", why);
  if ((lua_Integer)keys.places == keys.last) return true;
  lua_Integer hole = 1;
  while (lua_rawgeti(L, index, hole) != LUA_TNIL) {
    lua_pop(L, 1);
    hole++;
  }

  lua_pop(L, 1);
  char got[64];
  snprintf(got, sizeof got, "a list whose element %lld is nil", (long long)hole);

  return refuse(field, got, why);
}

static bool write_list(lua_State *L, int index, const schema_field *field, text_buffer *out,
                       text_buffer *why) {
  table_keys keys = count_keys(L, index);
  if (!check_places(L, index, field, keys, why)) return false;
  if (!in_size(field, keys.places)) return refuse(field, "one of another length", why);
  size_t start = out->size;
  text_buffer_byte(out, '[');
  for (size_t i = 1; i <= keys.places; i++) {
    if (i > 1) text_buffer_byte(out, ',');
    lua_rawgeti(L, index, (lua_Integer)i);
    bool ok = schema_write_json(L, lua_gettop(L), field->of, out, why);
    lua_pop(L, 1);
    if (!ok) return false;
  }

  text_buffer_byte(out, ']');

  return out->failed || schema_unique_check(field, out->data + start, out->size - start, why);
}

/* The unknown key is on the top of the stack. */
static bool refuse_key(lua_State *L, const schema_field *field, text_buffer *why) {
  if (field->name) text_buffer_format(why, "%s: ", field->name);
  json_span name = {0};
  if (lua_type(L, -1) == LUA_TSTRING) {
    name.at = lua_tolstring(L, -1, &name.size);
    schema_read_explain_unknown(&field->fields, "field", name, why);
  } else {
    text_buffer_format(why, "unknown field: a name is a text, not a %s", luaL_typename(L, -1));
  }

  return false;
}

static bool check_names(lua_State *L, int index, const schema_field *field, text_buffer *why) {
  size_t guess = 0;
  lua_pushnil(L);
  int unknown = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index);) {
    lua_pop(L, 1);
    size_t size = 0;
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : NULL;
    if (!key || !schema_find(&field->fields, key, size, &guess)) schema_keep_first_key(L, unknown);
  }

  bool ok = lua_isnil(L, unknown) || refuse_key(L, field, why);
  lua_pop(L, 1);

  return ok;
}

static bool write_record(lua_State *L, int index, const schema_field *field, text_buffer *out,
                         text_buffer *why) {
  size_t written = 0;
  if (!check_names(L, index, field, why)) return false;
  text_buffer_byte(out, '{');
  for (size_t i = 0; i < field->fields.count; i++) {
    const schema_field *inner = &field->fields.items[i];
    lua_pushlstring(L, inner->name, inner->name_size);
    lua_rawget(L, index);
    bool absent = lua_isnil(L, -1), ok = true;
    if (absent && inner->required) ok = refuse(inner, "nothing", why);
    if (!absent) {
      if (written++) text_buffer_byte(out, ',');
      json_write_string(out, inner->name, inner->name_size);
      text_buffer_byte(out, ':');
      ok = schema_write_json(L, lua_gettop(L), inner, out, why);
    }

    lua_pop(L, 1);
    if (!ok) return false;
  }

  text_buffer_byte(out, '}');

  return true;
}

typedef struct {
  const char *text;
  size_t size;
} map_key;

static int by_bytes(const void *a, const void *b) {
  const map_key *x = a, *y = b;
  int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
  return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* Pushes a userdata with the keys of a map in byte order; the keys are borrowed from the table,
 * which anchors them. NULL (pushed: nil) when a key is not a text. */
static map_key *push_sorted_keys(lua_State *L, int index, size_t *count) {
  *count = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      lua_pop(L, 2);
      lua_pushnil(L);
      return NULL;
    }

    ++*count;
  }

  map_key *keys = lua_newuserdatauv(L, (*count + 1) * sizeof *keys, 0);
  size_t i = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), i++)
    keys[i].text = lua_tolstring(L, -2, &keys[i].size);
  if (i > 1) qsort(keys, i, sizeof *keys, by_bytes);

  return keys;
}

static bool write_map(lua_State *L, int index, const schema_field *of, const schema_field *field,
                      text_buffer *out, text_buffer *why) {
  size_t count;
  map_key *keys = push_sorted_keys(L, index, &count);
  if (!keys) {
    lua_pop(L, 1);
    return refuse(field, "a table with keys that are not texts", why);
  }

  bool ok = in_size(field, count) || refuse(field, "one of another size", why);
  text_buffer_byte(out, '{');
  for (size_t i = 0; ok && i < count; i++) {
    if (i) text_buffer_byte(out, ',');
    ok = json_write_string(out, keys[i].text, keys[i].size) ||
         refuse(field, "a key that is not valid UTF-8", why);
    text_buffer_byte(out, ':');
    lua_pushlstring(L, keys[i].text, keys[i].size);
    lua_rawget(L, index);
    ok = ok && schema_write_json(L, lua_gettop(L), of, out, why);
    lua_pop(L, 1);
  }

  lua_pop(L, 1); /* the keys */
  text_buffer_byte(out, '}');

  return ok;
}

static bool write_table(lua_State *L, int index, const schema_field *field, text_buffer *out,
                        text_buffer *why);

static bool write_any(lua_State *L, int index, const schema_field *field, text_buffer *out,
                      text_buffer *why) {
  static const schema_field any_number = {.type = SCHEMA_NUMBER, .min = -HUGE_VAL, .max = HUGE_VAL};
  switch (lua_type(L, index)) {
  case LUA_TNIL: text_buffer_text(out, "null"); return true;
  case LUA_TBOOLEAN: text_buffer_text(out, lua_toboolean(L, index) ? "true" : "false"); return true;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index)) {
      json_write_integer(out, lua_tointeger(L, index));
      return true;
    }

    return write_number(L, index, &any_number, out, why);
  case LUA_TSTRING: {
    static const schema_field any_text = {.type = SCHEMA_TEXT, .max_size = SIZE_MAX};
    return write_text(L, index, &any_text, out, why);
  }
  case LUA_TTABLE: return write_table(L, index, field, out, why);
  default: return refuse(field, luaL_typename(L, index), why);
  }
}

/* In `any` JSON, a table with places is a list, any other an object. */
static bool write_any_table(lua_State *L, int index, const schema_field *field, text_buffer *out,
                            text_buffer *why) {
  static const schema_field any_list = {
      .type = SCHEMA_LIST, .max_size = SIZE_MAX, .of = (schema_field *)&any_field};
  table_keys keys = count_keys(L, index);
  if (keys.places == 0 && keys.others == 0)
    return write_map(L, index, &any_field, &any_field, out, why);
  return check_places(L, index, field, keys, why) && write_list(L, index, &any_list, out, why);
}

static bool write_table(lua_State *L, int index, const schema_field *field, text_buffer *out,
                        text_buffer *why) {
  switch (field->type) {
  case SCHEMA_LIST: return write_list(L, index, field, out, why);
  case SCHEMA_MAP: return write_map(L, index, field->of, field, out, why);
  case SCHEMA_RECORD: return write_record(L, index, field, out, why);
  default: return write_any_table(L, index, field, out, why);
  }
}

bool schema_write_json(lua_State *L, int index, const schema_field *field, text_buffer *out,
                       text_buffer *why) {
  if (lua_gettop(L) > 3 * WRITE_MAX_DEPTH || !lua_checkstack(L, 8))
    return refuse(field, "a value nested too deep", why);
  if (out->size > WRITE_MAX_BYTES) return refuse(field, "a value that is too large", why);
  bool is_table = lua_type(L, index) == LUA_TTABLE;
  switch (field->type) {
  case SCHEMA_INTEGER: return write_integer(L, index, field, out, why);
  case SCHEMA_NUMBER: return write_number(L, index, field, out, why);
  case SCHEMA_TEXT:
  case SCHEMA_CHOICE: return write_text(L, index, field, out, why);
  case SCHEMA_FLAG:
    if (lua_type(L, index) != LUA_TBOOLEAN) return refuse(field, luaL_typename(L, index), why);
    text_buffer_text(out, lua_toboolean(L, index) ? "true" : "false");
    return true;
  case SCHEMA_ANY: return write_any(L, index, field, out, why);
  default: break;
  }

  if (!is_table) return refuse(field, luaL_typename(L, index), why);

  return write_table(L, index, field, out, why);
}
