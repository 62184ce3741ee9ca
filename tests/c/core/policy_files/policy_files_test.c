/* A directory that a link swaps for another, again and again while it is read, is read as one of
 * the two or refused, never as a mixture: also where the link is back before the reading ends. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h> /* wants those before it */

#include "core/policy_files/policy_files.h"

enum { READS = 2000, FILES = 8 };

static char root[] = "/tmp/weir-policy-files-XXXXXX";
static atomic_bool done;

static const char *path(const char *format, const char *name, int number) {
  static _Thread_local char text[128];
  int used = snprintf(text, sizeof text, "%s/", root);
  snprintf(text + used, sizeof text - (size_t)used, format, name, number);
  return text;
}

static void write_version(const char *name, char letter) {
  assert_int_equal(mkdirat(AT_FDCWD, path("%s", name, 0), 0700), 0);
  for (int i = 0; i < FILES; i++) {
    FILE *file = fopen(path("%s/f%d.lua", name, i), "w");
    assert_non_null(file);
    fprintf(file, "%c", letter);
    fclose(file);
  }
}

/* Two links change places: there, back and there again within microseconds, then a rest in which a
 * reading can succeed. */
static void *swap(void *nothing) {
  char one[128], other[128];
  snprintf(one, sizeof one, "%s", path("%s", "current", 0));
  snprintf(other, sizeof other, "%s", path("%s", "next", 0));
  for (unsigned i = 0; !atomic_load(&done); i++) {
    if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) != 0) return "renameat2";
    nanosleep(&(struct timespec){.tv_nsec = i % 3 ? 1000 : 2 * 1000 * 1000}, NULL);
  }

  return nothing;
}

static void reads_one_or_the_other(void **state) {
  (void)state;
  pthread_t thread;
  void *problem;
  unsigned seen[2] = {0};
  assert_non_null(mkdtemp(root));
  write_version("a", 'a');
  write_version("b", 'b');
  assert_int_equal(symlink("a", path("%s", "current", 0)), 0);
  assert_int_equal(symlink("b", path("%s", "next", 0)), 0);
  assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
  for (int i = 0; i < READS; i++) {
    policy_files files;
    finding_list findings = {0};
    if (policy_files_read(path("%s", "current", 0), &files, &findings)) {
      assert_int_equal(files.count, FILES);
      for (size_t j = 1; j < files.count; j++)
        assert_int_equal(files.items[j].text[0], files.items[0].text[0]);
      seen[files.items[0].text[0] - 'a']++;
      policy_files_free(&files);
    }

    finding_list_free(&findings);
  }

  atomic_store(&done, true);
  pthread_join(thread, &problem);
  assert_null(problem);
  assert_true(seen[0] + seen[1] > 0);
}

static int clean_up(void **state) {
  (void)state;
  char command[160];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(reads_one_or_the_other, clean_up)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
