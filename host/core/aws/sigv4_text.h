/* A borrowed piece of text, as the signing code passes them around: not NUL-terminated.
 * Memory: the text belongs to its maker. */
#ifndef WEIR_CORE_AWS_SIGV4_TEXT_H
#define WEIR_CORE_AWS_SIGV4_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef struct {
  const char *at;
  size_t size;
} sigv4_text;

static inline bool sigv4_text_is(sigv4_text text, const char *expected) {
  return text.size == strlen(expected) && memcmp(text.at, expected, text.size) == 0;
}

static inline bool sigv4_text_starts(sigv4_text text, const char *prefix) {
  return text.size >= strlen(prefix) && ((*text.at ^ *prefix) & ~0x20) == 0 &&
         strncasecmp(text.at, prefix, strlen(prefix)) == 0;
}

/* By bytes, a shorter text before its continuations. */
static inline int sigv4_text_compare(sigv4_text a, sigv4_text b) {
  int order = memcmp(a.at, b.at, a.size < b.size ? a.size : b.size);
  return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

#endif
