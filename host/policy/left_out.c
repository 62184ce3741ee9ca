/* Which files of a set that is known to verify need not be loaded to decide as the whole set does.
 *
 * A helper is loaded by who requires it. Another policy shares nothing but modules, which it may
 * change while it is loaded, and reaches them through `require` alone. See impl.h. */
#include <string.h>

#include "policy/impl.h"

static const char REQUIRE[] = "require", ENVIRONMENT[] = "_ENV";

/* Where a word stands from `at` on, or NULL. A comment or a text may hold zero bytes. */
static const char *find(const policy_file *file, const char *at, const char *word) {
  return memmem(at, (size_t)(file->text + file->size - at), word, strlen(word));
}

/* Whether the file's code can reach `require`, by its name or by the table of all names. */
static bool may_require(const policy_file *file) {
  return find(file, file->text, REQUIRE) || find(file, file->text, ENVIRONMENT);
}

/* Whether behind a `require` stands the name of a file in a folder: "lib.sizes". */
static bool names_helper(const char *at) {
  at += strspn(at, " (");
  if (*at != '"' && *at != '\'') return false;
  size_t size = strcspn(at + 1, "\"'\n\\");
  return at[1 + size] == *at && memchr(at + 1, '.', size);
}

/* Whether all that the file can require are helpers, and none of them a policy. */
static bool requires_helpers(const policy_file *file) {
  if (find(file, file->text, ENVIRONMENT)) return false;
  for (const char *at = file->text; (at = find(file, at, REQUIRE));) {
    at += sizeof REQUIRE - 1;
    if (!names_helper(at)) return false;
  }

  return true;
}

/* Whether this policy may see what another one changed: a module that both have, or its own file.
 */
static bool may_share(const policy_files *files, const char *kind) {
  for (size_t i = 0; i < files->count; i++) {
    const policy_file *file = &files->items[i];
    bool is_needed = strcmp(file->kind, kind) == 0 || policy_own_kinds_is_file(file);
    if (is_needed && may_require(file)) return true;
    if (!requires_helpers(file)) return true;
  }

  return false;
}

bool policy_left_out(const policy_files *files, const policy_file *file, const char *kind) {
  if (strchr(file->path, '/')) return true;
  if (!kind || !file->kind[0] || strcmp(file->kind, kind) == 0) return false;
  return !may_require(file) || !may_share(files, kind);
}
