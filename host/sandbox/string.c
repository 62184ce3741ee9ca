/* The policies' `string`: Lua 5.4's without dump, pack and unpack.
 *
 * Other differences: case is ASCII's in every locale; a text is not a number, so `"10" + 1`
 * raises; `("").rep` with an empty text is instant; see format.c for `format`.
 *
 * Memory: results are Lua strings, charged to the budget before they are built. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "sandbox/budget.h"
#include "sandbox/libraries.h"
#include "sandbox/text.h"

static int string_byte(lua_State *L) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  lua_Integer position = luaL_optinteger(L, 2, 1);
  size_t start = sandbox_slice_start(position, size);
  size_t end = sandbox_slice_end(luaL_optinteger(L, 3, position), size);
  if (start > end) return 0;
  size_t count = end - start + 1;
  if (count >= INT_MAX) return luaL_error(L, "string slice too long");
  sandbox_charge(L, count);
  luaL_checkstack(L, (int)count, "string slice too long");
  for (size_t i = 0; i < count; i++) lua_pushinteger(L, (unsigned char)text[start - 1 + i]);

  return (int)count;
}

static int string_char(lua_State *L) {
  int count = lua_gettop(L);
  sandbox_charge(L, (size_t)count);
  luaL_Buffer result;
  char *bytes = sandbox_buffer_begin(L, &result, (size_t)count);
  for (int i = 1; i <= count; i++) {
    lua_Unsigned byte = (lua_Unsigned)luaL_checkinteger(L, i);
    luaL_argcheck(L, byte <= UCHAR_MAX, i, "value out of range");
    bytes[i - 1] = (char)byte;
  }

  luaL_pushresultsize(&result, (size_t)count);

  return 1;
}

static int string_len(lua_State *L) {
  size_t size;
  sandbox_check_text(L, 1, &size);
  lua_pushinteger(L, (lua_Integer)size);
  return 1;
}

/* A text of the same size, made byte by byte from argument 1. */
static int map_bytes(lua_State *L, void (*map)(char *to, const char *from, size_t size)) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  sandbox_charge(L, size / 16);
  luaL_Buffer result;
  char *bytes = sandbox_buffer_begin(L, &result, size);
  map(bytes, text, size);
  luaL_pushresultsize(&result, size);

  return 1;
}

static void to_lower(char *to, const char *from, size_t size) {
  for (size_t i = 0; i < size; i++)
    to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] + ('a' - 'A')) : from[i];
}

static void to_upper(char *to, const char *from, size_t size) {
  for (size_t i = 0; i < size; i++)
    to[i] = from[i] >= 'a' && from[i] <= 'z' ? (char)(from[i] - ('a' - 'A')) : from[i];
}

static void to_reverse(char *to, const char *from, size_t size) {
  for (size_t i = 0; i < size; i++) to[i] = from[size - 1 - i];
}

static int string_lower(lua_State *L) {
  return map_bytes(L, to_lower);
}

static int string_upper(lua_State *L) {
  return map_bytes(L, to_upper);
}

static int string_reverse(lua_State *L) {
  return map_bytes(L, to_reverse);
}

static int string_rep(lua_State *L) {
  size_t size, separator_size;
  const char *text = sandbox_check_text(L, 1, &size);
  lua_Integer count = luaL_checkinteger(L, 2);
  const char *separator = "";
  separator_size = 0;
  if (!lua_isnoneornil(L, 3)) separator = sandbox_check_text(L, 3, &separator_size);
  if (count <= 0 || size + separator_size == 0) return lua_pushliteral(L, ""), 1;
  if ((lua_Unsigned)count > (SIZE_MAX / 2) / (size + separator_size))
    return luaL_error(L, "resulting string too large");
  size_t total = (size_t)count * (size + separator_size) - separator_size;
  luaL_Buffer result;
  char *to = sandbox_buffer_begin(L, &result, total);
  memcpy(to, text, size);
  if (count > 1) memcpy(to + size, separator, separator_size);
  for (size_t done = size + separator_size; done < total;) {
    size_t more = done < total - done ? done : total - done;
    memcpy(to + done, to, more); /* what is there, once more: the last separator is cut off */
    done += more;
  }

  luaL_pushresultsize(&result, total);

  return 1;
}

static int string_sub(lua_State *L) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  size_t start = sandbox_slice_start(luaL_checkinteger(L, 2), size);
  size_t end = sandbox_slice_end(luaL_optinteger(L, 3, -1), size);
  if (start > end) return lua_pushliteral(L, ""), 1;
  size_t count = end - start + 1;
  sandbox_charge(L, count / 16 + 1);
  lua_pushlstring(L, text + start - 1, count);

  return 1;
}

static const luaL_Reg functions[] = {
    {"byte", string_byte},
    {"char", string_char},
    {"find", sandbox_string_find},
    {"format", sandbox_string_format},
    {"gmatch", sandbox_string_gmatch},
    {"gsub", sandbox_string_gsub},
    {"len", string_len},
    {"lower", string_lower},
    {"match", sandbox_string_match},
    {"rep", string_rep},
    {"reverse", string_reverse},
    {"sub", string_sub},
    {"upper", string_upper},
    {NULL, NULL},
};

/* Strings share one metatable per state. Nothing in the sandbox returns or replaces metatables,
 * and __metatable keeps it so should that ever change. */
static void set_string_metatable(lua_State *L) {
  lua_pushliteral(L, "");
  lua_createtable(L, 0, 2); /* library, "", metatable */
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

/* A state's first large luaL_Buffer makes a metatable for all: no decision must pay for it. */
static void make_buffer_metatable(lua_State *L) {
  int top = lua_gettop(L);
  luaL_Buffer large;
  luaL_buffinitsize(L, &large, LUAL_BUFFERSIZE + 1);
  luaL_pushresultsize(&large, 0);
  lua_settop(L, top);
}

int sandbox_open_string(lua_State *L) {
  make_buffer_metatable(L);
  sandbox_new_library(L, "string", functions);
  set_string_metatable(L);
  return 1;
}
