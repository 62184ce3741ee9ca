/* find, match, gmatch and gsub of the policies' `string`, on the counted matcher.
 *
 * Memory: subject and pattern are arguments or upvalues, so they outlive the matcher. Caller:
 * string.c lists these functions. */
#include <stdbool.h>
#include <string.h>

#include "sandbox/budget.h"
#include "sandbox/libraries.h"
#include "sandbox/pattern.h"
#include "sandbox/text.h"

typedef struct {
  sandbox_matcher matcher;
  const char *next;       /* where the next attempt starts */
  const char *last_match; /* end of the last match: an empty match there does not count again */
} match_iteration;

static bool has_special_characters(const char *pattern, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (pattern[i] != 0 && strchr("^$*+?.([%-", pattern[i])) return true;
  return false;
}

static int find_plain(lua_State *L, const char *subject, size_t subject_size, size_t start,
                      const char *text, size_t text_size) {
  const char *found = subject + start;
  if (text_size > 0) found = memmem(subject + start, subject_size - start, text, text_size);
  if (!found) return luaL_pushfail(L), 1;
  lua_pushinteger(L, found - subject + 1);
  lua_pushinteger(L, found - subject + (lua_Integer)text_size);

  return 2;
}

/* Leaves the matcher at the first match from `at` on; NULL when there is none. */
static const char *search(sandbox_matcher *matcher, const char **at, bool anchored) {
  const char *end;
  while (!(end = sandbox_matcher_try(matcher, *at)) && !anchored && *at < matcher->subject_end)
    ++*at;
  sandbox_matcher_finish(matcher);
  return end;
}

static int find_or_match(lua_State *L, bool find) {
  size_t subject_size, pattern_size;
  const char *subject = sandbox_check_text(L, 1, &subject_size);
  const char *pattern = sandbox_check_text(L, 2, &pattern_size);
  size_t start = sandbox_slice_start(luaL_optinteger(L, 3, 1), subject_size) - 1;
  if (start > subject_size) return luaL_pushfail(L), 1;
  sandbox_charge(L, pattern_size / 8 + 1);
  if (find && (lua_toboolean(L, 4) || !has_special_characters(pattern, pattern_size))) {
    sandbox_charge(L, (subject_size - start) / 8);
    return find_plain(L, subject, subject_size, start, pattern, pattern_size);
  }

  bool anchored = pattern_size > 0 && *pattern == '^';
  sandbox_matcher matcher;
  sandbox_matcher_init(&matcher, find ? "string.find" : "string.match", subject, subject_size,
                       pattern + anchored, pattern_size - anchored);
  sandbox_matcher_start(&matcher, L);
  const char *at = subject + start;
  const char *end = search(&matcher, &at, anchored);
  if (!end) return luaL_pushfail(L), 1;
  if (!find) return sandbox_matcher_push_captures(&matcher, at, end);
  lua_pushinteger(L, at - subject + 1);
  lua_pushinteger(L, end - subject);

  return 2 + sandbox_matcher_push_captures(&matcher, NULL, NULL);
}

int sandbox_string_find(lua_State *L) {
  return find_or_match(L, true);
}

int sandbox_string_match(lua_State *L) {
  return find_or_match(L, false);
}

/* ---- gmatch ---- */

static int gmatch_next(lua_State *L) {
  match_iteration *iteration = lua_touserdata(L, lua_upvalueindex(3));
  sandbox_matcher *matcher = &iteration->matcher;
  sandbox_matcher_start(matcher, L);
  for (const char *at = iteration->next; at <= matcher->subject_end; at++) {
    const char *end = sandbox_matcher_try(matcher, at);
    if (!end || end == iteration->last_match) continue;
    sandbox_matcher_finish(matcher);
    iteration->next = iteration->last_match = end;

    return sandbox_matcher_push_captures(matcher, at, end);
  }

  sandbox_matcher_finish(matcher);
  iteration->next = matcher->subject_end + 1; /* one past the terminating zero byte */

  return 0;
}

