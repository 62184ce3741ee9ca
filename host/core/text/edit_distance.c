/* See edit_distance.h. Optimal string alignment over three rows of the usual table. */
#include "core/text/edit_distance.h"

#include <stdint.h>
#include <string.h>

enum { NAME_MAX_SIZE = 64 };

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
  if (a_size > NAME_MAX_SIZE || b_size > NAME_MAX_SIZE) return SIZE_MAX;
  size_t before[NAME_MAX_SIZE + 1] = {0}, last[NAME_MAX_SIZE + 1] = {0},
                                row[NAME_MAX_SIZE + 1] = {0};
  for (size_t j = 0; j <= b_size; j++) last[j] = j;
  for (size_t i = 1; i <= a_size; i++) {
    row[0] = i;
    for (size_t j = 1; j <= b_size; j++) {
      row[j] = least(last[j] + 1, row[j - 1] + 1);
      row[j] = least(row[j], last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = least(row[j], before[j - 2] + 1);
    }

    memcpy(before, last, sizeof before);
    memcpy(last, row, sizeof last);
  }

  return last[b_size];
}
