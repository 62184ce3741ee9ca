/* Wildcards: '*' stands for any bytes, '\*' and '\\' for themselves.
 * Matching is greedy from left to right, which for '*' alone never needs to go back: linear in
 * the text. Memory: the caller's. */
#include <string.h>

#include "core/pattern/impl.h"

/* How many states inside a piece of literal text one input can be in at once: the prefixes of
 * the piece that end each other ("aaa" inside "aaab" has three). */
static size_t overlapping_states(const char *piece, size_t size) {
  enum { ENOUGH = 64 };
  uint8_t border[ENOUGH + 1] = {0}, chain[ENOUGH + 1] = {0};
  size_t most = 0;
  if (size > ENOUGH) size = ENOUGH;
  for (size_t length = 1; length < size; length++) {
    size_t shorter = length > 1 ? border[length - 1] : 0;
    while (shorter > 0 && piece[shorter] != piece[length - 1]) shorter = border[shorter];
    if (length > 1 && piece[shorter] == piece[length - 1]) shorter++;
    border[length] = (uint8_t)shorter;
    chain[length] = (uint8_t)(1 + chain[shorter]);
    if (chain[length] > most) most = chain[length];
  }
  return most;
}

/* How many states a reader of all inputs could be in at once: one for each '*' passed, and the
 * overlaps of the text after it. */
static size_t complexity(const char *pattern, size_t size) {
  size_t states = 0;
  const char *end = pattern + size;
  const char *star = memchr(pattern, PATTERN_STAR, size);
  while (star) {
    const char *piece = star + 1;
    star = memchr(piece, PATTERN_STAR, (size_t)(end - piece));
    states += 1 + overlapping_states(piece, (size_t)((star ? star : end) - piece));
  }
  return states;
}

bool pattern_wildcard_compile(const char *text, size_t size, char *out, size_t *out_size,
                              text_buffer *reason) {
  size_t written = 0;
  for (size_t i = 0; i < size; i++) {
    /* Positions count the opening quote, as EventBridge does. */
    if (text[i] == '*') {
      if (i + 1 < size && text[i + 1] == '*') {
        text_buffer_format(reason, "Consecutive wildcard characters at pos %zu", i + 1);
        return false;
      }
      out[written++] = PATTERN_STAR;
      continue;
    }
    if (text[i] == '\\' && (i + 1 == size || (text[i + 1] != '*' && text[i + 1] != '\\'))) {
      text_buffer_format(reason, "Invalid escape character at pos %zu", i + 1);
      return false;
    }
    if (text[i] == '\\') i++;
    out[written++] = text[i];
  }
  *out_size = written;
  if (complexity(out, written) <= PATTERN_MAX_COMPLEXITY) return true;
  text_buffer_text(reason,
                   "Rule is too complex - try using fewer wildcard characters or fewer repeating "
                   "character sequences after a wildcard character");
  return false;
}

bool pattern_wildcard_match(const char *pattern, size_t pattern_size, const char *text,
                            size_t size) {
  const char *pattern_end = pattern + pattern_size, *end = text + size;
  const char *star = memchr(pattern, PATTERN_STAR, pattern_size);
  if (!star) return size == pattern_size && memcmp(text, pattern, size) == 0;
  size_t head = (size_t)(star - pattern);
  if (size < head || memcmp(text, pattern, head) != 0) return false;
  text += head;
  for (;;) {
    const char *piece = star + 1;
    star = memchr(piece, PATTERN_STAR, (size_t)(pattern_end - piece));
    size_t length = (size_t)((star ? star : pattern_end) - piece);
    size_t left = (size_t)(end - text);
    if (!star) return left >= length && memcmp(end - length, piece, length) == 0;
    const char *found = memmem(text, left, piece, length);
    if (!found) return false;
    text = found + length;
  }
}
