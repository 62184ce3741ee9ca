/* weir.pattern: EventBridge event patterns.
 *   compile(pattern) → matcher | nil, message, "InvalidEventPattern"
 *   matcher:match(event) → boolean | nil, message, "InvalidEvent"
 *   matcher:explain(event) → list of {path=, wanted=, found=, hint=} | nil, message, code
 *   set{name = pattern, …} → set | nil, message, "InvalidEventPattern"
 *   set:match(event) → sorted list of names | nil, message, "InvalidEvent"
 * Patterns and events are JSON text or tables (weir.json encodes those).
 * Memory: a userdata owns the compiled set and its scratch. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "core/pattern/pattern.h"
#include "registry.h"

static const char MATCHER[] = "weir.pattern.matcher", SET[] = "weir.pattern.set";
static const char COMPILE[] = "pattern.compile(string or table)";
static const char MAKE_SET[] = "pattern.set{name = string or table, …}";
static const char MATCH[] = "matcher:match(string or table)";
static const char EXPLAIN[] = "matcher:explain(string or table)";
static const char SET_MATCH[] = "set:match(string or table)";

/* Its one user value: the pattern's text (matcher), or the sorted list of names (set).
 * What may be under way is kept here too, so that a raise in the middle loses nothing. */
typedef struct {
  pattern_set *set;
  pattern_scratch *scratch;
  pattern_error error;
  pattern_explanation explanation;
} compiled;

/* Replaces a table at `index` by its JSON text; raises for what is neither text nor table. */
static void to_text(lua_State *L, int index, const char *signature) {
  int type = lua_type(L, index);
  binding_expect(L, type == LUA_TSTRING || type == LUA_TTABLE, signature);
  if (type == LUA_TSTRING) return;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "weir.json");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "encode");
  lua_pushvalue(L, index);
  lua_call(L, 1, 1); // json, text
  lua_replace(L, index);
  lua_pop(L, 1);
}

static int collect(lua_State *L) {
  compiled *self = lua_touserdata(L, 1);
  pattern_scratch_free(self->scratch);
  pattern_free(self->set);
  text_buffer_free(&self->error.message);
  pattern_explanation_free(&self->explanation);
  *self = (compiled){0};
  return 0;
}

static compiled *push_compiled(lua_State *L, const char *metatable) {
  compiled *self = lua_newuserdatauv(L, sizeof *self, 1);
  *self = (compiled){0};
  luaL_setmetatable(L, metatable);
  return self;
}

/* Compiles into the userdata. When a pattern is refused, pushes the message and returns false. */
static bool fill(lua_State *L, compiled *self, const pattern_source *sources, size_t count) {
  self->set = pattern_compile(sources, count, &self->error);
  if (self->set) {
    self->scratch = pattern_scratch_new(self->set);
    if (!self->scratch) luaL_error(L, "not enough memory");
    return true;
  }
  const text_buffer *message = &self->error.message;
  lua_pushlstring(L, message->size ? message->data : "", message->size);
  return false;
}

static int compile(lua_State *L) {
  lua_settop(L, 1);
  to_text(L, 1, COMPILE);
  pattern_source source;
  source.text = lua_tolstring(L, 1, &source.size);
  compiled *self = push_compiled(L, MATCHER);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  if (fill(L, self, &source, 1)) return 1;
  return binding_fail(L, "InvalidEventPattern", "%s", lua_tostring(L, -1));
}

/* Pushes the names of the table at 1, sorted, as a list. */
static void push_names(lua_State *L) {
  lua_newtable(L); // names
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    binding_expect(L, lua_type(L, -2) == LUA_TSTRING, MAKE_SET);
    lua_pushvalue(L, -2);
    lua_rawseti(L, 2, ++count);
  }
  lua_getglobal(L, "table");
  lua_getfield(L, -1, "sort");
  lua_pushvalue(L, 2);
  lua_call(L, 1, 0);
  lua_settop(L, 2);
}

