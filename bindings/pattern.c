/* weir.pattern: EventBridge event patterns.
 *
 *   compile(pattern) → matcher | nil, message, "InvalidEventPattern"
 *   set{name = pattern, …} → set | nil, message, "InvalidEventPattern"
 *   matcher:match(event) → boolean | nil, message, "InvalidEvent"
 *   matcher:match_lines(text, at, number, before, after[, misses]) → at, number, answers, missed
 *       the whole lines of `text` from the place `at` on that match, or whose miss is known, up to
 *       the first other one; an answer is `before`, the line's number, `after`; `number` is that
 *       of the line before; misses[key] = {before, after}, for a line that misses
 *   matcher:explain(event) → list of {path=, wanted=, found=, hint=}, key | nil, message, code
 *       key: what the list follows from, as one text; nil of an event that may hold a secret, or
 *       that matches
 *   set:match(event) → sorted list of names | nil, message, "InvalidEvent"
 *
 * Patterns and events are JSON text or tables (weir.json encodes those). Over host/core/pattern.
 * Memory: a userdata owns the compiled set and its scratch. */
#include "core/pattern/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "pattern_lines.h"
#include "registry.h"

static const char MATCHER[] = "weir.pattern.matcher", SET[] = "weir.pattern.set";

/* Its one user value: the pattern's text (matcher), or the sorted list of names (set).
 * What may be under way is kept here too, so that a raise in the middle loses nothing. */
typedef struct {
  pattern_set *set;
  pattern_scratch *scratch;
  pattern_error error;
  pattern_explanation explanation;
  text_buffer key;
  secret_clean_names names;
} compiled;

/* Replaces a table at `index` by its JSON text; raises for anything else than a text or a table. */
static void to_text(lua_State *L, int index, const char *signature) {
  int type = lua_type(L, index);
  if (type == LUA_TSTRING) return;
  if (type != LUA_TTABLE) binding_check_refuse(L, index, NULL, "a string or a table", signature);

  lua_getglobal(L, "require");
  lua_pushliteral(L, "weir.json");
  lua_call(L, 1, 1); // json
  lua_getfield(L, -1, "encode");
  lua_pushvalue(L, index);
  lua_call(L, 1, 1); // json text
  lua_replace(L, index);
  lua_pop(L, 1);
}

static int lua_pattern_compiled_gc(lua_State *L) {
  compiled *self = luaL_testudata(L, 1, MATCHER);
  if (!self) self = binding_argument_self(L, SET, "a matcher or a set");
  pattern_scratch_free(self->scratch);
  pattern_free(self->set);
  text_buffer_free(&self->error.message);
  pattern_explanation_free(&self->explanation);
  text_buffer_free(&self->key);
  *self = (compiled){0};
  return 0;
}

/* Compiles into the userdata. When a pattern is refused, pushes the message and returns false. */
static bool fill(lua_State *L, compiled *self, const pattern_source *sources, size_t count) {
  self->set = pattern_compile(sources, count, &self->error);
  if (self->set) {
    self->scratch = pattern_scratch_new(self->set);
    binding_expect_memory(L, self->scratch != NULL);
    return true;
  }

  const text_buffer *message = &self->error.message;
  lua_pushlstring(L, message->size ? message->data : "", message->size);

  return false;
}

/* ── Functions ── */

static const char COMPILE_SIGNATURE[] = "weir.pattern.compile(string or table)";

static int lua_pattern_compile(lua_State *L) {
  pattern_source source;
  lua_settop(L, 1);
  to_text(L, 1, COMPILE_SIGNATURE);
  source.text = lua_tolstring(L, 1, &source.size);

  compiled *self = binding_owner_push(L, MATCHER, sizeof *self, 1); // pattern matcher
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  if (fill(L, self, &source, 1)) return 1;

  return binding_fail(L, "InvalidEventPattern", "%s", lua_tostring(L, -1));
}

static const char SET_SIGNATURE[] = "weir.pattern.set{name = string or table, …}";

