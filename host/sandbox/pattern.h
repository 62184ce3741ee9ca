/* A matcher of Lua patterns whose every step is counted. It accepts the language of Lua 5.4's
 * string library, finds the same matches, and raises the same errors at the same places.
 *
 * Cost: one step for each byte tried against a pattern item, more for the bytes of a set, a
 * balanced pair or a back reference. Steps are charged to the sandbox's budget in batches, and one
 * operation (a call of find, match or gsub, or one step of gmatch) may take
 *     SANDBOX_PATTERN_STEPS + SANDBOX_PATTERN_STEPS_PER_BYTE * bytes of the subject.
 * Patterns that work in linear time never come near that; one that backtracks without end is
 * stopped within a millisecond or two. Recursion is bounded as in Lua ("pattern too complex").
 *
 * Memory: the matcher owns nothing; subject and pattern must stay alive, and end in a zero byte
 * as every Lua string does. */
#ifndef WEIR_SANDBOX_PATTERN_H
#define WEIR_SANDBOX_PATTERN_H

#include <lua.h>
#include <stddef.h>

enum {
  SANDBOX_PATTERN_STEPS = 100000,
  SANDBOX_PATTERN_STEPS_PER_BYTE = 64,
  SANDBOX_PATTERN_CAPTURES = 32
};

typedef struct {
  const char *start;
  ptrdiff_t size; /* or one of the marks of pattern.c */
} sandbox_capture;

typedef struct {
  lua_State *L;
  const char *operation; /* "string.find", for the text of errors */
  const char *subject, *subject_end;
  const char *pattern, *pattern_end;
  size_t step_limit, steps_settled, steps_unsettled;
  int depth_left;
  int capture_count;
  sandbox_capture captures[SANDBOX_PATTERN_CAPTURES];
} sandbox_matcher;

void sandbox_matcher_init(sandbox_matcher *matcher, const char *operation, const char *subject,
                          size_t subject_size, const char *pattern, size_t pattern_size);

/* Starts an operation on this thread: a fresh step allowance. */
void sandbox_matcher_start(sandbox_matcher *matcher, lua_State *L);

/* One attempt at exactly this place of the subject: the end of the match, or NULL. */
const char *sandbox_matcher_try(sandbox_matcher *matcher, const char *at);

/* Charges the steps of the last, unfinished batch. */
void sandbox_matcher_finish(sandbox_matcher *matcher);

/* Pushes capture `index` (from 0). Without captures in the pattern, 0 is the whole match. */
void sandbox_matcher_push_capture(sandbox_matcher *matcher, int index, const char *match,
                                  const char *match_end);

/* Pushes all captures, or the whole match when there are none and match is not NULL; returns how
 * many values. */
int sandbox_matcher_push_captures(sandbox_matcher *matcher, const char *match,
                                  const char *match_end);

#endif
