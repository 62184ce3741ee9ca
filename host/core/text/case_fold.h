/* Lower-casing of UTF-8, one code point to one code point, without a locale.
 * Memory: the caller's. */
#ifndef WEIR_CORE_TEXT_CASE_FOLD_H
#define WEIR_CORE_TEXT_CASE_FOLD_H

#include <stddef.h>

/* `out` must hold case_fold_bound(size) bytes. The text must be valid UTF-8. Returns the size. */
size_t case_fold(const char *text, size_t size, char *out);

/* A two-byte letter may have a three-byte partner. */
static inline size_t case_fold_bound(size_t size) {
  return size + size / 2 + 1;
}

#endif