/* Pushes the names of the table at 1, sorted, as a list. */
static void push_names(lua_State *L) {
  lua_newtable(L); // names
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    binding_expect(L, lua_type(L, -2) == LUA_TSTRING, SET_SIGNATURE);
    lua_pushvalue(L, -2); // patterns names name pattern name
    lua_rawseti(L, 2, ++count);
  }

  lua_getglobal(L, "table");
  lua_getfield(L, -1, "sort");
  lua_pushvalue(L, 2);
  lua_call(L, 1, 0); // patterns names table
  lua_settop(L, 2);
}

static int lua_pattern_set(lua_State *L) {
  lua_settop(L, 1);
  if (!lua_istable(L, 1)) binding_check_refuse(L, 1, NULL, "a table", SET_SIGNATURE);
  push_names(L); // patterns names
  size_t count = lua_rawlen(L, 2);
  pattern_source *sources =
      lua_newuserdatauv(L, (count + 1) * sizeof *sources, 0); // patterns names sources
  lua_createtable(L, (int)count, 0); // patterns names sources texts: keeps them alive
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1); // … texts name
    lua_rawget(L, 1);                      // … texts pattern
    to_text(L, 5, SET_SIGNATURE);
    sources[i].text = lua_tolstring(L, 5, &sources[i].size);
    lua_rawseti(L, 4, (lua_Integer)i + 1);
  }

  compiled *self = binding_owner_push(L, SET, sizeof *self, 1); // … texts set
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  if (fill(L, self, sources, count)) return 1;

  lua_rawgeti(L, 2, (lua_Integer)self->error.index + 1); // … message name
  return binding_fail(L, "InvalidEventPattern", "pattern '%s': %s", lua_tostring(L, -1),
                      lua_tostring(L, -2));
}

/* ── Matching ── */

static int fail_event(lua_State *L, const char *error, size_t line, size_t column) {
  if (strcmp(error, "out of memory") == 0)
    return binding_fail(L, "OutOfMemory", "not enough memory");
  return binding_fail(L, "InvalidEvent", "Parameter Event is not valid. Line %I, column %I: %s",
                      (LUAI_UACINT)line, (LUAI_UACINT)column, error);
}

static compiled *check_compiled(lua_State *L, const char *type, const char *signature) {
  compiled *self = binding_argument_self(L, type, signature);
  binding_expect(L, self->scratch != NULL, signature);
  lua_settop(L, 2);
  to_text(L, 2, signature);

  return self;
}

static pattern_lines_matcher lines_matcher(compiled *self) {
  return (pattern_lines_matcher){self->set, self->scratch, &self->explanation, &self->key,
                                 &self->names};
}

static bool match(lua_State *L, compiled *self, pattern_result *result) {
  size_t size;
  const char *event = lua_tolstring(L, 2, &size);
  return pattern_match(self->set, self->scratch, event, size, result);
}

static const char MATCH_SIGNATURE[] = "matcher:match(string or table)";

static int lua_pattern_matcher_match(lua_State *L) {
  pattern_result result;
  compiled *self = check_compiled(L, MATCHER, MATCH_SIGNATURE);

  if (!match(L, self, &result)) return fail_event(L, result.error, result.line, result.column);

  lua_pushboolean(L, result.count > 0);
  return 1;
}

static const char MATCH_LINES_SIGNATURE[] =
    "matcher:match_lines(text, at, number, before, after, misses?)";

