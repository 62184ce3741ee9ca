/* See pattern.h.
 *
 * A pattern is read item by item; an item takes the subject from `s` to the place it returns, or
 * fails with NULL. Only items that leave a choice (captures and repetitions) recurse, by matching
 * the rest of the pattern themselves; they then move the pattern to its end. */
#include "sandbox/pattern.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "sandbox/budget.h"

enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2, BATCH = 64, MAX_DEPTH = 200 };

static const char *match_rest(sandbox_matcher *m, const char *s, const char *p);

/* ---- Cost ---- */

static void settle(sandbox_matcher *m) {
  size_t steps = m->steps_unsettled;
  m->steps_unsettled = 0;
  m->steps_settled += steps;
  if (m->steps_settled > m->step_limit)
    luaL_error(m->L, "pattern too expensive: more than %I steps (%s)", (LUAI_UACINT)m->step_limit,
               m->operation);
  sandbox_charge(m->L, steps);
}

static inline void spend(sandbox_matcher *m, size_t steps) {
  m->steps_unsettled += steps;
  if (m->steps_unsettled >= BATCH) settle(m);
}

/* ---- Single characters: ASCII only, whatever the locale ---- */

static inline bool between(unsigned char c, char low, char high) {
  return c >= (unsigned char)low && c <= (unsigned char)high;
}

static inline bool is_letter(unsigned char c) {
  return between(c | 0x20, 'a', 'z');
}

static bool in_class(unsigned char c, char class) {
  bool graphic = between(c, '!', '~'), digit = between(c, '0', '9');
  switch (class) {
  case 'a': return is_letter(c);
  case 'c': return c < ' ' || c == 127;
  case 'd': return digit;
  case 'g': return graphic;
  case 'l': return between(c, 'a', 'z');
  case 'p': return graphic && !digit && !is_letter(c);
  case 's': return c == ' ' || between(c, '\t', '\r');
  case 'u': return between(c, 'A', 'Z');
  case 'w': return digit || is_letter(c);
  case 'x': return digit || between(c | 0x20, 'a', 'f');
  default: return c == 0; /* 'z': Lua 5.1's name for the zero byte, still understood */
  }
}

/* `%` and a letter is a class, negated when upper case; `%` and anything else is that character. */
static bool matches_escape(unsigned char c, char escape) {
  char lower = (char)(escape | 0x20);
  if (!is_letter((unsigned char)escape) || !strchr("acdglpsuwxz", lower))
    return (unsigned char)escape == c;
  return in_class(c, lower) == (escape == lower);
}

/* The set from its '[' to its ']'. */
static bool matches_set(sandbox_matcher *m, unsigned char c, const char *set, const char *last) {
  bool found = true;
  spend(m, (size_t)(last - set) / 4);
  if (set[1] == '^') {
    found = false;
    set++;
  }

  while (++set < last) {
    if (*set == '%') {
      set++;
      if (matches_escape(c, *set)) return found;
    } else if (set[1] == '-' && set + 2 < last) {
      set += 2;
      if (between(c, set[-2], *set)) return found;
    } else if ((unsigned char)*set == c) {
      return found;
    }
  }

  return !found;
}

/* Past the single-character item at p. */
static const char *item_end(sandbox_matcher *m, const char *p) {
  const char *start = p;
  char first = *p++;
  if (first == '%') {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 1;
  }

  if (first != '[') return p;
  if (*p == '^') p++;
  do { /* the first character of a set stands for itself, even a ']' */
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
    if (*p++ == '%' && p < m->pattern_end) p++;
  } while (*p != ']');
  spend(m, (size_t)(p - start) / 4);

  return p + 1;
}

static bool matches_one(sandbox_matcher *m, const char *s, const char *item, const char *end) {
  spend(m, 1);
  if (s >= m->subject_end) return false;
  unsigned char c = (unsigned char)*s;
  switch (*item) {
  case '.': return true;
  case '%': return matches_escape(c, item[1]);
  case '[': return matches_set(m, c, item, end - 1);
  default: return (unsigned char)*item == c;
  }
}

