/* Lines of events answered without making strings of them, for weir.pattern. Memory: the Lua
 * state's, but for the explanation, which is the caller's. */
#ifndef WEIR_PATTERN_LINES_H
#define WEIR_PATTERN_LINES_H

#include <lua.h>

#include "core/pattern/pattern.h"
#include "core/text/text_buffer.h"
#include "secret_clean.h"

/* A compiled pattern, and room for an explanation, a key, and names. */
typedef struct {
  const pattern_set *set;
  pattern_scratch *scratch;
  pattern_explanation *explanation;
  text_buffer *key;
  secret_clean_names *names;
} pattern_lines_matcher;

/* What is printed of a line: `before`, its number, `after`. */
typedef struct {
  const char *before, *after;
  size_t before_size, after_size;
} pattern_lines_answer;

/* Lines answered so far; `line` is the first that was not. */
typedef struct {
  const char *line, *end;
  lua_Integer number, missed;
} pattern_lines_place;

/* Pushes the key of the last miss: misses with the same key are told alike. It is made of the
 * values of the event that the miss follows from; false, pushing nothing, where it follows from
 * more. Then it is made of the explanation. */
bool pattern_lines_push_values(lua_State *L, const pattern_lines_matcher *matcher);
void pattern_lines_push_explanation(lua_State *L, const pattern_explanation *explanation);

/* Answers whole lines from place->line on, up to the first that it cannot: one that is not a JSON
 * object, or misses and may hold a secret, or whose key is not in the table at the index
 * `misses`, where {before, after} of it would be. With `misses` 0, no miss is answered. */
void pattern_lines_answer_all(lua_State *L, const pattern_lines_matcher *matcher,
                              const pattern_lines_answer *match, int misses,
                              pattern_lines_place *place, text_buffer *answers);

#endif