static int lua_pattern_matcher_match_lines(lua_State *L) {
  compiled *self = binding_argument_self(L, MATCHER, MATCH_LINES_SIGNATURE);
  binding_expect(L, self->scratch != NULL, MATCH_LINES_SIGNATURE);
  lua_settop(L, 7);
  binding_expect(L, lua_isnoneornil(L, 7) || lua_istable(L, 7), MATCH_LINES_SIGNATURE);
  size_t size;
  pattern_lines_answer answer;
  const char *text = binding_argument_text(L, 2, &size, MATCH_LINES_SIGNATURE);
  lua_Integer at = binding_argument_integer(L, 3, 1, (lua_Integer)size + 1, MATCH_LINES_SIGNATURE);
  lua_Integer number = binding_argument_integer(L, 4, 0, LUA_MAXINTEGER / 2, MATCH_LINES_SIGNATURE);
  answer.before = binding_argument_text(L, 5, &answer.before_size, MATCH_LINES_SIGNATURE);
  answer.after = binding_argument_text(L, 6, &answer.after_size, MATCH_LINES_SIGNATURE);

  text_buffer *answers = binding_buffer_push(L);
  const pattern_lines_matcher matcher = lines_matcher(self);
  pattern_lines_place place = {text + at - 1, text + size, number, 0};
  pattern_lines_answer_all(L, &matcher, &answer, lua_istable(L, 7) ? 7 : 0, &place, answers);

  lua_pushinteger(L, place.line - text + 1);
  lua_pushinteger(L, place.number);
  binding_buffer_finish(L, answers);
  lua_pushinteger(L, place.missed);
  return 4;
}

static void push_miss(lua_State *L, const pattern_miss *miss) {
  lua_createtable(L, 0, 4);
  binding_set_text(L, "path", miss->path);
  binding_set_text(L, "wanted", miss->wanted);
  binding_set_text(L, "found", miss->found);
  binding_set_text(L, "hint", miss->hint);
}

static const char EXPLAIN_SIGNATURE[] = "matcher:explain(string or table)";

static int lua_pattern_matcher_explain(lua_State *L) {
  compiled *self = check_compiled(L, MATCHER, EXPLAIN_SIGNATURE);
  json_span event = {0};
  event.at = lua_tolstring(L, 2, &event.size);

  pattern_explanation_free(&self->explanation);
  pattern_result result;
  if (!match(L, self, &result)) return fail_event(L, result.error, result.line, result.column);
  if (result.count == 0)
    binding_expect_memory(
        L, pattern_explain(self->set, self->scratch, event.at, event.size, &self->explanation));

  lua_createtable(L, (int)self->explanation.count, 0); // … misses
  for (size_t i = 0; i < self->explanation.count; i++) {
    push_miss(L, &self->explanation.misses[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  if (result.count > 0 || !secret_clean_is_event(event, &self->names)) return 1;
  const pattern_lines_matcher matcher = lines_matcher(self);
  if (!pattern_lines_push_values(L, &matcher))
    pattern_lines_push_explanation(L, &self->explanation);
  return 2;
}

static const char SET_MATCH_SIGNATURE[] = "set:match(string or table)";

static int lua_pattern_set_match(lua_State *L) {
  pattern_result result;
  compiled *self = check_compiled(L, SET, SET_MATCH_SIGNATURE);

  if (!match(L, self, &result)) return fail_event(L, result.error, result.line, result.column);

  lua_getiuservalue(L, 1, 1);               // set event names
  lua_createtable(L, (int)result.count, 0); // set event names matches
  for (size_t i = 0; i < result.count; i++) {
    lua_rawgeti(L, -2, (lua_Integer)result.patterns[i] + 1);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }

  return 1;
}

/* A type whose metatable no program sees. */
static void register_type(lua_State *L, const char *type, const luaL_Reg *methods) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(pattern_compiled, gc), BINDING_END};
  binding_type_register(L, type, metamethods, methods);
  luaL_getmetatable(L, type);
  binding_set_boolean(L, "__metatable", false);
  lua_pop(L, 1);
}

int luaopen_weir_pattern(lua_State *L) {
  static const luaL_Reg of_matcher[] = {BINDING_FUNCTION(pattern_matcher, match),
                                        BINDING_FUNCTION(pattern_matcher, match_lines),
                                        BINDING_FUNCTION(pattern_matcher, explain), BINDING_END};
  static const luaL_Reg of_set[] = {BINDING_FUNCTION(pattern_set, match), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(pattern, compile),
                                       BINDING_FUNCTION(pattern, set), BINDING_END};
  register_type(L, MATCHER, of_matcher);
  register_type(L, SET, of_set);
  luaL_newlib(L, functions);

  return 1;
}
