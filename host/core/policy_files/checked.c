/* policy_files_are_checked. The build lists the policies that it found clean, each with its digest,
 * in checked_policies.h (cmake/checked_policies.cmake). */
#include <checked_policies.h>
#include <string.h>

#include "core/policy_files/policy_files.h"

/* The last item has no path. */
static const struct { const char *path, *digest; } built_with[] = {CHECKED_POLICIES{NULL, NULL}};

static bool is_built_with(const policy_files *files) {
  size_t count = sizeof built_with / sizeof *built_with - 1;
  if (count == 0 || files->count != count) return false;
  for (size_t i = 0; i < count; i++)
    if (strcmp(files->items[i].path, built_with[i].path) != 0 ||
        strcmp(files->items[i].digest, built_with[i].digest) != 0)
      return false;
  return true;
}

bool policy_files_are_checked(const policy_files *files) {
  return strcmp(files->checked, WEIR_VERSION) == 0 || is_built_with(files);
}
