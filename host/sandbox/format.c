/* string.format of the policies: every conversion prints the same on every machine.
 *
 * Differences from Lua 5.4: `%p` and `%a` are refused (addresses; C libraries disagree on
 * subnormal numbers), a NaN is `nan` without a sign, and `%s` names the type of a value that has
 * no text of its own. What is left to snprintf (integers, and finite numbers in decimal) is exact
 * in glibc and musl alike.
 *
 * Memory: the result is a luaL_Buffer within the memory limit. Caller: string.c. */
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/budget.h"
#include "sandbox/libraries.h"
#include "sandbox/text.h"

enum {
  SPEC_SIZE = 32,    /* "%-+ #099.99d" and the length modifier, with room */
  SPEC_LONGEST = 21, /* as Lua: flags, width, precision and conversion */
  FLOAT_STEPS = 16,  /* of printing a float with up to 99 digits, exactly */
  ITEM_SIZE = 512    /* 309 digits of DBL_MAX, a point, 99 more, sign and zero byte */
};

typedef struct {
  char text[SPEC_SIZE]; /* "%5.2f" */
  char conversion;
} format_spec;

/* ---- Reading a conversion ---- */

static bool is_modifier(char c) {
  return c == ' ' || c == '#' || c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9');
}

/* Reads from the byte after '%'; returns the byte after the conversion. */
static const char *read_spec(lua_State *L, const char *at, format_spec *spec) {
  size_t size = 1; /* by hand: strspn would build a table of the set at each call */
  while (is_modifier(at[size - 1])) size++;
  if (size > SPEC_LONGEST) luaL_error(L, "invalid format (too long)");
  spec->text[0] = '%';
  memcpy(spec->text + 1, at, size);
  spec->text[size + 1] = 0;
  spec->conversion = at[size - 1];

  return at + size;
}

static const char *skip_two_digits(const char *at) {
  for (int i = 0; i < 2 && *at >= '0' && *at <= '9'; i++) at++;
  return at;
}

/* Raises unless the conversion has only these flags, and width and precision of two digits. */
static void check_spec(lua_State *L, const format_spec *spec, const char *flags, bool precision) {
  const char *at = spec->text + 1;
  at += strspn(at, flags);
  if (*at != '0') { /* a width does not start with 0 */
    at = skip_two_digits(at);
    if (*at == '.' && precision) at = skip_two_digits(at + 1);
  }

  if (*at != spec->conversion) luaL_error(L, "invalid conversion specification: '%s'", spec->text);
}

/* ---- Numbers ---- */

static void add_item(luaL_Buffer *result, const char *item, int size) {
  sandbox_buffer_add(result, item, (size_t)size);
}

/* %d alone, which nearly every `because` uses: several times faster than snprintf. */
static void add_plain_integer(luaL_Buffer *result, lua_Integer number) {
  char item[24], *end = item + sizeof item, *at = end;
  lua_Unsigned magnitude = number < 0 ? 0u - (lua_Unsigned)number : (lua_Unsigned)number;
  do {
    *--at = (char)('0' + magnitude % 10);
    magnitude /= 10;
  } while (magnitude > 0);
  if (number < 0) *--at = '-';
  sandbox_buffer_add(result, at, (size_t)(end - at));
}

static void add_integer(lua_State *L, luaL_Buffer *result, int argument, format_spec *spec,
                        const char *flags) {
  char item[ITEM_SIZE];
  lua_Integer number = luaL_checkinteger(L, argument);
  if (spec->text[1] == 'd') {
    add_plain_integer(result, number);
    return;
  }

  check_spec(L, spec, flags, true);
  size_t end = strlen(spec->text) - 1;
  snprintf(spec->text + end, SPEC_SIZE - end, "ll%c", spec->conversion);
  add_item(result, item, snprintf(item, sizeof item, spec->text, (long long)number));
}

/* A host that called setlocale must not change what a policy prints. */
static int use_decimal_point(char *item, int size) {
  const char *local = localeconv()->decimal_point;
  char *found = strcmp(local, ".") == 0 ? NULL : strstr(item, local);
  if (!found) return size;
  size_t length = strlen(local);
  *found = '.';
  memmove(found + 1, found + length, strlen(found + length) + 1);

  return size - (int)length + 1;
}

/* Infinity and NaN: padded with blanks, never with zeros; a NaN has no sign. */
static int print_not_finite(char *item, size_t room, lua_Number number, const format_spec *spec) {
  size_t flag_count = strspn(spec->text + 1, "-+ #0");
  bool upper = spec->conversion < 'a', left = false, plus = false, blank = false;
  for (size_t i = 1; i <= flag_count; i++) {
    left |= spec->text[i] == '-';
    plus |= spec->text[i] == '+';
    blank |= spec->text[i] == ' ';
  }

  int width = (int)strtol(spec->text + 1 + flag_count, NULL, 10);
  const char *sign = number < 0 ? "-" : plus ? "+" : blank ? " " : "";
  const char *name = isnan(number) ? "nan" : "inf";
  if (upper) name = isnan(number) ? "NAN" : "INF";
  char text[8];
  snprintf(text, sizeof text, "%s%s", sign, name);

  return snprintf(item, room, "%*s", left ? -width : width, text);
}

