/* weir.process: the version, the program's path, a steady clock, a wait, the time, the deadline of
 * the handler that runs, ids, writing to a descriptor, and keep_secrets() → true | nil, message,
 * code: no core dump of what is handled from now on. Memory: none. */
#include "core/system/process.h"

#include <string.h>

#include "binding.h"
#include "lambda/runtime.h"
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

/* Microseconds since 1970, UTC. */
static int process_time_us_(lua_State *L) {
  lua_pushinteger(L, process_time_us());
  return 1;
}

/* timestamp([ms]) → a time in milliseconds since 1970, or now, as "2026-11-22T03:04:05.678Z" */
static int process_timestamp_(lua_State *L) {
  char text[PROCESS_TIMESTAMP_BYTES];
  binding_expect(L, lua_isnoneornil(L, 1) || (lua_isinteger(L, 1) && lua_tointeger(L, 1) >= 0),
                 "timestamp([milliseconds since 1970])");
  process_timestamp(luaL_optinteger(L, 1, process_time_ms()), text);
  lua_pushstring(L, text);
  return 1;
}

/* write(descriptor, text) → true | nil, message, "WriteFailed". Texts of several threads never
 * mingle. */
static int process_write_(lua_State *L) {
  size_t size;
  binding_expect(L, lua_isinteger(L, 1) && lua_type(L, 2) == LUA_TSTRING,
                 "write(descriptor, text)");
  const char *text = lua_tolstring(L, 2, &size);
  int problem = process_write((int)lua_tointeger(L, 1), text, size);
  if (problem) return binding_fail(L, "WriteFailed", "cannot write: %s", strerror(problem));
  lua_pushboolean(L, true);
  return 1;
}

/* 32 hexadecimal digits that no other call anywhere gives. */
static int process_new_id(lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[16];
  char text[2 * sizeof bytes];
  if (!process_random(bytes, sizeof bytes))
    return binding_fail(L, "NoRandomness", "the system gives no random numbers");
  for (size_t i = 0; i < sizeof bytes; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, text, sizeof text);
  return 1;
}

static int process_sleep(lua_State *L) {
  int is_integer;
  lua_Integer milliseconds = lua_tointegerx(L, 1, &is_integer);
  binding_expect(L, is_integer && milliseconds >= 0 && milliseconds <= LONGEST_SLEEP_MS,
                 "sleep(integer milliseconds, 0 to 60000)");
  /* A handler sleeps up to its deadline, which then stops it. */
  int64_t left = lambda_runtime_time_left(L);
  process_sleep_ms(milliseconds < left ? milliseconds : left);
  return 0;
}

/* deadline() → when the handler that runs has to stop (epoch milliseconds) | nil: there is none. */
static int process_deadline(lua_State *L) {
  int64_t deadline_ms = lambda_runtime_deadline(L, 0);
  if (deadline_ms == 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, deadline_ms);
  return 1;
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
      {"deadline", process_deadline},
      {"time", process_time},
      {"time_us", process_time_us_},
      {"timestamp", process_timestamp_},
      {"write", process_write_},
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
