/* How many letters must change to make one name of another: for "did you mean".
 * Memory: none beyond the stack. */
#ifndef WEIR_CORE_TEXT_EDIT_DISTANCE_H
#define WEIR_CORE_TEXT_EDIT_DISTANCE_H

#include <stddef.h>

/* Insertions, removals, replacements and swaps of neighbours, each counted once. SIZE_MAX for
 * names over 64 bytes, which nobody mistypes. */
size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size);

/* The largest distance at which a name of that size is still a likely meaning. */
static inline size_t edit_distance_likely(size_t size) {
  return size <= 3 ? 1 : size <= 8 ? 2 : 3;
}

#endif
