/* weir.command: programs without a shell, over host/core/command_run.c.
 *   run{argv={program, argument, …}, timeout_ms=, max_output_bytes=}
 *     → {exit_status=, output=} | nil, message, code
 * Codes: NotStarted, Signalled, Timeout, OutputTooLarge. No message holds any output.
 * Memory: the result is copied into Lua and wiped. */
#include <string.h>

#include "binding.h"
#include "core/system/command.h"
#include "lambda/runtime.h"
#include "registry.h"

static const char RUN_SIGNATURE[] =
    "command.run{argv={program, argument, …}, timeout_ms=integer?, max_output_bytes=integer?}";

static int64_t read_limit(lua_State *L, const char *name, int64_t otherwise) {
  int64_t value = otherwise;
  if (lua_getfield(L, 1, name) != LUA_TNIL) {
    binding_expect(L, lua_isinteger(L, -1) && lua_tointeger(L, -1) > 0, RUN_SIGNATURE);
    value = lua_tointeger(L, -1);
  }
  lua_pop(L, 1);
  return value;
}

/* Leaves argv's list and the array on the stack, which keep the strings alive. */
static char **read_argv(lua_State *L) {
  binding_expect(L, lua_getfield(L, 1, "argv") == LUA_TTABLE, RUN_SIGNATURE);
  int list = lua_gettop(L);
  lua_Unsigned count = lua_rawlen(L, list);
  binding_expect(L, count > 0 && count < 4096, RUN_SIGNATURE);
  char **argv = lua_newuserdatauv(L, (count + 1) * sizeof *argv, 0);
  for (lua_Unsigned i = 0; i < count; i++) {
    size_t size;
    binding_expect(L, lua_rawgeti(L, list, (lua_Integer)i + 1) == LUA_TSTRING, RUN_SIGNATURE);
    const char *word = lua_tolstring(L, -1, &size);
    if (strlen(word) != size) luaL_error(L, "argv[%d] contains a NUL byte", (int)i + 1);
    argv[i] = (char *)word; /* posix_spawn does not write to it */
    lua_pop(L, 1);
  }
  argv[count] = NULL;
  return argv;
}

static int push_failure(lua_State *L, const command_result *result, const char *program) {
  switch (result->outcome) {
  case COMMAND_NOT_STARTED:
    return binding_fail(L, "NotStarted", "cannot start %s: %s", program,
                        strerror(result->start_errno));
  case COMMAND_SIGNALLED:
    return binding_fail(L, "Signalled", "%s was ended by signal %d", program, result->exit_status);
  case COMMAND_TIMEOUT:
    return binding_fail(L, "Timeout", "%s took too long and was ended", program);
  default: return binding_fail(L, "OutputTooLarge", "%s wrote too much and was ended", program);
  }
}

static int command_run_call(lua_State *L) {
  static const char *const keys[] = {"argv", "timeout_ms", "max_output_bytes", NULL};
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), RUN_SIGNATURE);
  binding_check_keys(L, 1, keys, RUN_SIGNATURE);
  int64_t timeout_ms = read_limit(L, "timeout_ms", 60000);
  int64_t left = lambda_runtime_time_left(L); /* a handler waits up to its deadline */
  if (timeout_ms > left) timeout_ms = left;
  int64_t output_max = read_limit(L, "max_output_bytes", 1 << 20);
  char **argv = read_argv(L);
  command_result result = command_run(argv, timeout_ms, (size_t)output_max);
  int results = 1;
  if (result.outcome == COMMAND_EXITED) {
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, result.exit_status);
    lua_setfield(L, -2, "exit_status");
    lua_pushlstring(L, result.output.data ? result.output.data : "", result.output.size);
    lua_setfield(L, -2, "output");
  } else {
    results = push_failure(L, &result, argv[0]);
  }
  command_result_free(&result);
  return results;
}

int luaopen_weir_command(lua_State *L) {
  static const luaL_Reg functions[] = {{"run", command_run_call}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