enum { MOST_DECIMALS = 6 };

/* How many decimals "%.2f" asks for, or -1: it asks for more than that. */
static int plain_decimals(const format_spec *spec) {
  const char *text = spec->text;
  bool plain = text[1] == '.' && text[2] >= '0' && text[2] <= '0' + MOST_DECIMALS &&
               text[3] == 'f' && text[4] == '\0';
  return plain ? text[2] - '0' : -1;
}

/* The same digits as snprintf's, several times faster. The number is m / 2^shift; m times a power
 * of ten fits into 73 bits, so the rounding, half to even, is exact. 0: the number is not that
 * small. */
static int print_decimals(char *item, lua_Number number, int decimals) {
  static const unsigned powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  int exponent, size = 0;
  lua_Number fraction = frexp(fabs(number), &exponent);
  int shift = 53 - exponent;
  if (shift <= 0) return 0;
  unsigned __int128 scaled = (unsigned __int128)(uint64_t)ldexp(fraction, 53) * powers[decimals];
  uint64_t digits = 0; /* of a number too small for any of them */
  if (shift < 120) {
    unsigned __int128 rest = scaled & (((unsigned __int128)1 << shift) - 1);
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
    if (scaled >> shift > UINT64_MAX / 2) return 0;
    digits = (uint64_t)(scaled >> shift);
    if (rest > half || (rest == half && (digits & 1))) digits++;
  }

  char reversed[24];
  for (int i = 0; digits > 0 || i <= decimals; i++, digits /= 10) {
    if (i == decimals && decimals > 0) reversed[size++] = '.';
    reversed[size++] = (char)('0' + digits % 10);
  }

  if (signbit(number)) reversed[size++] = '-';
  for (int i = 0; i < size; i++) item[i] = reversed[size - 1 - i];

  return size;
}

static int print_finite(char *item, lua_Number number, const format_spec *spec) {
  int decimals = plain_decimals(spec);
  int size = decimals < 0 ? 0 : print_decimals(item, number, decimals);
  return size ? size : use_decimal_point(item, snprintf(item, ITEM_SIZE, spec->text, number));
}

static void add_float(lua_State *L, luaL_Buffer *result, int argument, const format_spec *spec) {
  char item[ITEM_SIZE];
  lua_Number number = luaL_checknumber(L, argument);
  check_spec(L, spec, "-+ #0", true);
  sandbox_charge(L, FLOAT_STEPS);
  int size = isfinite(number) ? print_finite(item, number, spec)
                              : print_not_finite(item, sizeof item, number, spec);
  add_item(result, item, size);
}

/* ---- Texts ---- */

static void add_padded(luaL_Buffer *result, const char *text, size_t size, size_t width,
                       bool left) {
  static const char blanks[] = "                                                                "
                               "                                    ";
  size_t padding = width > size ? width - size : 0;
  if (!left) sandbox_buffer_add(result, blanks, padding);
  sandbox_buffer_add(result, text, size);
  if (left) sandbox_buffer_add(result, blanks, padding);
}

/* Width and precision of %c and %s, which check_spec has accepted. */
static void add_with_spec(luaL_Buffer *result, const format_spec *spec, const char *text,
                          size_t size) {
  const char *at = spec->text + 1;
  size_t flag_count = strspn(at, "-");
  char *rest;
  size_t width = strtoul(at + flag_count, &rest, 10);
  if (*rest == '.') {
    size_t precision = strtoul(rest + 1, NULL, 10);
    if (precision < size) size = precision;
  }

  add_padded(result, text, size, width, flag_count > 0);
}

static void add_character(lua_State *L, luaL_Buffer *result, int argument,
                          const format_spec *spec) {
  check_spec(L, spec, "-", false);
  char character = (char)luaL_checkinteger(L, argument);
  add_with_spec(result, spec, &character, 1);
}

static void add_text(lua_State *L, luaL_Buffer *result, int argument, const format_spec *spec) {
  size_t size;
  sandbox_push_text(L, argument, &size);
  lua_replace(L, argument); /* keeps the text alive, and the buffer's place on the stack */
  const char *text = lua_tostring(L, argument);
  if (spec->text[1] != 's') {
    luaL_argcheck(L, size == strlen(text), argument, "string contains zeros");
    check_spec(L, spec, "-", true);
  }

  add_with_spec(result, spec, text, size);
}

/* ---- %q: text that Lua reads back as the same value ---- */