static int make_set(lua_State *L) {
  lua_settop(L, 1);
  binding_expect(L, lua_istable(L, 1), MAKE_SET);
  push_names(L); // patterns, names
  size_t count = lua_rawlen(L, 2);
  compiled *self = push_compiled(L, SET);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, 1);
  pattern_source *sources =
      lua_newuserdatauv(L, (count + 1) * sizeof *sources, 0); // patterns, names, set, sources
  lua_createtable(L, (int)count, 0);                          // …, texts: keeps them alive
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    lua_rawget(L, 1);
    to_text(L, 6, MAKE_SET);
    sources[i].text = lua_tolstring(L, 6, &sources[i].size);
    lua_rawseti(L, 5, (lua_Integer)i + 1);
  }
  if (fill(L, self, sources, count)) {
    lua_settop(L, 3);
    return 1;
  }
  lua_rawgeti(L, 2, (lua_Integer)self->error.index + 1);
  return binding_fail(L, "InvalidEventPattern", "pattern '%s': %s", lua_tostring(L, -1),
                      lua_tostring(L, -2));
}

static int fail_event(lua_State *L, const char *error, size_t line, size_t column) {
  return binding_fail(L, "InvalidEvent", "Parameter Event is not valid. Line %I, column %I: %s",
                      (LUAI_UACINT)line, (LUAI_UACINT)column, error);
}

static bool run(lua_State *L, const char *metatable, const char *signature,
                pattern_result *result) {
  compiled *self = luaL_testudata(L, 1, metatable);
  binding_expect(L, self != NULL && self->scratch != NULL, signature);
  lua_settop(L, 2);
  to_text(L, 2, signature);
  size_t size;
  const char *event = lua_tolstring(L, 2, &size);
  return pattern_match(self->set, self->scratch, event, size, result);
}

static int matcher_match(lua_State *L) {
  pattern_result result;
  if (!run(L, MATCHER, MATCH, &result))
    return fail_event(L, result.error, result.line, result.column);
  lua_pushboolean(L, result.count > 0);
  return 1;
}

static void push_miss(lua_State *L, const pattern_miss *miss) {
  const char *const fields[][2] = {
      {"path", miss->path}, {"wanted", miss->wanted}, {"found", miss->found}, {"hint", miss->hint}};
  lua_createtable(L, 0, 4);
  for (size_t i = 0; i < 4; i++) {
    lua_pushstring(L, fields[i][1]);
    lua_setfield(L, -2, fields[i][0]);
  }
}

static int matcher_explain(lua_State *L) {
  compiled *self = luaL_testudata(L, 1, MATCHER);
  binding_expect(L, self != NULL, EXPLAIN);
  lua_settop(L, 2);
  to_text(L, 2, EXPLAIN);
  lua_getiuservalue(L, 1, 1); // matcher, event, pattern
  pattern_source pattern;
  pattern.text = lua_tolstring(L, 3, &pattern.size);
  size_t size;
  const char *event = lua_tolstring(L, 2, &size), *code;
  text_buffer_free(&self->error.message);
  pattern_explanation_free(&self->explanation);
  if (!pattern_explain(pattern, event, size, &self->explanation, &self->error.message, &code)) {
    const text_buffer *message = &self->error.message;
    lua_pushlstring(L, message->size ? message->data : "", message->size);
    return binding_fail(L, code, "%s", lua_tostring(L, -1));
  }
  lua_createtable(L, (int)self->explanation.count, 0);
  for (size_t i = 0; i < self->explanation.count; i++) {
    push_miss(L, &self->explanation.misses[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int set_match(lua_State *L) {
  pattern_result result;
  if (!run(L, SET, SET_MATCH, &result))
    return fail_event(L, result.error, result.line, result.column);
  lua_getiuservalue(L, 1, 1);               // names
  lua_createtable(L, (int)result.count, 0); // names, matches
  for (size_t i = 0; i < result.count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)result.patterns[i] + 1);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

int luaopen_weir_pattern(lua_State *L) {
  static const luaL_Reg matcher[] = {
      {"match", matcher_match}, {"explain", matcher_explain}, {NULL, NULL}};
  static const luaL_Reg set[] = {{"match", set_match}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"compile", compile}, {"set", make_set}, {NULL, NULL}};
  static const struct {
    const char *name;
    const luaL_Reg *methods;
  } classes[] = {{MATCHER, matcher}, {SET, set}};
  for (size_t i = 0; i < 2; i++) {
    luaL_newmetatable(L, classes[i].name); // metatable
    lua_newtable(L);
    luaL_setfuncs(L, classes[i].methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
  }
  luaL_newlib(L, functions);
  return 1;
}