/* ---- Items with a meaning of their own ---- */

/* %bxy: from an x to the y that balances it. */
static const char *match_balanced(sandbox_matcher *m, const char *s, const char **p) {
  const char *pair = *p + 2;
  if (pair + 1 >= m->pattern_end)
    luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  *p = pair + 2;
  spend(m, 1);
  if (s >= m->subject_end || *s != pair[0]) return NULL;
  size_t open = 1;
  while (++s < m->subject_end) {
    spend(m, 1);
    if (*s == pair[1]) {
      if (--open == 0) return s + 1;
    } else if (*s == pair[0]) {
      open++;
    }
  }

  return NULL;
}

/* %f[set]: between a character outside the set and one inside; the ends count as zero bytes. */
static const char *match_frontier(sandbox_matcher *m, const char *s, const char **p) {
  const char *set = *p + 2;
  if (*set != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
  *p = item_end(m, set);
  const char *last = *p - 1;
  unsigned char before = s == m->subject ? 0 : (unsigned char)s[-1];
  spend(m, 1);
  if (matches_set(m, before, set, last) || !matches_set(m, (unsigned char)*s, set, last))
    return NULL;
  return s;
}

/* %1 … %9: the text of that capture once more. */
static const char *match_reference(sandbox_matcher *m, const char *s, const char **p) {
  int index = (*p)[1] - '1';
  if (index < 0 || index >= m->capture_count || m->captures[index].size == CAPTURE_OPEN)
    luaL_error(m->L, "invalid capture index %%%d", index + 1);
  *p += 2;
  /* A position capture's mark is larger than any rest when unsigned: it never matches. */
  size_t size = (size_t)m->captures[index].size;
  if (size > (size_t)(m->subject_end - s)) return NULL;
  spend(m, size / 16 + 1);

  return memcmp(m->captures[index].start, s, size) == 0 ? s + size : NULL;
}

static const char *open_capture(sandbox_matcher *m, const char *s, const char **p) {
  bool position = (*p)[1] == ')';
  const char *rest = *p + (position ? 2 : 1);
  if (m->capture_count >= SANDBOX_PATTERN_CAPTURES) luaL_error(m->L, "too many captures");
  m->captures[m->capture_count++] =
      (sandbox_capture){s, position ? CAPTURE_POSITION : CAPTURE_OPEN};
  const char *end = match_rest(m, s, rest);
  if (!end) m->capture_count--;
  *p = m->pattern_end;
  return end;
}

static const char *close_capture(sandbox_matcher *m, const char *s, const char **p) {
  int last = m->capture_count - 1;
  while (last >= 0 && m->captures[last].size != CAPTURE_OPEN) last--;
  if (last < 0) luaL_error(m->L, "invalid pattern capture");
  sandbox_capture *capture = &m->captures[last];
  capture->size = s - capture->start;
  const char *end = match_rest(m, s, *p + 1);
  if (!end) capture->size = CAPTURE_OPEN;
  *p = m->pattern_end;
  return end;
}

/* ---- Repetitions ---- */

/* As many as possible first, then one fewer at a time. */
static const char *repeat_greedily(sandbox_matcher *m, const char *s, const char *item,
                                   const char *end) {
  const char *reach = s;
  while (matches_one(m, reach, item, end)) reach++;
  for (;; reach--) {
    const char *match = match_rest(m, reach, end + 1);
    if (match || reach == s) return match;
  }
}

/* As few as possible first. */
static const char *repeat_lazily(sandbox_matcher *m, const char *s, const char *item,
                                 const char *end) {
  for (;; s++) {
    const char *match = match_rest(m, s, end + 1);
    if (match) return match;
    if (!matches_one(m, s, item, end)) return NULL;
  }
}

/* A single-character item and the repetition mark behind it, if any. */
static const char *match_character(sandbox_matcher *m, const char *s, const char **p) {
  const char *item = *p, *end = item_end(m, item);
  char mark = end < m->pattern_end ? *end : 0;
  bool optional = mark == '*' || mark == '?' || mark == '-';
  if (!matches_one(m, s, item, end)) {
    *p = end + 1;
    return optional ? s : NULL;
  }

  if (mark == '?') {
    const char *match = match_rest(m, s + 1, end + 1);
    *p = match ? m->pattern_end : end + 1;
    return match ? match : s;
  }

  if (!optional && mark != '+') {
    *p = end;
    return s + 1;
  }

  *p = m->pattern_end;
  if (mark == '-') return repeat_lazily(m, s, item, end);

  return repeat_greedily(m, mark == '+' ? s + 1 : s, item, end);
}

static const char *match_item(sandbox_matcher *m, const char *s, const char **p) {
  switch (**p) {
  case '(': return open_capture(m, s, p);
  case ')': return close_capture(m, s, p);
  case '$':
    if (*p + 1 != m->pattern_end) break; /* elsewhere it stands for itself */
    *p = m->pattern_end;
    return s == m->subject_end ? s : NULL;
  case '%':
    if ((*p)[1] == 'b') return match_balanced(m, s, p);
    if ((*p)[1] == 'f') return match_frontier(m, s, p);
    if (between((unsigned char)(*p)[1], '0', '9')) return match_reference(m, s, p);
    break;
  default: break;
  }

  return match_character(m, s, p);
}

static const char *match_rest(sandbox_matcher *m, const char *s, const char *p) {
  if (m->depth_left-- == 0) luaL_error(m->L, "pattern too complex");
  while (s && p < m->pattern_end) s = match_item(m, s, &p);
  m->depth_left++;
  return s;
}

/* ---- Operations ---- */

void sandbox_matcher_init(sandbox_matcher *m, const char *operation, const char *subject,
                          size_t subject_size, const char *pattern, size_t pattern_size) {
  m->operation = operation;
  m->subject = subject;
  m->subject_end = subject + subject_size;
  m->pattern = pattern;
  m->pattern_end = pattern + pattern_size;
  m->step_limit = SANDBOX_PATTERN_STEPS + SANDBOX_PATTERN_STEPS_PER_BYTE * subject_size;
}

void sandbox_matcher_start(sandbox_matcher *m, lua_State *L) {
  m->L = L;
  m->steps_settled = 0;
  m->steps_unsettled = 0;
}

const char *sandbox_matcher_try(sandbox_matcher *m, const char *at) {
  m->capture_count = 0;
  m->depth_left = MAX_DEPTH;
  spend(m, 1);
  return match_rest(m, at, m->pattern);
}

void sandbox_matcher_finish(sandbox_matcher *m) {
  if (m->steps_unsettled > 0) settle(m);
}

void sandbox_matcher_push_capture(sandbox_matcher *m, int index, const char *match,
                                  const char *match_end) {
  if (index >= m->capture_count) {
    if (index != 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
    lua_pushlstring(m->L, match, (size_t)(match_end - match));
    return;
  }

  const sandbox_capture *capture = &m->captures[index];
  if (capture->size == CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
  if (capture->size == CAPTURE_POSITION)
    lua_pushinteger(m->L, capture->start - m->subject + 1);
  else
    lua_pushlstring(m->L, capture->start, (size_t)capture->size);
}

int sandbox_matcher_push_captures(sandbox_matcher *m, const char *match, const char *match_end) {
  int count = m->capture_count == 0 && match ? 1 : m->capture_count;
  luaL_checkstack(m->L, count, "too many captures");
  for (int i = 0; i < count; i++) sandbox_matcher_push_capture(m, i, match, match_end);
  return count;
}
