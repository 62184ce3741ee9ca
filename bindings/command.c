/* weir.command: programs without a shell.
 *
 *   run{argv={program, argument, …}, timeout_ms=, max_output_bytes=}
 *     → {exit_status=, output=} | nil, message, code
 *       timeout_ms: milliseconds, 60000 by default, and never longer than a handler may still take;
 *       max_output_bytes: 1 MiB by default
 *       codes: NotStarted, Signalled, Timeout, OutputTooLarge; no message holds any output
 *
 * Over host/core/system/command.c.
 * Memory: a userdata owns the output, which is wiped as soon as it is copied into Lua. */
#include "core/system/command.h"

#include <string.h>

#include "binding.h"
#include "lambda/runtime.h"
#include "registry.h"

enum { ARGUMENTS_MAX = 4096 };

static const char RESULT[] = "weir.command.result";

static const char RUN_SIGNATURE[] =
    "weir.command.run{argv={program, argument, …}, timeout_ms=integer?, max_output_bytes=integer?}";

static int lua_command_gc(lua_State *L) {
  command_result_free(binding_argument_self(L, RESULT, "a result"));
  return 0;
}

/* Leaves the array on the stack; the argument's list keeps the strings alive. */
static char **read_argv(lua_State *L) {
  binding_check_present(L, 1, "argv", RUN_SIGNATURE);
  binding_check_push(L, 1, "argv"); // argv
  lua_Integer count = binding_check_list(L, lua_gettop(L), "argv", RUN_SIGNATURE);
  binding_expect(L, count > 0 && count < ARGUMENTS_MAX, RUN_SIGNATURE);

  char **argv = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *argv, 0); // argv array
  for (lua_Integer i = 0; i < count; i++) {
    size_t size;
    if (lua_rawgeti(L, -2, i + 1) != LUA_TSTRING)
      binding_check_refuse(L, lua_gettop(L), "argv", "a list of strings", RUN_SIGNATURE);
    const char *word = lua_tolstring(L, -1, &size);
    if (strlen(word) != size)
      luaL_error(L, "argv[%d] contains a NUL byte; expected %s", (int)i + 1, RUN_SIGNATURE);
    argv[i] = (char *)word; /* posix_spawn does not write to it */
    lua_pop(L, 1);
  }

  argv[count] = NULL;
  lua_remove(L, -2);

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

static int lua_command_run(lua_State *L) {
  static const char *const keys[] = {"argv", "timeout_ms", "max_output_bytes", NULL};
  binding_argument_most(L, 1, RUN_SIGNATURE);
  binding_expect(L, binding_check_options(L, 1, keys, RUN_SIGNATURE), RUN_SIGNATURE);
  int64_t timeout_ms =
      binding_check_integer(L, 1, "timeout_ms", 1, LUA_MAXINTEGER, 60000, RUN_SIGNATURE);
  lua_Integer output_max =
      binding_check_integer(L, 1, "max_output_bytes", 1, LUA_MAXINTEGER, 1 << 20, RUN_SIGNATURE);
  char **argv = read_argv(L);
  int64_t left = lambda_runtime_time_left(L); /* a handler waits up to its deadline */
  if (timeout_ms > left) timeout_ms = left;

  command_result *result = binding_owner_push(L, RESULT, sizeof *result, 0);
  *result = command_run(argv, timeout_ms, (size_t)output_max);
  if (result->outcome != COMMAND_EXITED) return push_failure(L, result, argv[0]);

  lua_createtable(L, 0, 2);
  binding_set_integer(L, "exit_status", result->exit_status);
  binding_set_bytes(L, "output", result->output.data, result->output.size);
  command_result_free(result);

  return 1;
}

int luaopen_weir_command(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(command, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(command, run), BINDING_END};
  binding_type_register(L, RESULT, metamethods, NULL);
  luaL_newlib(L, functions);

  return 1;
}
