/* Arguments and options, checked by type: nothing is coerced, and nothing counts as true that is
 * not `true`. See binding.h. Memory: texts point into the strings that were given. */
#include <stdio.h>
#include <string.h>

#include "binding.h"

enum { PLACE_BYTES = 80, WANTED_BYTES = 80 };

/* A method's own arguments are counted from behind its colon: set:decide(kind, …) has kind first.
 */
static int shown_position(int index, const char *signature) {
  size_t name = strcspn(signature, "({");
  return memchr(signature, ':', name) ? index - 1 : index;
}

static void write_place(char place[PLACE_BYTES], int index, const char *name,
                        const char *signature) {
  if (name)
    snprintf(place, PLACE_BYTES, "'%s'", name);
  else
    snprintf(place, PLACE_BYTES, "argument %d", shown_position(index, signature));
}

/* The value itself is not shown: it may be a secret that was given in the wrong place. */
static void refuse(lua_State *L, int index, int position, const char *name, const char *wanted,
                   const char *signature) {
  char place[PLACE_BYTES];
  write_place(place, position, name, signature);
  if (lua_isnoneornil(L, index)) luaL_error(L, "%s is missing; expected %s", place, signature);
  const char *given = binding_secret(L, index, NULL) ? "secret" : luaL_typename(L, index);
  luaL_error(L, "%s must be %s, not a %s; expected %s", place, wanted, given, signature);
}

static void refuse_value(lua_State *L, int position, const char *name, const char *wanted,
                         const char *signature) {
  char place[PLACE_BYTES];
  write_place(place, position, name, signature);
  luaL_error(L, "%s must be %s; expected %s", place, wanted, signature);
}

void binding_check_refuse(lua_State *L, int index, const char *name, const char *wanted,
                          const char *signature) {
  refuse(L, index, index, name, wanted, signature);
}

/* ── One value, by position or by name ── */

static const char *read_text(lua_State *L, int index, int position, const char *name, size_t *size,
                             const char *signature) {
  if (lua_type(L, index) != LUA_TSTRING) refuse(L, index, position, name, "a string", signature);
  return lua_tolstring(L, index, size);
}

static const char *read_name(lua_State *L, int index, int position, const char *name,
                             const char *signature) {
  size_t size;
  const char *text = read_text(L, index, position, name, &size, signature);
  if (strlen(text) != size)
    refuse_value(L, position, name, "a string without a NUL byte", signature);
  return text;
}

static const char *read_secret(lua_State *L, int index, int position, const char *name,
                               size_t *size, bool *secret, const char *signature) {
  const char *text = binding_secret_text(L, index, size, secret);
  if (!text) refuse(L, index, position, name, "a string or a secret", signature);
  return text;
}

static void describe_range(char wanted[WANTED_BYTES], lua_Integer least, lua_Integer most) {
  if (least == LUA_MININTEGER)
    snprintf(wanted, WANTED_BYTES, "an integer");
  else if (most == LUA_MAXINTEGER)
    snprintf(wanted, WANTED_BYTES, "an integer of at least %lld", (long long)least);
  else
    snprintf(wanted, WANTED_BYTES, "an integer from %lld to %lld", (long long)least,
             (long long)most);
}

static lua_Integer read_integer(lua_State *L, int index, int position, const char *name,
                                lua_Integer least, lua_Integer most, const char *signature) {
  char wanted[WANTED_BYTES];
  int whole = 0;
  lua_Integer value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &whole) : 0;
  if (whole && value >= least && value <= most) return value;

  describe_range(wanted, least, most);
  if (lua_type(L, index) == LUA_TNUMBER) refuse_value(L, position, name, wanted, signature);
  refuse(L, index, position, name, wanted, signature);
  return 0;
}

static bool read_boolean(lua_State *L, int index, int position, const char *name,
                         const char *signature) {
  if (lua_type(L, index) != LUA_TBOOLEAN) refuse(L, index, position, name, "a boolean", signature);
  return lua_toboolean(L, index);
}

