/* weir.replay: decide recorded decisions again, on all cores.
 *
 *   run{set=, old=, recordings={path, …}, jobs=, on_event=, on_progress=, details=} → summary
 *       | nil, message, "OutOfMemory"
 *       set and old are policy sets (weir.policy_set); without old, decisions are compared with the
 *       recorded ones. jobs: threads, all cores by default, 64 at most.
 *       on_event(file, event) sees every difference, failure and bad line in order, with the
 *       facts of a decision; with details the other decisions, too (type "same"), and their times;
 *       on_progress(file, done, total, decisions) is called now and then, with bytes of the file.
 *       What a callback raises ends the run and is raised.
 *   combine{{name=, digest=}, …} → digest
 *       the total of files that were replayed apart: their digests as run or `weir replay --json`
 *       gave them, in any order, and their names as paths, or relative to one folder.
 *       docs/replay-digest.md defines it
 *   cores() → processors online
 *
 * A summary has
 *   the counts of host/replay/replay.h;
 *   kinds: kind → {was = action → n, is = action → n};
 *   files: a list of {name=, recording=, digest=} in the order in which the total takes them; a
 *       file that was not read to its end has no digest;
 *   digest: the total, nil when a file has none;
 *   unreadable: a list of {file=, message=}.
 *
 * Memory: a userdata owns the replay and is closed when run ends, however it ends; the sets are
 * kept alive by the argument table. */
#include "replay/replay.h"

#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "policy/set.h"
#include "registry.h"
#include "replay_tables.h"

static const char REPLAY[] = "weir.replay";

static const char RUN_SIGNATURE[] =
    "weir.replay.run{set=policy set, recordings={path, …}, old=policy set?, jobs=integer?, "
    "on_event=function?, on_progress=function?, details=boolean?}";

typedef struct {
  lua_State *L;
  int on_event; /* stack index, 0 without */
  int on_progress;
  bool raised; /* a callback raised; its error is on the top of the stack */
} caller;

/* ── Callbacks: everything that may raise happens inside a protected call ── */

typedef struct {
  const char *file;
  const replay_event *event; /* NULL: progress */
  size_t done, total;
  uint64_t decisions;
} report;

/* callback report → nothing */
static int deliver(lua_State *L) {
  const report *news = lua_touserdata(L, 2);
  lua_settop(L, 1);
  lua_pushstring(L, news->file); // callback file
  if (news->event) {
    replay_tables_push_event(L, news->event); // callback file event
  } else {
    lua_pushinteger(L, (lua_Integer)news->done);
    lua_pushinteger(L, (lua_Integer)news->total);
    lua_pushinteger(L, (lua_Integer)news->decisions); // callback file done total decisions
  }

  lua_call(L, lua_gettop(L) - 1, 0);

  return 0;
}

static void send_report(caller *c, int callback, report *news) {
  if (!callback || c->raised) return;
  lua_pushcfunction(c->L, deliver);
  lua_pushvalue(c->L, callback);
  lua_pushlightuserdata(c->L, news); // … deliver callback report
  c->raised = lua_pcall(c->L, 2, 0, 0) != LUA_OK;
}

static void on_event(void *context, const char *file, const replay_event *event) {
  caller *c = context;
  send_report(c, c->on_event, &(report){.file = file, .event = event});
}

static void on_progress(void *context, const char *file, size_t done, size_t total,
                        uint64_t decisions) {
  caller *c = context;
  send_report(c, c->on_progress,
              &(report){.file = file, .done = done, .total = total, .decisions = decisions});
}

/* ── Arguments ── */

static policy_set *check_set(lua_State *L, const char *name) {
  policy_set **handle = NULL;
  if (binding_check_push(L, 1, name) != LUA_TNIL) {
    handle = luaL_testudata(L, -1, POLICY_SET_TYPE);
    if (!handle || !*handle) binding_check_refuse(L, -1, name, "a policy set", RUN_SIGNATURE);
  }

  lua_pop(L, 1); /* the argument table keeps it alive */

  return handle ? *handle : NULL;
}

/* Leaves the function on the stack; its index, or 0. */
static int check_function(lua_State *L, const char *name) {
  int type = binding_check_push(L, 1, name);
  if (type != LUA_TNIL && type != LUA_TFUNCTION)
    binding_check_refuse(L, -1, name, "a function", RUN_SIGNATURE);
  if (type == LUA_TFUNCTION) return lua_gettop(L);
  lua_pop(L, 1);

  return 0;
}

static long count_cores(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : cores;
}

static size_t check_jobs(lua_State *L) {
  lua_Integer jobs =
      binding_check_integer(L, 1, "jobs", 1, LUA_MAXINTEGER, count_cores(), RUN_SIGNATURE);
  return jobs > REPLAY_MAX_JOBS ? REPLAY_MAX_JOBS : (size_t)jobs;
}

