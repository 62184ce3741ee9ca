/* weir.process: the version, the program's path, a steady clock, a wait, the time, ids, and
 * keep_secrets() → true | nil, message, code: no core dump of what is handled from now on.
 * Memory: none. Callers: lua/weir/cli.lua and the verbs. */
#include "core/process.h"

#include <stdio.h>

#include "binding.h"
#include "registry.h"

enum { LONGEST_SLEEP_MS = 60000 };

static int process_clock(lua_State *L) {
  lua_pushinteger(L, process_clock_ms());
  return 1;
}

static int process_time(lua_State *L) {
  lua_pushinteger(L, process_time_ms());
  return 1;
}

/* 32 hexadecimal digits that no other call anywhere gives. */
static int process_new_id(lua_State *L) {
  unsigned char bytes[16];
  char text[33];
  if (!process_random(bytes, sizeof bytes))
    return binding_fail(L, "NoRandomness", "the system gives no random numbers");
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  lua_pushstring(L, text);
  return 1;
}

static int process_sleep(lua_State *L) {
  int is_integer;
  lua_Integer milliseconds = lua_tointegerx(L, 1, &is_integer);
  binding_expect(L, is_integer && milliseconds >= 0 && milliseconds <= LONGEST_SLEEP_MS,
                 "sleep(integer milliseconds, 0 to 60000)");
  process_sleep_ms(milliseconds);
  return 0;
}

static int process_executable_(lua_State *L) {
  char path[4096];
  if (!process_executable(path, sizeof path))
    return binding_fail(L, "NotFound", "the path of the running program is unknown");
  lua_pushstring(L, path);
  return 1;
}

static int process_keep_secrets_(lua_State *L) {
  if (!process_keep_secrets())
    return binding_fail(L, "NotKept", "the system does not let core dumps be switched off");
  lua_pushboolean(L, true);
  return 1;
}

int luaopen_weir_process(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"clock", process_clock},
      {"sleep", process_sleep},
      {"time", process_time},
      {"new_id", process_new_id},
      {"executable", process_executable_},
      {"keep_secrets", process_keep_secrets_},
      {NULL, NULL},
  };
  luaL_newlib(L, functions);
  lua_pushliteral(L, WEIR_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
