/* weir.emulator: Lambda on this machine, over host/emulator.c.
 *   open{program=, argv0=, …} → emulator | nil, message, code
 *   emulator:port() → integer
 *   emulator:run() → true | nil, message, code   (until a signal)
 *   emulator:close()
 * Memory: one userdata; its user value keeps the options' strings alive. Closed by close(), by its
 * scope (<close>) or by the collector, which kills what still runs. */
#include "emulator/emulator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "registry.h"

#define EMULATOR_TYPE "weir.emulator"

static const char SIGNATURE[] =
    "emulator.open{program=path, argv0=text, handler=text, function_name=text, task_root=path, "
    "layer=path, variables={\"NAME=VALUE\", …}, qualifiers={text, …}, port=0…65535, "
    "timeout_s=1…900, "
    "memory_mb=integer, concurrency=1…100, managed=0…100, json_logs=boolean, "
    "json_events=boolean}";
static const char *const KEYS[] = {"program",   "argv0",     "handler",     "function_name",
                                   "task_root", "layer",     "variables",   "qualifiers",
                                   "port",      "timeout_s", "memory_mb",   "concurrency",
                                   "managed",   "json_logs", "json_events", NULL};

/* The string stays on the anchor table, which the emulator holds. */
static const char *keep_text(lua_State *L, int index, int anchors) {
  size_t size;
  binding_expect(L, lua_type(L, index) == LUA_TSTRING, SIGNATURE);
  const char *text = lua_tolstring(L, index, &size);
  if (strlen(text) != size) luaL_error(L, "a NUL byte in an option; expected %s", SIGNATURE);
  lua_pushvalue(L, index);
  lua_rawseti(L, anchors, (lua_Integer)lua_rawlen(L, anchors) + 1);
  return text;
}

static const char *read_text(lua_State *L, const char *name, int anchors) {
  lua_getfield(L, 1, name);
  const char *text = keep_text(L, lua_gettop(L), anchors);
  lua_pop(L, 1);
  return text;
}

static int read_integer(lua_State *L, const char *name, int least, int most) {
  int is_integer;
  lua_getfield(L, 1, name);
  lua_Integer value = lua_tointegerx(L, -1, &is_integer);
  binding_expect(L, is_integer && value >= least && value <= most, SIGNATURE);
  lua_pop(L, 1);
  return (int)value;
}

static bool read_flag(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* The list is a userdata on the anchor table. */
static const char *const *read_list(lua_State *L, const char *name, int anchors) {
  binding_expect(L, lua_getfield(L, 1, name) == LUA_TTABLE, SIGNATURE);
  int list = lua_gettop(L);
  size_t count = lua_rawlen(L, list);
  const char **texts = lua_newuserdatauv(L, (count + 1) * sizeof *texts, 0);
  lua_rawseti(L, anchors, (lua_Integer)lua_rawlen(L, anchors) + 1);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    texts[i] = keep_text(L, lua_gettop(L), anchors);
    lua_pop(L, 1);
  }
  texts[count] = NULL;
  lua_pop(L, 1);
  return texts;
}

static const char *const *read_variables(lua_State *L, int anchors) {
  const char *const *variables = read_list(L, "variables", anchors);
  for (const char *const *entry = variables; *entry; entry++)
    binding_expect(L, strchr(*entry, '=') != NULL, SIGNATURE);
  return variables;
}

static emulator_options read_options(lua_State *L, int anchors) {
  emulator_options options = {0};
  options.program = read_text(L, "program", anchors);
  options.argv0 = read_text(L, "argv0", anchors);
  options.handler = read_text(L, "handler", anchors);
  options.function_name = read_text(L, "function_name", anchors);
  options.task_root = read_text(L, "task_root", anchors);
  options.layer = read_text(L, "layer", anchors);
  options.variables = read_variables(L, anchors);
  options.qualifiers = read_list(L, "qualifiers", anchors);
  options.port = read_integer(L, "port", 0, 65535);
  options.timeout_s = read_integer(L, "timeout_s", 1, 900);
  options.memory_mb = read_integer(L, "memory_mb", 128, 10240);
  options.concurrency = read_integer(L, "concurrency", 1, 100);
  options.managed = read_integer(L, "managed", 0, 100);
  options.json_logs = read_flag(L, "json_logs");
  options.json_events = read_flag(L, "json_events");
  return options;
}

static int emulator_open(lua_State *L) {
  binding_expect(L, lua_gettop(L) == 1 && lua_istable(L, 1), SIGNATURE);
  binding_check_keys(L, 1, KEYS, SIGNATURE);
  emulator_host **made = lua_newuserdatauv(L, sizeof *made, 1);
  *made = NULL;
  luaL_setmetatable(L, EMULATOR_TYPE);
  lua_newtable(L); /* options emulator anchors */
  emulator_options options = read_options(L, lua_gettop(L));
  lua_setiuservalue(L, -2, 1);
  *made = emulator_new(&options);
  if (*made) return 1;
  int problem = errno;
  return binding_fail(L, problem == EADDRINUSE ? "PortInUse" : "ListenFailed",
                      "cannot listen on 127.0.0.1:%d: %s", options.port, strerror(problem));
}

static emulator_host *check_open(lua_State *L, const char *signature) {
  emulator_host **given = luaL_checkudata(L, 1, EMULATOR_TYPE);
  binding_expect(L, *given != NULL, signature);
  return *given;
}

static int emulator_port_call(lua_State *L) {
  lua_pushinteger(L, emulator_port_number(check_open(L, "emulator:port() of an open emulator")));
  return 1;
}

static int emulator_run_call(lua_State *L) {
  if (!emulator_run(check_open(L, "emulator:run() of an open emulator")))
    return binding_fail(L, "WriteFailed", "%s", strerror(errno));
  lua_pushboolean(L, true);
  return 1;
}

static int emulator_close(lua_State *L) {
  emulator_host **given = luaL_checkudata(L, 1, EMULATOR_TYPE);
  emulator_free(*given);
  *given = NULL;
  return 0;
}

int luaopen_weir_emulator(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", emulator_open}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"port", emulator_port_call},
                                     {"run", emulator_run_call},
                                     {"close", emulator_close},
                                     {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__gc", emulator_close}, {"__close", emulator_close}, {NULL, NULL}};
  luaL_newmetatable(L, EMULATOR_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
