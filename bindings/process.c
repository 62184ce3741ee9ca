/* weir.process: this process and its machine.
 *
 *   version  the program's, "0.1.0"
 *   clock() → milliseconds on a clock that is never set back
 *   time() → milliseconds since 1970, UTC
 *   time_us() → microseconds since 1970, UTC
 *   timestamp([milliseconds since 1970]) → that time, or now, as "2026-11-22T03:04:05.678Z"
 *   sleep(milliseconds) waits 0 to 60000 ms; in a handler not beyond its deadline
 *   deadline() → when the handler that runs has to stop, in milliseconds since 1970, or nil
 *   write(descriptor, text, …) → true | nil, message, "WriteFailed"
 *       the texts as if they were one; those of several threads never mingle
 *   new_id() → 32 hexadecimal digits that no other call anywhere gives
 *            | nil, message, "NoRandomness"
 *   executable() → the path of the running program | nil, message, "NotFound"
 *   end_by_broken_pipe()  as with the lua program, nobody to read the output ends this one from now
 * on keep_secrets() → true | nil, message, "NotKept" from now on no core dump holds this process's
 * memory
 *
 * Over host/core/system/process.c. Memory: none is kept. */
#include "core/system/process.h"

#include <limits.h>
#include <string.h>

#include "binding.h"
#include "lambda/runtime.h"
#include "registry.h"

enum { LONGEST_SLEEP_MS = 60000, PATH_BYTES = 4096, TEXTS_MOST = 16 };

static int lua_process_clock(lua_State *L) {
  lua_pushinteger(L, process_clock_ms());
  return 1;
}

static int lua_process_time(lua_State *L) {
  lua_pushinteger(L, process_time_ms());
  return 1;
}

static int lua_process_time_us(lua_State *L) {
  lua_pushinteger(L, process_time_us());
  return 1;
}

static const char TIMESTAMP_SIGNATURE[] = "weir.process.timestamp([milliseconds since 1970])";

static int lua_process_timestamp(lua_State *L) {
  char text[PROCESS_TIMESTAMP_BYTES];
  lua_settop(L, 1);
  int64_t time_ms = lua_isnoneornil(L, 1)
                        ? process_time_ms()
                        : binding_argument_integer(L, 1, 0, LUA_MAXINTEGER, TIMESTAMP_SIGNATURE);

  process_timestamp(time_ms, text);
  lua_pushstring(L, text);
  return 1;
}

static const char WRITE_SIGNATURE[] = "weir.process.write(descriptor, text, …)";

static int lua_process_write(lua_State *L) {
  size_t size;
  struct iovec texts[TEXTS_MOST];
  int descriptor = (int)binding_argument_integer(L, 1, 0, INT_MAX, WRITE_SIGNATURE);
  int count = lua_gettop(L) - 1;
  for (int i = 2; i <= count + 1 || i == 2; i++)
    binding_argument_text(L, i, &size, WRITE_SIGNATURE);

  if (count > TEXTS_MOST) { /* the last ones as one */
    lua_concat(L, count - TEXTS_MOST + 1);
    count = TEXTS_MOST;
  }

  for (int i = 0; i < count; i++)
    texts[i].iov_base = (char *)lua_tolstring(L, i + 2, &texts[i].iov_len);
  int problem = process_write(descriptor, texts, count);
  if (problem) return binding_fail(L, "WriteFailed", "cannot write: %s", strerror(problem));

  lua_pushboolean(L, true);
  return 1;
}

static int lua_process_new_id(lua_State *L) {
  char id[PROCESS_ID_BYTES];
  if (!process_new_id(id))
    return binding_fail(L, "NoRandomness", "the system gives no random numbers");

  lua_pushstring(L, id);
  return 1;
}

static const char SLEEP_SIGNATURE[] = "weir.process.sleep(milliseconds from 0 to 60000)";

static int lua_process_sleep(lua_State *L) {
  lua_settop(L, 1);
  int64_t milliseconds = binding_argument_integer(L, 1, 0, LONGEST_SLEEP_MS, SLEEP_SIGNATURE);

  /* A handler sleeps up to its deadline, which then stops it. */
  int64_t left = lambda_runtime_time_left(L);
  process_sleep_ms(milliseconds < left ? milliseconds : left);
  return 0;
}

static int lua_process_deadline(lua_State *L) {
  int64_t deadline_ms = lambda_runtime_deadline(L, 0);
  if (deadline_ms == 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, deadline_ms);
  return 1;
}

static int lua_process_executable(lua_State *L) {
  char path[PATH_BYTES];
  if (!process_executable(path, sizeof path))
    return binding_fail(L, "NotFound", "the path of the running program is unknown");
  lua_pushstring(L, path);
  return 1;
}

static int lua_process_end_by_broken_pipe(lua_State *L) {
  lua_settop(L, 0);
  process_end_by_broken_pipe();
  return 0;
}

static int lua_process_keep_secrets(lua_State *L) {
  if (!process_keep_secrets())
    return binding_fail(L, "NotKept", "the system does not let core dumps be switched off");
  lua_pushboolean(L, true);
  return 1;
}

int luaopen_weir_process(lua_State *L) {
  static const luaL_Reg functions[] = {
      BINDING_FUNCTION(process, clock),        BINDING_FUNCTION(process, sleep),
      BINDING_FUNCTION(process, deadline),     BINDING_FUNCTION(process, time),
      BINDING_FUNCTION(process, time_us),      BINDING_FUNCTION(process, timestamp),
      BINDING_FUNCTION(process, write),        BINDING_FUNCTION(process, new_id),
      BINDING_FUNCTION(process, executable),   BINDING_FUNCTION(process, end_by_broken_pipe),
      BINDING_FUNCTION(process, keep_secrets), BINDING_END};
  luaL_newlib(L, functions);
  binding_set_text(L, "version", WEIR_VERSION);
  return 1;
}
