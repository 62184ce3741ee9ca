/* What this program knows of sets that were verified before it loads them: who it is itself, and
 * the policies that it was built with (shipped_policies.h, by cmake/shipped_policies.cmake). */
#include <build_id.h>
#include <shipped_policies.h>
#include <string.h>

#include "core/policy_files/policy_files.h"

/* The last item has no path. */
static const struct {
  const char *path, *digest, *kind;
} built_with[] = {SHIPPED_POLICIES{NULL, NULL, NULL}};

const char *policy_files_build(void) {
  return WEIR_BUILD_ID;
}

bool policy_files_are_shipped(policy_files *files) {
  size_t count = sizeof built_with / sizeof *built_with - 1;
  if (count == 0 || files->count != count) return false;
  for (size_t i = 0; i < count; i++)
    if (strcmp(files->items[i].path, built_with[i].path) != 0 ||
        strcmp(files->items[i].digest, built_with[i].digest) != 0)
      return false;
  for (size_t i = 0; i < count; i++) strcpy(files->items[i].kind, built_with[i].kind);

  return true;
}
