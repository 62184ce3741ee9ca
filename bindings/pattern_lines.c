/* See pattern_lines.h. */
#include "pattern_lines.h"

#include <lauxlib.h>
#include <string.h>

#include "binding.h"
#include "core/json/write.h"

bool pattern_lines_push_values(lua_State *L, const pattern_lines_matcher *matcher) {
  text_buffer_clear(matcher->key);
  text_buffer_byte(matcher->key, 'v');
  if (!pattern_explain_key(matcher->set, matcher->scratch, matcher->key)) return false;
  lua_pushlstring(L, matcher->key->data, matcher->key->size);
  return true;
}

void pattern_lines_push_explanation(lua_State *L, const pattern_explanation *explanation) {
  luaL_Buffer key;
  luaL_buffinit(L, &key);
  luaL_addchar(&key, 'e');
  for (size_t i = 0; i < explanation->count; i++) {
    const pattern_miss *miss = &explanation->misses[i];
    const char *const parts[] = {miss->path, miss->wanted, miss->found, miss->hint};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
      luaL_addlstring(&key, parts[k], strlen(parts[k]) + 1);
  }

  luaL_pushresult(&key);
}

static void append(text_buffer *answers, const pattern_lines_answer *answer, lua_Integer number) {
  text_buffer_append(answers, answer->before, answer->before_size);
  json_write_integer(answers, number);
  text_buffer_append(answers, answer->after, answer->after_size);
}

/* Appends what is printed of a line that misses; false where that is not known. */
static bool answer_miss(lua_State *L, const pattern_lines_matcher *matcher, int misses,
                        json_span line, lua_Integer number, text_buffer *answers) {
  if (!misses || !secret_clean_is_event(line, matcher->names)) return false;
  if (!pattern_lines_push_values(L, matcher)) {
    pattern_explanation_free(matcher->explanation);
    binding_expect_memory(L, pattern_explain(matcher->set, matcher->scratch, line.at, line.size,
                                             matcher->explanation));
    pattern_lines_push_explanation(L, matcher->explanation);
  }

  bool told = lua_rawget(L, misses) == LUA_TTABLE; // … answer
  if (told) {
    pattern_lines_answer answer;
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2); // … answer before after
    answer.before = lua_tolstring(L, -2, &answer.before_size);
    answer.after = lua_tolstring(L, -1, &answer.after_size);
    if (!answer.before || !answer.after) luaL_error(L, "expected misses[key] = {before, after}");
    append(answers, &answer, number);
    lua_pop(L, 2);
  }

  lua_pop(L, 1);

  return told;
}

void pattern_lines_answer_all(lua_State *L, const pattern_lines_matcher *matcher,
                              const pattern_lines_answer *match, int misses,
                              pattern_lines_place *place, text_buffer *answers) {
  const char *newline;
  while (place->line < place->end &&
         (newline = memchr(place->line, '\n', (size_t)(place->end - place->line)))) {
    json_span line = {.at = place->line, .size = (size_t)(newline - place->line)};
    if (line.size > 0 && newline[-1] == '\r') line.size--;

    pattern_result result;
    if (!pattern_match(matcher->set, matcher->scratch, line.at, line.size, &result)) return;
    if (result.count > 0)
      append(answers, match, place->number + 1);
    else if (answer_miss(L, matcher, misses, line, place->number + 1, answers))
      place->missed++;
    else
      return;

    place->number++;
    place->line = newline + 1;
  }
}
