/* Dimensions of metrics, read from a Lua table: name → text. See emf_lua.h. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "emf_lua.h"

static int compare_texts(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The dimension whose value is on top of the stack. */
static void append_dimension(lua_State *L, text_buffer *set, const char *name) {
  size_t size;
  if (lua_type(L, -1) != LUA_TSTRING) {
    luaL_tolstring(L, -1, NULL);
    lua_replace(L, -2);
  }

  const char *value = lua_tolstring(L, -1, &size);
  emf_collector_dimension(set, name, strlen(name), value, size);
}

const char *emf_dimensions_read(lua_State *L, int index, text_buffer *set) {
  const char *names[EMF_DIMENSIONS];
  size_t count = 0;
  set->size = 0;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) return "a dimension's name must be a text";
    if (count == EMF_DIMENSIONS) return "a set has at most 30 dimensions";
    names[count++] = lua_tostring(L, -2);
  }

  if (count > 1) qsort(names, count, sizeof *names, compare_texts);
  for (size_t i = 0; i < count; i++) {
    if (binding_check_push(L, index, names[i]) == LUA_TNIL) return "a dimension's name has a NUL";
    append_dimension(L, set, names[i]);
    lua_pop(L, 1);
  }

  return NULL;
}