static void add_quoted_text(luaL_Buffer *result, const char *text, size_t size) {
  sandbox_buffer_add(result, "\"", 1);
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    char escape[8];
    if (c == '"' || c == '\\' || c == '\n') {
      sandbox_buffer_add(result, "\\", 1);
      sandbox_buffer_add(result, text + i, 1);
    } else if (c < ' ' || c == 127) {
      bool digit_follows = text[i + 1] >= '0' && text[i + 1] <= '9';
      int length = snprintf(escape, sizeof escape, digit_follows ? "\\%03d" : "\\%d", c);
      sandbox_buffer_add(result, escape, (size_t)length);
    } else {
      sandbox_buffer_add(result, text + i, 1);
    }
  }

  sandbox_buffer_add(result, "\"", 1);
}

/* A finite number with all its bits, in hexadecimal as glibc's %a writes it. */
static int print_hexadecimal(char *item, size_t room, lua_Number number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  uint64_t fraction = bits & UINT64_C(0xfffffffffffff);
  int exponent = (int)(bits >> 52 & 0x7ff);
  bool normal = exponent != 0, zero = !normal && fraction == 0;
  char digits[16];
  int last = snprintf(digits, sizeof digits, ".%013" PRIx64, fraction);
  while (digits[last - 1] == '0') last--;
  digits[last == 1 ? 0 : last] = 0; /* no fraction, no point */

  return snprintf(item, room, "%s0x%d%sp%+d", bits >> 63 ? "-" : "", normal, digits,
                  zero ? 0 : (normal ? exponent : 1) - 1023);
}

static int print_literal_float(char *item, size_t room, lua_Number number) {
  if (isnan(number)) return snprintf(item, room, "(0/0)");
  if (isinf(number)) return snprintf(item, room, number < 0 ? "-1e9999" : "1e9999");
  return print_hexadecimal(item, room, number);
}

static void add_literal(lua_State *L, luaL_Buffer *result, int argument, const format_spec *spec) {
  char item[ITEM_SIZE];
  size_t size;
  if (spec->text[2] != 0) luaL_error(L, "specifier '%%q' cannot have modifiers");
  switch (lua_type(L, argument)) {
  case LUA_TSTRING: {
    const char *text = lua_tolstring(L, argument, &size);
    add_quoted_text(result, text, size);
    return;
  }
  case LUA_TNUMBER:
    if (lua_isinteger(L, argument)) {
      long long number = lua_tointeger(L, argument);
      const char *format = number == LUA_MININTEGER ? "0x%llx" : "%lld";
      add_item(result, item, snprintf(item, sizeof item, format, number));
    } else {
      lua_Number number = lua_tonumber(L, argument);
      add_item(result, item, print_literal_float(item, sizeof item, number));
    }

    return;
  case LUA_TNIL: sandbox_buffer_add(result, "nil", 3); return;
  case LUA_TBOOLEAN:
    add_item(result, item,
             snprintf(item, sizeof item, "%s", lua_toboolean(L, argument) ? "true" : "false"));
    return;
  default: luaL_argerror(L, argument, "value has no literal form");
  }
}

/* ---- The whole format ---- */

static void add_conversion(lua_State *L, luaL_Buffer *result, int argument, format_spec *spec) {
  switch (spec->conversion) {
  case 'c': add_character(L, result, argument, spec); break;
  case 'd':
  case 'i': add_integer(L, result, argument, spec, "-+0 "); break;
  case 'u': add_integer(L, result, argument, spec, "-0"); break;
  case 'o':
  case 'x':
  case 'X': add_integer(L, result, argument, spec, "-#0"); break;
  case 'e':
  case 'E':
  case 'f':
  case 'g':
  case 'G': add_float(L, result, argument, spec); break;
  case 'q': add_literal(L, result, argument, spec); break;
  case 's': add_text(L, result, argument, spec); break;
  case 'a':
  case 'A':
    luaL_error(L, "'%%%c' differs between machines; use '%%q' or '%%.17g'", spec->conversion);
    break;
  case 'p': luaL_error(L, "'%%p' differs between runs: addresses are not available"); break;
  default: luaL_error(L, "invalid conversion '%s' to 'format'", spec->text);
  }
}

int sandbox_string_format(lua_State *L) {
  int top = lua_gettop(L), argument = 1;
  size_t size;
  const char *at = sandbox_check_text(L, 1, &size), *end = at + size, *percent;
  luaL_Buffer result;
  luaL_buffinit(L, &result);
  while ((percent = memchr(at, '%', (size_t)(end - at)))) {
    sandbox_buffer_add(&result, at, (size_t)(percent - at));
    at = percent + 1;
    if (*at == '%') {
      sandbox_buffer_add(&result, at++, 1);
      continue;
    }

    format_spec spec;
    if (++argument > top) return luaL_argerror(L, argument, "no value");
    at = read_spec(L, at, &spec);
    add_conversion(L, &result, argument, &spec);
  }

  sandbox_buffer_add(&result, at, (size_t)(end - at));
  luaL_pushresult(&result);

  return 1;
}
