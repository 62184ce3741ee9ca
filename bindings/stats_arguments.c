/* See stats_lua.h. */
#include "stats_lua.h"

double stats_arguments_confidence(lua_State *L, int index, const char *signature) {
  return binding_argument_number(L, index, STATS_ALMOST, 1 - STATS_ALMOST, 0.95, signature);
}

int stats_arguments_push_pair(lua_State *L, double low, double high) {
  lua_pushnumber(L, low);
  lua_pushnumber(L, high);
  return 2;
}

double *stats_arguments_numbers(lua_State *L, int index, size_t *count, double least, double most,
                                const char *signature) {
  *count = (size_t)binding_check_list(L, index, NULL, signature);
  double *numbers = lua_newuserdatauv(L, (*count + 1) * sizeof *numbers, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    double value = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
    if (!(value >= least && value <= most))
      luaL_error(L, "element %I must be a number from %f to %f; expected %s", (LUAI_UACINT)i + 1,
                 least, most, signature);
    numbers[i] = value;
    lua_pop(L, 1);
  }

  return numbers;
}

double stats_arguments_option(lua_State *L, const char *name, double least, double most,
                              double otherwise, const char *signature) {
  if (isnan(otherwise)) binding_check_present(L, 1, name, signature);
  double value = binding_check_number(L, 1, name, otherwise, signature);
  if (!(value >= least && value <= most))
    luaL_error(L, "'%s' must be a number from %f to %f; expected %s", name, least, most, signature);
  return value;
}