/* ── Arguments ── */

void binding_argument_most(lua_State *L, int most, const char *signature) {
  if (lua_gettop(L) > most) luaL_error(L, "too many arguments; expected %s", signature);
}

/* A method has the metatable of its type as its first upvalue. */
static bool is_of_own_type(lua_State *L) {
  if (lua_type(L, 1) != LUA_TUSERDATA || !lua_getmetatable(L, 1)) return false;
  bool same = lua_rawequal(L, -1, lua_upvalueindex(1));
  lua_pop(L, 1);
  return same;
}

void *binding_argument_self(lua_State *L, const char *type, const char *signature) {
  void *self = is_of_own_type(L) ? lua_touserdata(L, 1) : luaL_testudata(L, 1, type);
  binding_expect(L, self != NULL, signature);
  return self;
}

const char *binding_argument_text(lua_State *L, int index, size_t *size, const char *signature) {
  return read_text(L, index, index, NULL, size, signature);
}

const char *binding_argument_name(lua_State *L, int index, const char *signature) {
  return read_name(L, index, index, NULL, signature);
}

const char *binding_argument_secret(lua_State *L, int index, size_t *size, bool *secret,
                                    const char *signature) {
  return read_secret(L, index, index, NULL, size, secret, signature);
}

lua_Integer binding_argument_integer(lua_State *L, int index, lua_Integer least, lua_Integer most,
                                     const char *signature) {
  return read_integer(L, index, index, NULL, least, most, signature);
}

lua_Number binding_argument_number(lua_State *L, int index, lua_Number least, lua_Number most,
                                   lua_Number otherwise, const char *signature) {
  char wanted[WANTED_BYTES];
  if (lua_isnoneornil(L, index) && otherwise == otherwise) return otherwise;
  if (lua_type(L, index) != LUA_TNUMBER) refuse(L, index, index, NULL, "a number", signature);

  lua_Number value = lua_tonumber(L, index);
  if (value >= least && value <= most) return value;
  snprintf(wanted, WANTED_BYTES, "a number from %.14g to %.14g", least, most);
  refuse_value(L, index, NULL, wanted, signature);

  return 0;
}

bool binding_argument_boolean(lua_State *L, int index, bool otherwise, const char *signature) {
  return lua_isnoneornil(L, index) ? otherwise : read_boolean(L, index, index, NULL, signature);
}

/* ── Options ── */

/* The place of a key in the list; that of the NULL where it is not in it. */
static int place_in(const char *const *allowed, const char *key) {
  int place = 0;
  while (allowed[place] && (*allowed[place] != *key || strcmp(allowed[place], key) != 0)) place++;
  return place;
}

static void refuse_key(lua_State *L, const char *key, const char *const *allowed,
                       const char *signature) {
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (const char *const *name = allowed; *name; name++) {
    if (name != allowed) luaL_addstring(&list, ", ");
    luaL_addstring(&list, *name);
  }

  luaL_pushresult(&list);
  luaL_error(L, "unknown key '%s' (allowed: %s); expected %s", key, lua_tostring(L, -1), signature);
}

/* The place of the key at index in the list. */
static int check_key(lua_State *L, int index, const char *const *allowed, const char *signature) {
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "unknown key of type %s; expected %s", luaL_typename(L, index), signature);
  const char *key = lua_tostring(L, index);
  int place = place_in(allowed, key);
  if (!allowed[place]) refuse_key(L, key, allowed, signature);
  return place;
}

void binding_check_keys(lua_State *L, int index, const char *const *allowed,
                        const char *signature) {
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) check_key(L, -2, allowed, signature);
}

