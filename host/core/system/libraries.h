/* Which libraries this program is linked with.
 * Memory: static texts. */
#ifndef WEIR_CORE_SYSTEM_LIBRARIES_H
#define WEIR_CORE_SYSTEM_LIBRARIES_H

#include <stddef.h>

typedef struct {
  const char *name;
  const char *version; /* as the library itself tells it */
} libraries_entry;

/* In alphabetical order. Writes at most `most` entries and returns how many there are. */
size_t libraries_list(libraries_entry *entries, size_t most);

#endif
