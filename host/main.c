/* The program: under the name `bootstrap` it is Lambda's runtime; under any other it starts the
 * trusted state and hands the command line to lua/weir/cli.lua, which answers with the exit status.
 * Owns that state for the life of the process. */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/system/process.h"
#include "lambda/runtime.h"
#include "registry.h"
#include "script/call.h"
#include "script/state.h"

enum { EXIT_INTERNAL = 6 };

static void push_arguments(lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
}

static bool is_bootstrap(const char *program) {
  const char *slash = strrchr(program, '/');
  return strcmp(slash ? slash + 1 : program, "bootstrap") == 0;
}

int main(int argc, char **argv) {
  process_survive_failed_writes();
  if (argc > 0 && is_bootstrap(argv[0])) return lambda_runtime_main(registry_bindings);
  lua_State *L = script_state_new(registry_bindings);
  if (!L) {
    fputs("weir: not enough memory to start\n", stderr);
    return EXIT_INTERNAL;
  }

  lua_getglobal(L, "require");
  lua_pushliteral(L, "weir.cli");
  int status = script_call(L, 1, 1);
  if (status == LUA_OK) {
    lua_getfield(L, -1, "main");
    push_arguments(L, argc, argv);
    status = script_call(L, 1, 1);
  }

  int exit_status = EXIT_INTERNAL;
  if (status == LUA_OK)
    exit_status = (int)lua_tointeger(L, -1);
  else if (status == LUA_ERRMEM)
    fputs("weir: not enough memory\n", stderr);
  else
    fprintf(stderr, "weir: internal error: %s\n", lua_tostring(L, -1));
  lua_close(L);
  if (fflush(stdout) != 0 && exit_status == 0) exit_status = EXIT_INTERNAL;

  return exit_status;
}
