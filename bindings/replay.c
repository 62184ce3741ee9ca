/* weir.replay: decide recorded decisions again, on all cores.
 *
 *   run{set=, old=, recordings={…}, jobs=, on_event=, on_progress=} → summary | nil, message, code
 *
 * set and old are policy sets (weir.policy_set); without old, decisions are compared with the
 * recorded ones. on_event(file, event) sees every difference, failure and bad line in order;
 * on_progress(file, done, total, decisions) is called now and then. A summary has
 *   the counts of replay/replay.h;
 *   kinds: kind → {was = action → n, is = action → n};
 *   files: a list of {name=, recording=, digest=} in the order in which the total takes them; a
 * file that was not read to its end has no digest; digest: the total, nil when a file has none;
 *   unreadable: a list of {file=, message=}.
 *
 *   combine{{name=, digest=}, …} → digest
 *
 * The total of files that were replayed apart: their digests as run or `weir replay --json` gave
 * them, in any order, and their names as paths, or relative to one folder. docs/replay-digest.md
 * defines it.
 *
 *   cores() → processors online, the default of jobs
 *
 * Memory: the replay lives for the call; the sets are anchored by the argument table. */
#include "replay/replay.h"

#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "policy/set.h"
#include "registry.h"
#include "replay_tables.h"

#define COMBINE_SIGNATURE "replay.combine{{name=, digest=}, …}"
#define SIGNATURE "replay.run{set=, old=, recordings={…}, jobs=, on_event=, on_progress=}"

typedef struct {
  lua_State *L;
  int on_event; /* stack index, 0 without */
  int on_progress;
  bool raised; /* a callback raised; its error is on the top of the stack */
} caller;

/* The event itself travels as a light userdata: building its table can raise, so it must happen
 * inside the protected call. */
static int deliver_event(lua_State *L) {
  replay_tables_push_event(L, lua_touserdata(L, 3));
  lua_replace(L, 3);
  lua_call(L, 2, 0);
  return 0;
}

static void on_event(void *context, const char *file, const replay_event *event) {
  caller *c = context;
  lua_State *L = c->L;
  if (!c->on_event || c->raised) return;
  lua_pushcfunction(L, deliver_event);
  lua_pushvalue(L, c->on_event);
  lua_pushstring(L, file);
  lua_pushlightuserdata(L, (void *)event);
  c->raised = lua_pcall(L, 3, 0, 0) != LUA_OK;
}

static void on_progress(void *context, const char *file, size_t done, size_t total,
                        uint64_t decisions) {
  caller *c = context;
  lua_State *L = c->L;
  if (!c->on_progress || c->raised) return;
  lua_pushvalue(L, c->on_progress);
  lua_pushstring(L, file);
  lua_pushinteger(L, (lua_Integer)done);
  lua_pushinteger(L, (lua_Integer)total);
  lua_pushinteger(L, (lua_Integer)decisions);
  c->raised = lua_pcall(L, 4, 0, 0) != LUA_OK;
}

static policy_set *check_set(lua_State *L, const char *name, bool required) {
  int type = lua_getfield(L, 1, name);
  if (type == LUA_TNIL && !required) {
    lua_pop(L, 1);
    return NULL;
  }
  policy_set **handle = luaL_testudata(L, -1, POLICY_SET_TYPE);
  binding_expect(L, handle && *handle, SIGNATURE);
  lua_pop(L, 1); /* the argument table anchors it */
  return *handle;
}

static int check_function(lua_State *L, const char *name) {
  int type = lua_getfield(L, 1, name);
  binding_expect(L, type == LUA_TNIL || type == LUA_TFUNCTION, SIGNATURE);
  if (type == LUA_TFUNCTION) return lua_gettop(L);
  lua_pop(L, 1);
  return 0;
}

static long count_cores(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : cores;
}

static int replay_cores(lua_State *L) {
  lua_pushinteger(L, count_cores());
  return 1;
}

static size_t check_jobs(lua_State *L) {
  lua_getfield(L, 1, "jobs");
  lua_Integer jobs = luaL_optinteger(L, -1, count_cores());
  lua_pop(L, 1);
  if (jobs < 1) luaL_error(L, "jobs must be at least 1; expected %s", SIGNATURE);
  return jobs > REPLAY_MAX_JOBS ? REPLAY_MAX_JOBS : (size_t)jobs;
}

/* A replay that raises must still stop its threads: it is closed through a userdata. */
static int close_replay(lua_State *L) {
  replay **r = lua_touserdata(L, 1);
  replay_free(*r);
  *r = NULL;
  return 0;
}

static replay **new_handle(lua_State *L) {
  replay **handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = NULL;
  if (luaL_newmetatable(L, "weir.replay")) {
    lua_pushcfunction(L, close_replay);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close_replay);
    lua_setfield(L, -2, "__close");
  }
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  return handle;
}

/* Moves the text into a Lua string. */
static void push_text(lua_State *L, text_buffer *text) {
  lua_pushlstring(L, text->data ? text->data : "", text->size);
  text_buffer_free(text);
}

