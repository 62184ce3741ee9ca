/* The policies' `utf8`, strict: a code point is at most 10FFFF and no surrogate, when read and when
 * written. Lua's `lax` argument is refused, and utf8.char makes only valid UTF-8.
 *
 * Memory: none but the results. Caller: policy/sandbox.c through libraries.h. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/budget.h"
#include "sandbox/libraries.h"
#include "sandbox/text.h"

static bool is_continuation(const char *byte) {
  return (*byte & 0xC0) == 0x80;
}

static bool is_code_point(uint32_t code) {
  return code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
}

/* The code point at s and the byte after it, or NULL. The text ends in a zero byte, which stops
 * every sequence that is cut short. */
static const char *decode(const char *s, uint32_t *code) {
  static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
  unsigned char first = (unsigned char)*s;
  if (first < 0x80) {
    *code = first;
    return s + 1;
  }

  int more = first >= 0xF8 ? -1 : first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : -1;
  if (more < 0) return NULL;
  uint32_t value = first & (0x3Fu >> more);
  for (int i = 1; i <= more; i++) {
    if (!is_continuation(s + i)) return NULL;
    value = value << 6 | ((unsigned char)s[i] & 0x3F);
  }

  *code = value;
  return value >= smallest[more] && is_code_point(value) ? s + 1 + more : NULL;
}

static int encode(char *to, uint32_t code) {
  if (code < 0x80) {
    to[0] = (char)code;
    return 1;
  }

  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  for (int i = more; i > 0; i--, code >>= 6) to[i] = (char)(0x80 | (code & 0x3F));
  to[0] = (char)((0xF0 << (3 - more)) | code);

  return more + 1;
}

static void refuse_lax(lua_State *L, int argument) {
  luaL_argcheck(L, !lua_toboolean(L, argument), argument, "'lax' is not available");
}

/* Negative positions count from the end; those before the start give 0. */
static lua_Integer from_start(lua_Integer position, size_t size) {
  if (position >= 0) return position;
  return 0u - (size_t)position > size ? 0 : (lua_Integer)size + position + 1;
}

static int utf8_len(lua_State *L) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  lua_Integer at = from_start(luaL_optinteger(L, 2, 1), size);
  lua_Integer last = from_start(luaL_optinteger(L, 3, -1), size);
  refuse_lax(L, 4);
  luaL_argcheck(L, at >= 1 && --at <= (lua_Integer)size, 2, "initial position out of bounds");
  luaL_argcheck(L, --last < (lua_Integer)size, 3, "final position out of bounds");
  if (last >= at) sandbox_charge(L, (size_t)(last - at) + 1);
  lua_Integer count = 0;
  for (; at <= last; count++) {
    uint32_t code;
    const char *next = decode(text + at, &code);
    if (!next) {
      luaL_pushfail(L);
      lua_pushinteger(L, at + 1);
      return 2;
    }

    at = next - text;
  }

  lua_pushinteger(L, count);

  return 1;
}

static int utf8_codepoint(lua_State *L) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  lua_Integer first = from_start(luaL_optinteger(L, 2, 1), size);
  lua_Integer last = from_start(luaL_optinteger(L, 3, first), size);
  refuse_lax(L, 4);
  luaL_argcheck(L, first >= 1, 2, "out of bounds");
  luaL_argcheck(L, last <= (lua_Integer)size, 3, "out of bounds");
  if (first > last) return 0;
  if (last - first >= INT_MAX) return luaL_error(L, "string slice too long");
  sandbox_charge(L, (size_t)(last - first) + 1);
  luaL_checkstack(L, (int)(last - first) + 1, "string slice too long");
  int count = 0;
  for (const char *at = text + first - 1; at < text + last; count++) {
    uint32_t code;
    at = decode(at, &code);
    if (!at) return luaL_error(L, "invalid UTF-8 code");
    lua_pushinteger(L, code);
  }

  return count;
}

static int utf8_char(lua_State *L) {
  int count = lua_gettop(L);
  sandbox_charge(L, (size_t)count);
  luaL_Buffer result;
  luaL_buffinit(L, &result);
  for (int i = 1; i <= count; i++) {
    lua_Unsigned code = (lua_Unsigned)luaL_checkinteger(L, i);
    luaL_argcheck(L, code <= UINT32_MAX && is_code_point((uint32_t)code), i, "value out of range");
    char bytes[4];
    int size = encode(bytes, (uint32_t)code);
    sandbox_buffer_add(&result, bytes, (size_t)size);
  }

  luaL_pushresult(&result);

  return 1;
}

static lua_Integer previous_character(const char *text, lua_Integer at) {
  for (at--; at > 0 && is_continuation(text + at);) at--;
  return at;
}

static lua_Integer next_character(const char *text, lua_Integer at) {
  for (at++; is_continuation(text + at);) at++; /* the last byte's neighbour is zero */
  return at;
}

/* utf8.offset: the byte where the n-th character, counted from byte i, starts. */
static int utf8_offset(lua_State *L) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  lua_Integer n = luaL_checkinteger(L, 2);
  lua_Integer end = (lua_Integer)size;
  lua_Integer at = from_start(luaL_optinteger(L, 3, n >= 0 ? 1 : end + 1), size);
  luaL_argcheck(L, at >= 1 && --at <= end, 3, "position out of bounds");
  sandbox_charge(L, (n > 0 ? size - (size_t)at : (size_t)at) / 4 + 1);
  if (n == 0) {
    while (at > 0 && is_continuation(text + at)) at--;
    lua_pushinteger(L, at + 1);
    return 1;
  }

  if (is_continuation(text + at)) return luaL_error(L, "initial position is a continuation byte");
  for (; n < 0 && at > 0; n++) at = previous_character(text, at);
  if (n > 0) n--; /* the character at i is the first */
  for (; n > 0 && at < end; n--) at = next_character(text, at);
  if (n == 0)
    lua_pushinteger(L, at + 1);
  else
    luaL_pushfail(L);
  return 1;
}

static int codes_next(lua_State *L) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  size_t at = (size_t)lua_tointeger(L, 2); /* the last character's place, from 1; 0 at first */
  for (int i = 0; i < 3 && at > 0 && at < size && is_continuation(text + at); i++) at++;
  if (at >= size) return 0;
  uint32_t code;
  const char *next = decode(text + at, &code);
  if (!next || is_continuation(next)) return luaL_error(L, "invalid UTF-8 code");
  lua_pushinteger(L, (lua_Integer)at + 1);
  lua_pushinteger(L, code);

  return 2;
}

static int utf8_codes(lua_State *L) {
  size_t size;
  const char *text = sandbox_check_text(L, 1, &size);
  refuse_lax(L, 2);
  luaL_argcheck(L, !is_continuation(text), 1, "invalid UTF-8 code");
  lua_pushcfunction(L, codes_next);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);

  return 3;
}

int sandbox_open_utf8(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"char", utf8_char}, {"codepoint", utf8_codepoint}, {"codes", utf8_codes},
      {"len", utf8_len},   {"offset", utf8_offset},       {NULL, NULL},
  };
  static const char char_pattern[] = "[\0-\x7F\xC2-\xFD][\x80-\xBF]*";
  sandbox_new_library(L, "utf8", functions);
  lua_pushlstring(L, char_pattern, sizeof char_pattern - 1);
  lua_setfield(L, -2, "charpattern");

  return 1;
}
