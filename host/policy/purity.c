/* See purity.h. The walk keeps a list of values still to visit, so that its depth does not
 * depend on the policy; it follows the order of keys, so that its findings and the names of frozen
 * tables are the same everywhere. */
#include "policy/purity.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "policy/closure_writes.h"
#include "sandbox/environment.h"
#include "sandbox/freeze.h"
#include "sandbox/order.h"

/* What is wrong; of several, the first by file and line. */
typedef struct {
  const char *reason; /* NULL: nothing; a format of the name */
  char file[LUA_IDSIZE];
  int line;
  char name[64];
} impurity;

typedef struct {
  lua_State *L;
  text_buffer *scratch; /* for closure_writes_find */
  int closures;         /* list and set of the Lua functions */
  int trusted;          /* value → true: what the environment offers */
  int seen;             /* value → true: visited, or waiting for it */
  int work;             /* value, name, file, line; value, name, file, line; … */
  lua_Integer work_size;
  impurity found;
} walk;

/* How the policy calls a value, and the function in which it does. */
typedef struct {
  const char *name, *file;
  int line;
} origin;

static const char CHANGED[] = "is changed by a function and would live on between decisions; keep "
                              "it local to decide";
static const char ITERATOR[] = "holds an iterator, which would go on in the next decision; call "
                               "pairs or gmatch inside decide";
static const char UNREADABLE[] = "cannot be checked for what it keeps between decisions";

static void report(walk *w, origin from, const char *reason) {
  impurity *found = &w->found;
  if (found->reason) {
    int order = strcmp(from.file, found->file);
    if (order == 0) order = (from.line > found->line) - (from.line < found->line);
    if (order == 0) order = strcmp(from.name, found->name);
    if (order >= 0) return;
  }

  found->reason = reason;
  found->line = from.line;
  snprintf(found->file, sizeof found->file, "%s", from.file);
  snprintf(found->name, sizeof found->name, "%s", from.name);
}

/* Is the value on the top in the set? */
static bool is_in(lua_State *L, int set) {
  lua_pushvalue(L, -1);
  bool found = lua_rawget(L, set) != LUA_TNIL;
  lua_pop(L, 1);
  return found;
}

/* Pops a value; it will be visited unless it has been, or is the environment's. */
static void add_work(walk *w, origin from) {
  lua_State *L = w->L;
  int type = lua_type(L, -1);
  if ((type != LUA_TFUNCTION && type != LUA_TTABLE) || is_in(L, w->trusted) || is_in(L, w->seen)) {
    lua_pop(L, 1);
    return;
  }

  lua_pushvalue(L, -1);
  lua_pushboolean(L, true);
  lua_rawset(L, w->seen);
  lua_rawseti(L, w->work, ++w->work_size);
  lua_pushstring(L, from.name);
  lua_rawseti(L, w->work, ++w->work_size);
  lua_pushstring(L, from.file);
  lua_rawseti(L, w->work, ++w->work_size);
  lua_pushinteger(L, from.line);
  lua_rawseti(L, w->work, ++w->work_size);
}

static void list_closure(walk *w, int index) {
  lua_State *L = w->L;
  lua_pushvalue(L, index);
  if (is_in(L, w->closures)) {
    lua_pop(L, 1);
    return;
  }

  lua_pushvalue(L, -1);
  lua_pushboolean(L, true);
  lua_rawset(L, w->closures);
  lua_rawseti(L, w->closures, (lua_Integer)lua_rawlen(L, w->closures) + 1);
}

static void visit_closure(walk *w, int index, origin from) {
  lua_State *L = w->L;
  list_closure(w, index);
  lua_Debug about;
  lua_pushvalue(L, index);
  lua_getinfo(L, ">S", &about);
  closure_writes writes;
  if (!closure_writes_find(L, index, w->scratch, &writes)) report(w, from, UNREADABLE);
  const char *variable;
  for (int i = 1; (variable = lua_getupvalue(L, index, i)); i++) {
    int written = i <= UPVALUES_MAX ? writes.line[i - 1] : 0;
    if (written > 0) report(w, (origin){variable, about.short_src, written}, CHANGED);
    add_work(w, (origin){variable, about.short_src, about.linedefined});
  }
}

/* Functions of C are pure but for those with a state of their own. */
static void visit_c_function(walk *w, int index, origin from) {
  if (!lua_getupvalue(w->L, index, 1)) return;
  lua_pop(w->L, 1);
  report(w, from, ITERATOR);
}

/* Freezes the table at index, and walks its contents. */
static void visit_table(walk *w, int index, origin from) {
  lua_State *L = w->L;
  sandbox_freeze_table(L, index, from.name);
  sandbox_push_all_keys(L, index);
  int keys = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, keys);
  for (lua_Integer i = 1; i <= count; i++) {
    origin field = from;
    if (lua_rawgeti(L, keys, i) == LUA_TSTRING) field.name = lua_tostring(L, -1);
    lua_pushvalue(L, -1);
    lua_rawget(L, index); /* key, value */
    add_work(w, field);
    add_work(w, from);
  }
}

static void visit_everything(walk *w) {
  lua_State *L = w->L;
  int base = lua_gettop(L), value = base + 1;
  while (w->work_size > 0) {
    for (int i = 3; i >= 0; i--) lua_rawgeti(L, w->work, w->work_size - i);
    for (int i = 0; i < 4; i++) {
      lua_pushnil(L);
      lua_rawseti(L, w->work, w->work_size--);
    }

    origin from = {lua_tostring(L, value + 1), lua_tostring(L, value + 2),
                   (int)lua_tointeger(L, value + 3)};
    if (lua_iscfunction(L, value))
      visit_c_function(w, value, from);
    else if (lua_isfunction(L, value))
      visit_closure(w, value, from);
    else
      visit_table(w, value, from);
    lua_settop(L, base);
  }
}

bool policy_purity_enforce(lua_State *L, int function_index, int closures, text_buffer *scratch,
                           text_buffer *why) {
  int function = lua_absindex(L, function_index), top = lua_gettop(L);
  luaL_checkstack(L, 32, "checking a policy");
  walk w = {.L = L,
            .scratch = scratch,
            .closures = lua_absindex(L, closures),
            .trusted = top + 1,
            .seen = top + 2,
            .work = top + 3};
  sandbox_push_trusted(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushvalue(L, function);
  add_work(&w, (origin){"decide", "", 0});
  visit_everything(&w);
  lua_settop(L, top);
  if (!w.found.reason) return true;
  if (w.found.line > 0) text_buffer_format(why, "%s:%d: ", w.found.file, w.found.line);
  text_buffer_format(why, "'%s' %s", w.found.name, w.found.reason);

  return false;
}
