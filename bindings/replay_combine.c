/* weir.replay.combine: the total of files that were replayed apart (see replay.c).
 * Memory: a userdata owns the list of files and is emptied when the call ends, however it ends. */
#include <string.h>

#include "binding.h"
#include "replay_tables.h"

static const char FILES[] = "weir.replay.files";

static const char COMBINE_SIGNATURE[] = "weir.replay.combine{{name=text, digest=text}, …}";

static int lua_replay_files_gc(lua_State *L) {
  replay_digest_free(binding_argument_self(L, FILES, "a list of files"));
  return 0;
}

/* Adds the {name=, digest=} on top of the stack, which is the element `at` of the argument. */
static void add_file(lua_State *L, replay_digest_list *list, lua_Integer at) {
  static const char *const keys[] = {"name", "digest", "recording", NULL};
  size_t size;
  if (!lua_istable(L, -1))
    luaL_error(L, "element %d must be a table, not a %s; expected %s", (int)at,
               luaL_typename(L, -1), COMBINE_SIGNATURE);
  binding_expect(L, binding_check_options(L, -1, keys, COMBINE_SIGNATURE), COMBINE_SIGNATURE);
  binding_check_present(L, -1, "name", COMBINE_SIGNATURE);
  binding_check_present(L, -1, "digest", COMBINE_SIGNATURE);
  const char *name = binding_check_name(L, -1, "name", COMBINE_SIGNATURE);
  const char *digest = binding_check_text(L, -1, "digest", &size, COMBINE_SIGNATURE);
  if (!replay_digest_is_valid(digest, size))
    luaL_error(L, "'%s' is not a digest, \"sha256:\" and 64 hexadecimal digits; expected %s",
               digest, COMBINE_SIGNATURE);

  replay_digest_file *file = replay_digest_add_file(list, name);
  binding_expect_memory(L, file != NULL);
  memcpy(file->digest, digest, size + 1);
}

static int lua_replay_combine(lua_State *L) {
  char total[REPLAY_DIGEST_BYTES];
  lua_settop(L, 1);
  lua_Integer count = binding_check_list(L, 1, NULL, COMBINE_SIGNATURE);
  if (count == 0) luaL_error(L, "there is no file to combine; expected %s", COMBINE_SIGNATURE);

  replay_digest_list *list = binding_owner_push(L, FILES, sizeof *list, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, i);
    add_file(L, list, i);
    lua_pop(L, 1);
  }

  binding_expect_memory(L, replay_digest_sort(list));
  replay_digest_total(list, total);
  replay_digest_free(list);

  lua_pushstring(L, total);
  return 1;
}

void replay_combine_add(lua_State *L) {
  static const luaL_Reg of_files[] = {BINDING_METAMETHOD(replay_files, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(replay, combine), BINDING_END};
  binding_type_register(L, FILES, of_files, NULL);
  luaL_setfuncs(L, functions, 0);
}