int binding_check_members(lua_State *L, int index, const char *const *allowed,
                          const char *signature) {
  if (!lua_istable(L, index)) refuse(L, index, index, NULL, "a table", signature);
  index = lua_absindex(L, index);
  int first = lua_gettop(L) + 1, count = 0;
  while (allowed[count]) count++;
  luaL_checkstack(L, count + LUA_MINSTACK, NULL);
  lua_settop(L, first + count - 1);
  for (lua_pushnil(L); lua_next(L, index);)
    lua_replace(L, first + check_key(L, -2, allowed, signature));

  return first;
}

bool binding_check_options(lua_State *L, int index, const char *const *allowed,
                           const char *signature) {
  if (lua_isnoneornil(L, index)) return false;
  if (!lua_istable(L, index)) refuse(L, index, index, NULL, "a table", signature);
  binding_check_keys(L, index, allowed, signature);
  return true;
}

int binding_check_push(lua_State *L, int table, const char *name) {
  if (!lua_istable(L, table)) {
    lua_pushnil(L);
    return LUA_TNIL;
  }

  table = lua_absindex(L, table);
  lua_pushstring(L, name);
  return lua_rawget(L, table);
}

void binding_check_present(lua_State *L, int table, const char *name, const char *signature) {
  if (binding_check_push(L, table, name) == LUA_TNIL)
    luaL_error(L, "'%s' is missing; expected %s", name, signature);
  lua_pop(L, 1);
}

const char *binding_check_text(lua_State *L, int table, const char *name, size_t *size,
                               const char *signature) {
  const char *text = NULL;
  if (binding_check_push(L, table, name) != LUA_TNIL)
    text = read_text(L, -1, 0, name, size, signature);
  lua_pop(L, 1);
  return text;
}

const char *binding_check_name(lua_State *L, int table, const char *name, const char *signature) {
  const char *text = NULL;
  if (binding_check_push(L, table, name) != LUA_TNIL) text = read_name(L, -1, 0, name, signature);
  lua_pop(L, 1);
  return text;
}

const char *binding_check_secret(lua_State *L, int table, const char *name, size_t *size,
                                 bool *secret, const char *signature) {
  const char *text = NULL;
  if (binding_check_push(L, table, name) != LUA_TNIL)
    text = read_secret(L, -1, 0, name, size, secret, signature);
  lua_pop(L, 1);
  return text;
}

lua_Integer binding_check_integer(lua_State *L, int table, const char *name, lua_Integer least,
                                  lua_Integer most, lua_Integer otherwise, const char *signature) {
  lua_Integer value = otherwise;
  if (binding_check_push(L, table, name) != LUA_TNIL)
    value = read_integer(L, -1, 0, name, least, most, signature);
  lua_pop(L, 1);
  return value;
}

lua_Number binding_check_number(lua_State *L, int table, const char *name, lua_Number otherwise,
                                const char *signature) {
  lua_Number value = otherwise;
  if (binding_check_push(L, table, name) != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TNUMBER) refuse(L, -1, 0, name, "a number", signature);
    value = lua_tonumber(L, -1);
  }

  lua_pop(L, 1);
  return value;
}

bool binding_check_boolean(lua_State *L, int table, const char *name, bool otherwise,
                           const char *signature) {
  bool value = otherwise;
  if (binding_check_push(L, table, name) != LUA_TNIL)
    value = read_boolean(L, -1, 0, name, signature);
  lua_pop(L, 1);
  return value;
}

lua_Integer binding_check_list(lua_State *L, int index, const char *name, const char *signature) {
  if (!lua_istable(L, index)) refuse(L, index, index, name, "a list", signature);
  index = lua_absindex(L, index);
  lua_Unsigned length = lua_rawlen(L, index), count = 0;

  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), count++) {
    bool inside = lua_isinteger(L, -2) && (lua_Unsigned)lua_tointeger(L, -2) - 1 < length;
    if (!inside) refuse_value(L, index, name, "a list with the keys 1, 2, 3 … only", signature);
  }

  if (count != length) refuse_value(L, index, name, "a list without holes", signature);
  return (lua_Integer)length;
}