/* Pushes a copy of the list of paths: callbacks may change the one that was given. */
static void check_recordings(lua_State *L) {
  binding_check_present(L, 1, "recordings", RUN_SIGNATURE);
  binding_check_push(L, 1, "recordings"); // given
  lua_Integer count = binding_check_list(L, -1, "recordings", RUN_SIGNATURE);
  lua_createtable(L, (int)count, 0); // given copy
  for (lua_Integer i = 1; i <= count; i++) {
    size_t size;
    if (lua_rawgeti(L, -2, i) != LUA_TSTRING)
      binding_check_refuse(L, -1, "recordings", "a list of paths", RUN_SIGNATURE);
    const char *path = lua_tolstring(L, -1, &size);
    if (strlen(path) != size) luaL_error(L, "a NUL byte in a path; expected %s", RUN_SIGNATURE);
    lua_rawseti(L, -2, i);
  }

  lua_remove(L, -2);
}

/* ── The call ── */

static void close_replay(lua_State *L) {
  replay **handle = binding_argument_self(L, REPLAY, "a replay");
  if (*handle) replay_free(*handle);
  *handle = NULL;
}

static int lua_replay_gc(lua_State *L) {
  close_replay(L);
  return 0;
}

/* A replay that raises must still stop its threads at once. */
static int lua_replay_close(lua_State *L) {
  close_replay(L);
  return 0;
}

/* Appends {file=, message=} to the list at `unreadable`. */
static void add_unreadable(lua_State *L, int unreadable, const char *path, const text_buffer *why) {
  lua_createtable(L, 0, 2);
  binding_set_text(L, "file", path);
  binding_set_bytes(L, "message", why->data, why->size);
  lua_rawseti(L, unreadable, (lua_Integer)lua_rawlen(L, unreadable) + 1);
}

/* Replays every path of the list at index; pushes the list of those that could not be read. False
 * when memory is short. */
static bool replay_all(lua_State *L, replay *r, int recordings, const caller *c) {
  bool enough = true;
  text_buffer *why = binding_buffer_push(L);
  lua_newtable(L); // why unreadable
  int unreadable = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, recordings);
  for (lua_Integer i = 1; i <= count && enough; i++) {
    lua_rawgeti(L, recordings, i); // why unreadable path
    const char *path = lua_tostring(L, -1);
    binding_buffer_begin(why);
    replay_result result = replay_file(r, path, why);
    if (c->raised) lua_error(L);

    if (result == REPLAY_UNREADABLE) add_unreadable(L, unreadable, path, why);
    enough = result != REPLAY_OUT_OF_MEMORY;
    lua_settop(L, unreadable);
  }

  return enough;
}

/* Pushes the owner of a new replay, which is freed when the calling function is left; NULL with the
 * reason in `why`. */
static replay *new_replay(lua_State *L, const replay_options *options, caller *c,
                          text_buffer *why) {
  replay **handle = binding_owner_push(L, REPLAY, sizeof(replay *), 0);
  lua_toclose(L, -1);
  *handle = replay_new(options, (replay_listener){c, on_event, on_progress}, why);
  return *handle;
}

static int lua_replay_run(lua_State *L) {
  static const char *const keys[] = {"set",      "old",         "recordings", "jobs",
                                     "on_event", "on_progress", "details",    NULL};
  lua_settop(L, 1);
  binding_expect(L, binding_check_options(L, 1, keys, RUN_SIGNATURE), RUN_SIGNATURE);
  binding_check_present(L, 1, "set", RUN_SIGNATURE);
  policy_set *set = check_set(L, "set"), *old = check_set(L, "old");
  caller c = {.L = L};
  c.on_event = check_function(L, "on_event");
  c.on_progress = check_function(L, "on_progress");
  size_t jobs = check_jobs(L);
  check_recordings(L);
  int recordings = lua_gettop(L);

  const policy_set_options *chosen = policy_set_options_of(set);
  replay_options options = {
      .files = policy_set_files(set),
      .old_files = old ? policy_set_files(old) : NULL,
      .limits = chosen->limits,
      .overrides = chosen->overrides,
      .overrides_size = chosen->overrides_size,
      .jobs = jobs,
      .details = binding_check_boolean(L, 1, "details", false, RUN_SIGNATURE),
  };
  text_buffer *why = binding_buffer_push(L);
  replay *self = new_replay(L, &options, &c, why); // … why replay
  if (!self) {
    lua_pushlstring(L, why->data ? why->data : "", why->size);
    return binding_fail(L, "OutOfMemory", "%s",
                        why->failed ? "not enough memory" : lua_tostring(L, -1));
  }

  if (!replay_all(L, self, recordings, &c)) // … unreadable
    return binding_fail(L, "OutOfMemory", "not enough memory");
  replay_tables_push_summary(L, self, policy_set_sandbox(set)); // … unreadable summary
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "unreadable");

  return 1;
}

static int lua_replay_cores(lua_State *L) {
  lua_pushinteger(L, count_cores());
  return 1;
}

int luaopen_weir_replay(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(replay, gc),
                                         BINDING_METAMETHOD(replay, close), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(replay, run),
                                       BINDING_FUNCTION(replay, cores), BINDING_END};
  binding_type_register(L, REPLAY, metamethods, NULL);
  luaL_newlib(L, functions);
  replay_combine_add(L);

  return 1;
}
