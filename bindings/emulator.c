/* weir.emulator: Lambda on this machine.
 *
 *   open{program=, argv0=, …} → emulator | nil, message, "PortInUse" or "ListenFailed"
 *       every option must be there; timeout_s is seconds, memory_mb MiB, port 0 any free one
 *   emulator:port() → integer
 *   emulator:run() → true | nil, message, "WriteFailed"   (until a signal)
 *   emulator:close(); an emulator in a <close> variable is closed by its scope
 *
 * Over host/emulator. Memory: one userdata; its user value keeps the options' strings alive. The
 * collector closes it too, which kills what still runs. */
#include "emulator/emulator.h"

#include <errno.h>
#include <string.h>

#include "binding.h"
#include "registry.h"

static const char EMULATOR[] = "weir.emulator";

static const char OPEN_SIGNATURE[] =
    "weir.emulator.open{program=path, argv0=text, handler=text, function_name=text, "
    "task_root=path, layer=path, variables={\"NAME=VALUE\", …}, qualifiers={text, …}, "
    "port=0…65535, "
    "timeout_s=1…900, memory_mb=128…10240, concurrency=1…100, managed=0…100, "
    "json_logs=boolean, json_events=boolean}";
static const char *const KEYS[] = {"program",   "argv0",     "handler",     "function_name",
                                   "task_root", "layer",     "variables",   "qualifiers",
                                   "port",      "timeout_s", "memory_mb",   "concurrency",
                                   "managed",   "json_logs", "json_events", NULL};

/* Keeps the value on top of the stack in the table at `anchors`, and pops it. */
static void keep(lua_State *L, int anchors) {
  lua_rawseti(L, anchors, (lua_Integer)lua_rawlen(L, anchors) + 1);
}

static const char *read_text(lua_State *L, const char *name, int anchors) {
  binding_check_present(L, 1, name, OPEN_SIGNATURE);
  const char *text = binding_check_name(L, 1, name, OPEN_SIGNATURE);
  binding_check_push(L, 1, name);
  keep(L, anchors);

  return text;
}

static int read_integer(lua_State *L, const char *name, int least, int most) {
  binding_check_present(L, 1, name, OPEN_SIGNATURE);
  return (int)binding_check_integer(L, 1, name, least, most, 0, OPEN_SIGNATURE);
}

static bool read_boolean(lua_State *L, const char *name) {
  binding_check_present(L, 1, name, OPEN_SIGNATURE);
  return binding_check_boolean(L, 1, name, false, OPEN_SIGNATURE);
}

/* The list is a userdata in the table at `anchors`. */
static const char *const *read_list(lua_State *L, const char *name, int anchors) {
  binding_check_present(L, 1, name, OPEN_SIGNATURE);
  binding_check_push(L, 1, name); // given
  size_t count = (size_t)binding_check_list(L, -1, name, OPEN_SIGNATURE);
  const char **texts = lua_newuserdatauv(L, (count + 1) * sizeof *texts, 0);
  keep(L, anchors);
  for (size_t i = 0; i < count; i++) {
    size_t size;
    if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
      binding_check_refuse(L, -1, name, "a list of strings", OPEN_SIGNATURE);
    texts[i] = lua_tolstring(L, -1, &size);
    if (strlen(texts[i]) != size)
      luaL_error(L, "'%s' contains a NUL byte; expected %s", name, OPEN_SIGNATURE);
    keep(L, anchors);
  }

  texts[count] = NULL;
  lua_pop(L, 1);

  return texts;
}

static const char *const *read_variables(lua_State *L, int anchors) {
  const char *const *variables = read_list(L, "variables", anchors);
  for (const char *const *entry = variables; *entry; entry++)
    binding_expect(L, strchr(*entry, '=') != NULL, OPEN_SIGNATURE);
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
  options.json_logs = read_boolean(L, "json_logs");
  options.json_events = read_boolean(L, "json_events");

  return options;
}

static int lua_emulator_open(lua_State *L) {
  binding_argument_most(L, 1, OPEN_SIGNATURE);
  binding_expect(L, binding_check_options(L, 1, KEYS, OPEN_SIGNATURE), OPEN_SIGNATURE);

  emulator_host **made = binding_owner_push(L, EMULATOR, sizeof(emulator_host *), 1);
  lua_newtable(L); // options emulator anchors
  emulator_options options = read_options(L, lua_gettop(L));
  lua_setiuservalue(L, -2, 1);
  *made = emulator_new(&options);
  if (*made) return 1;

  int problem = errno;
  return binding_fail(L, problem == EADDRINUSE ? "PortInUse" : "ListenFailed",
                      "cannot listen on 127.0.0.1:%d: %s", options.port, strerror(problem));
}

static emulator_host *check_open(lua_State *L, const char *signature) {
  emulator_host **given = binding_argument_self(L, EMULATOR, signature);
  lua_settop(L, 1);
  binding_expect(L, *given != NULL, signature);
  return *given;
}

static int lua_emulator_port(lua_State *L) {
  lua_pushinteger(L, emulator_port_number(check_open(L, "emulator:port() of an open emulator")));
  return 1;
}

static int lua_emulator_run(lua_State *L) {
  if (!emulator_run(check_open(L, "emulator:run() of an open emulator")))
    return binding_fail(L, "WriteFailed", "%s", strerror(errno));
  lua_pushboolean(L, true);
  return 1;
}

static void close_emulator(lua_State *L, const char *signature) {
  emulator_host **given = binding_argument_self(L, EMULATOR, signature);
  emulator_free(*given);
  *given = NULL;
}

static int lua_emulator_close(lua_State *L) {
  close_emulator(L, "emulator:close()");
  return 0;
}

static int lua_emulator_gc(lua_State *L) {
  close_emulator(L, "an emulator");
  return 0;
}

int luaopen_weir_emulator(lua_State *L) {
  static const luaL_Reg functions[] = {BINDING_FUNCTION(emulator, open), BINDING_END};
  static const luaL_Reg methods[] = {BINDING_FUNCTION(emulator, port),
                                     BINDING_FUNCTION(emulator, run),
                                     BINDING_FUNCTION(emulator, close), BINDING_END};
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(emulator, gc),
                                         BINDING_METAMETHOD(emulator, close), BINDING_END};
  binding_type_register(L, EMULATOR, metamethods, methods);
  luaL_newlib(L, functions);

  return 1;
}
