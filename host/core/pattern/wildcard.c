/* Wildcards: '*' stands for any bytes, '\*' and '\\' for themselves.
 * Matching is greedy from left to right, which for '*' alone never needs to go back: linear in
 * the text. Memory: the caller's. */
#include <string.h>

#include "core/pattern/impl.h"

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
  return true;
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