/* Appends {file=, message=} to the list at `unreadable`. */
static void add_unreadable(lua_State *L, int unreadable, const char *path, text_buffer *why) {
  lua_createtable(L, 0, 2);
  lua_pushstring(L, path);
  lua_setfield(L, -2, "file");
  push_text(L, why);
  lua_setfield(L, -2, "message");
  lua_rawseti(L, unreadable, (lua_Integer)lua_rawlen(L, unreadable) + 1);
}

/* Replays recordings[1…]; pushes the list of those that could not be read. False when memory is
 * short. */
static bool replay_all(lua_State *L, replay *r, const caller *c, int recordings) {
  lua_newtable(L);
  int unreadable = lua_gettop(L);
  for (lua_Integer i = 1; lua_rawgeti(L, recordings, i) != LUA_TNIL; i++) {
    text_buffer why = {0};
    const char *path = luaL_checkstring(L, -1);
    replay_result result = replay_file(r, path, &why);
    if (c->raised) {
      text_buffer_free(&why);
      lua_error(L);
    }
    if (result == REPLAY_UNREADABLE) add_unreadable(L, unreadable, path, &why);
    text_buffer_free(&why);
    lua_settop(L, unreadable);
    if (result == REPLAY_OUT_OF_MEMORY) return false;
  }
  lua_settop(L, unreadable);
  return true;
}

static int replay_run(lua_State *L) {
  static const char *const allowed[] = {"set",      "old",         "recordings", "jobs",
                                        "on_event", "on_progress", NULL};
  binding_expect(L, lua_istable(L, 1), SIGNATURE);
  binding_check_keys(L, 1, allowed, SIGNATURE);
  policy_set *set = check_set(L, "set", true), *old = check_set(L, "old", false);
  caller c = {.L = L};
  c.on_event = check_function(L, "on_event");
  c.on_progress = check_function(L, "on_progress");
  const policy_set_options *chosen = policy_set_options_of(set);
  replay_options options = {
      .files = policy_set_files(set),
      .old_files = old ? policy_set_files(old) : NULL,
      .limits = chosen->limits,
      .overrides = chosen->overrides,
      .overrides_size = chosen->overrides_size,
      .jobs = check_jobs(L),
  };
  binding_expect(L, lua_getfield(L, 1, "recordings") == LUA_TTABLE, SIGNATURE);
  int recordings = lua_gettop(L);

  replay **handle = new_handle(L);
  replay_listener listener = {&c, on_event, on_progress};
  text_buffer why = {0};
  *handle = replay_new(&options, listener, &why);
  if (!*handle) {
    push_text(L, &why);
    return binding_fail(L, "OutOfMemory", "%s", lua_tostring(L, -1));
  }
  if (!replay_all(L, *handle, &c, recordings))
    return binding_fail(L, "OutOfMemory", "not enough memory");

  replay_tables_push_summary(L, *handle, policy_set_sandbox(set));
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "unreadable");
  return 1;
}

static int free_list(lua_State *L) {
  replay_digest_free(lua_touserdata(L, 1));
  return 0;
}

/* A list that is freed however the call ends. */
static replay_digest_list *new_list(lua_State *L) {
  replay_digest_list *list = lua_newuserdatauv(L, sizeof *list, 0);
  *list = (replay_digest_list){0};
  if (luaL_newmetatable(L, "weir.replay.files")) {
    lua_pushcfunction(L, free_list);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, free_list);
    lua_setfield(L, -2, "__close");
  }
  lua_setmetatable(L, -2);
  lua_toclose(L, -1);
  return list;
}

/* Adds the {name=, digest=} on the top of the stack, and pops it. */
static void add_named(lua_State *L, replay_digest_list *list) {
  binding_expect(L, lua_istable(L, -1), COMBINE_SIGNATURE);
  int entry = lua_gettop(L);
  lua_getfield(L, entry, "name");
  lua_getfield(L, entry, "digest");
  size_t size;
  const char *digest = lua_tolstring(L, -1, &size);
  binding_expect(L, lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING,
                 COMBINE_SIGNATURE);
  if (!replay_digest_is_valid(digest, size))
    luaL_error(L, "'%s' is not a digest: expected sha256: and 64 hexadecimal digits", digest);

  replay_digest_file *file = replay_digest_add_file(list, lua_tostring(L, -2));
  if (!file) luaL_error(L, "not enough memory");
  memcpy(file->digest, digest, size + 1);
  lua_settop(L, entry - 1);
}

static int replay_combine(lua_State *L) {
  binding_expect(L, lua_istable(L, 1), COMBINE_SIGNATURE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  if (count == 0) luaL_error(L, "there is no file to combine; expected %s", COMBINE_SIGNATURE);
  replay_digest_list *list = new_list(L);

  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, i);
    add_named(L, list);
  }

  char total[REPLAY_DIGEST_BYTES];
  if (!replay_digest_sort(list)) luaL_error(L, "not enough memory");
  replay_digest_total(list, total);
  lua_pushstring(L, total);
  return 1;
}

static const luaL_Reg functions[] = {
    {"run", replay_run}, {"combine", replay_combine}, {"cores", replay_cores}, {NULL, NULL}};

int luaopen_weir_replay(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
