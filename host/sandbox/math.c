/* The policies' `math`: what IEEE 754 defines to the last bit, and nothing else. No random
 * numbers, and no sin, exp, log and the like, whose last digit depends on the C library.
 *
 * min and max take numbers only: stock Lua lets max("10", "9") be "9" and max(nil) be nil.
 * Every function takes constant time, except min and max: linear in their arguments.
 * Memory: none. Caller: policy/sandbox.c through libraries.h. */
#include <math.h>

#include <lauxlib.h>

#include "sandbox/budget.h"
#include "sandbox/libraries.h"
#include "sandbox/text.h"

/* Floats with an integral value become integers where they fit. */
static void push_integral(lua_State *L, lua_Number number) {
  lua_Integer integer;
  if (lua_numbertointeger(number, &integer))
    lua_pushinteger(L, integer);
  else
    lua_pushnumber(L, number);
}

static int math_abs(lua_State *L) {
  if (lua_isinteger(L, 1)) {
    lua_Integer number = lua_tointeger(L, 1);
    lua_pushinteger(L, number < 0 ? (lua_Integer)(0u - (lua_Unsigned)number) : number);
  } else {
    lua_pushnumber(L, fabs(luaL_checknumber(L, 1)));
  }

  return 1;
}

static int math_ceil(lua_State *L) {
  if (lua_isinteger(L, 1))
    lua_settop(L, 1);
  else
    push_integral(L, ceil(luaL_checknumber(L, 1)));
  return 1;
}

static int math_floor(lua_State *L) {
  if (lua_isinteger(L, 1))
    lua_settop(L, 1);
  else
    push_integral(L, floor(luaL_checknumber(L, 1)));
  return 1;
}

/* C's fmod goes bit by bit, as many as the exponents are apart. */
static void charge_fmod(lua_State *L, lua_Number dividend, lua_Number divisor) {
  int high = 0, low = 0; /* musl leaves them alone for infinity and NaN */
  frexp(dividend, &high);
  frexp(divisor, &low);
  if (high > low) sandbox_charge(L, (size_t)(high - low) / 16);
}

static int math_fmod(lua_State *L) {
  if (lua_isinteger(L, 1) && lua_isinteger(L, 2)) {
    lua_Integer dividend = lua_tointeger(L, 1), divisor = lua_tointeger(L, 2);
    luaL_argcheck(L, divisor != 0, 2, "zero");
    /* The smallest integer divided by -1 would overflow. */
    lua_pushinteger(L, divisor == -1 ? 0 : dividend % divisor);
  } else {
    lua_Number dividend = luaL_checknumber(L, 1), divisor = luaL_checknumber(L, 2);
    charge_fmod(L, dividend, divisor);
    lua_pushnumber(L, fmod(dividend, divisor));
  }

  return 1;
}

static int math_modf(lua_State *L) {
  if (lua_isinteger(L, 1)) {
    lua_settop(L, 1);
    lua_pushnumber(L, 0);
  } else {
    lua_Number number = luaL_checknumber(L, 1);
    lua_Number whole = trunc(number);
    push_integral(L, whole);
    lua_pushnumber(L, whole == number ? 0 : number - whole); /* infinity has no fraction */
  }

  return 2;
}

/* The first argument that no later one is smaller (or larger) than. */
static int pick_extreme(lua_State *L, int largest) {
  int count = lua_gettop(L), best = 1;
  luaL_argcheck(L, count >= 1, 1, "value expected");
  sandbox_charge(L, (size_t)count);
  for (int i = 1; i <= count; i++) {
    luaL_checktype(L, i, LUA_TNUMBER);
    if (lua_compare(L, largest ? best : i, largest ? i : best, LUA_OPLT)) best = i;
  }

  lua_pushvalue(L, best);

  return 1;
}

static int math_max(lua_State *L) {
  return pick_extreme(L, 1);
}

static int math_min(lua_State *L) {
  return pick_extreme(L, 0);
}

static int math_sqrt(lua_State *L) {
  lua_pushnumber(L, sqrt(luaL_checknumber(L, 1)));
  return 1;
}

static int math_tointeger(lua_State *L) {
  int exact;
  lua_Integer number = lua_tointegerx(L, 1, &exact);
  if (exact) {
    lua_pushinteger(L, number);
  } else {
    luaL_checkany(L, 1);
    luaL_pushfail(L);
  }

  return 1;
}

static int math_type(lua_State *L) {
  if (lua_type(L, 1) == LUA_TNUMBER) {
    lua_pushstring(L, lua_isinteger(L, 1) ? "integer" : "float");
  } else {
    luaL_checkany(L, 1);
    luaL_pushfail(L);
  }

  return 1;
}

static int math_ult(lua_State *L) {
  lua_Integer a = luaL_checkinteger(L, 1), b = luaL_checkinteger(L, 2);
  lua_pushboolean(L, (lua_Unsigned)a < (lua_Unsigned)b);
  return 1;
}

int sandbox_open_math(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"abs", math_abs},   {"ceil", math_ceil}, {"floor", math_floor},
      {"fmod", math_fmod}, {"max", math_max},   {"min", math_min},
      {"modf", math_modf}, {"sqrt", math_sqrt}, {"tointeger", math_tointeger},
      {"type", math_type}, {"ult", math_ult},   {NULL, NULL},
  };
  sandbox_new_library(L, "math", functions);
  lua_pushnumber(L, 3.141592653589793238462643383279502884);
  lua_setfield(L, -2, "pi");
  lua_pushnumber(L, (lua_Number)HUGE_VAL);
  lua_setfield(L, -2, "huge");
  lua_pushinteger(L, LUA_MAXINTEGER);
  lua_setfield(L, -2, "maxinteger");
  lua_pushinteger(L, LUA_MININTEGER);
  lua_setfield(L, -2, "mininteger");

  return 1;
}