int sandbox_string_gmatch(lua_State *L) {
  size_t subject_size, pattern_size;
  const char *subject = sandbox_check_text(L, 1, &subject_size);
  const char *pattern = sandbox_check_text(L, 2, &pattern_size);
  size_t start = sandbox_slice_start(luaL_optinteger(L, 3, 1), subject_size) - 1;
  if (start > subject_size) start = subject_size + 1;
  lua_settop(L, 2);
  match_iteration *iteration = lua_newuserdatauv(L, sizeof *iteration, 0);
  sandbox_matcher_init(&iteration->matcher, "string.gmatch", subject, subject_size, pattern,
                       pattern_size);
  iteration->next = subject + start;
  iteration->last_match = NULL;
  lua_pushcclosure(L, gmatch_next, 3); /* subject, pattern, iteration */

  return 1;
}

/* ---- gsub ---- */

/* A replacement text: %0 … %9 are captures, %% is a percent sign. */
static void add_replacement_text(sandbox_matcher *matcher, luaL_Buffer *result, const char *match,
                                 const char *match_end) {
  lua_State *L = matcher->L;
  size_t size;
  const char *text = lua_tolstring(L, 3, &size), *text_end = text + size, *percent;
  while ((percent = memchr(text, '%', (size_t)(text_end - text)))) {
    sandbox_buffer_add(result, text, (size_t)(percent - text));
    char selector = percent[1];
    if (selector == '%') {
      sandbox_buffer_add(result, "%", 1);
    } else if (selector == '0') {
      sandbox_buffer_add(result, match, (size_t)(match_end - match));
    } else if (selector >= '1' && selector <= '9') {
      sandbox_matcher_push_capture(matcher, selector - '1', match, match_end);
      sandbox_buffer_add_value(result);
    } else {
      luaL_error(L, "invalid use of '%%' in replacement string");
    }

    text = percent + 2;
  }

  sandbox_buffer_add(result, text, (size_t)(text_end - text));
}

/* Adds what argument 3 makes of a match; false or nil keeps the match itself. */
static void add_replacement(sandbox_matcher *matcher, luaL_Buffer *result, const char *match,
                            const char *match_end) {
  lua_State *L = matcher->L;
  switch (lua_type(L, 3)) {
  case LUA_TFUNCTION:
    lua_pushvalue(L, 3);
    lua_call(L, sandbox_matcher_push_captures(matcher, match, match_end), 1);
    break;
  case LUA_TTABLE:
    sandbox_matcher_push_capture(matcher, 0, match, match_end);
    lua_gettable(L, 3);
    break;
  default: add_replacement_text(matcher, result, match, match_end); return;
  }

  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    sandbox_buffer_add(result, match, (size_t)(match_end - match));
  } else if (lua_isstring(L, -1)) {
    sandbox_buffer_add_value(result);
  } else {
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  }
}

/* Replaces up to `most` matches; returns how many. */
static lua_Integer replace_all(sandbox_matcher *matcher, luaL_Buffer *result, lua_Integer most,
                               bool anchored) {
  const char *at = matcher->subject, *copied = at, *last_match = NULL;
  lua_Integer count = 0;
  while (count < most) {
    const char *end = sandbox_matcher_try(matcher, at);
    if (end && end != last_match) {
      count++;
      sandbox_buffer_add(result, copied, (size_t)(at - copied));
      add_replacement(matcher, result, at, end);
      at = copied = last_match = end;
    } else if (at < matcher->subject_end) {
      at++;
    } else {
      break;
    }

    if (anchored) break;
  }

  sandbox_matcher_finish(matcher);
  sandbox_buffer_add(result, copied, (size_t)(matcher->subject_end - copied));

  return count;
}

int sandbox_string_gsub(lua_State *L) {
  size_t subject_size, pattern_size;
  const char *subject = sandbox_check_text(L, 1, &subject_size);
  const char *pattern = sandbox_check_text(L, 2, &pattern_size);
  int kind = lua_type(L, 3);
  luaL_argexpected(
      L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE,
      3, "string/function/table");
  if (kind == LUA_TNUMBER) sandbox_check_text(L, 3, NULL);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject_size + 1);
  bool anchored = pattern_size > 0 && *pattern == '^';
  sandbox_matcher matcher;
  sandbox_matcher_init(&matcher, "string.gsub", subject, subject_size, pattern + anchored,
                       pattern_size - anchored);
  sandbox_matcher_start(&matcher, L);
  luaL_Buffer result;
  luaL_buffinit(L, &result);
  lua_Integer count = replace_all(&matcher, &result, most, anchored);
  luaL_pushresult(&result);
  lua_pushinteger(L, count);

  return 2;
}
