/* weir.text: how near two names are, for "did you mean".
 *
 *   edit_distance(a, b) → the number of edits, nil for names over 64 bytes
 *   likely_distance(size) → the most edits at which a name of that size is still meant
 *
 * Over host/core/text/edit_distance.h. Memory: none is kept. */
#include "core/text/edit_distance.h"

#include <stdint.h>

#include "binding.h"
#include "registry.h"

static const char EDIT_DISTANCE_SIGNATURE[] = "weir.text.edit_distance(a, b)";

static int lua_text_edit_distance(lua_State *L) {
  size_t a_size, b_size;
  lua_settop(L, 2);
  const char *a = binding_argument_text(L, 1, &a_size, EDIT_DISTANCE_SIGNATURE);
  const char *b = binding_argument_text(L, 2, &b_size, EDIT_DISTANCE_SIGNATURE);
  size_t distance = edit_distance(a, a_size, b, b_size);

  if (distance == SIZE_MAX)
    lua_pushnil(L);
  else
    lua_pushinteger(L, (lua_Integer)distance);
  return 1;
}

static const char LIKELY_DISTANCE_SIGNATURE[] = "weir.text.likely_distance(size)";

static int lua_text_likely_distance(lua_State *L) {
  lua_settop(L, 1);
  lua_Integer size = binding_argument_integer(L, 1, 0, LUA_MAXINTEGER, LIKELY_DISTANCE_SIGNATURE);

  lua_pushinteger(L, (lua_Integer)edit_distance_likely((size_t)size));
  return 1;
}

int luaopen_weir_text(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(text, edit_distance),
                                       BINDING_FUNCTION(text, likely_distance), BINDING_END};
  luaL_newlib(L, functions);
  return 1;
}
