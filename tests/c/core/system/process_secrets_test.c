/* process_keep_secrets: what the system says about a process that keeps its secrets. */
#include "core/system/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In a child, so that the test's own process stays as it is: 0 when all is kept. */
static int child_status(void) {
  struct rlimit limit;
  if (!process_keep_secrets()) return 1;
  if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0) return 2;
#ifdef __SANITIZE_ADDRESS__
  return 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  return 0;
#endif
#endif
  return prctl(PR_GET_DUMPABLE) == 0 ? 0 : 3;
}

static void switches_core_dumps_off(void **state) {
  (void)state;
  int status;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(child_status());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* A process that dies of its own mistake leaves no image of its memory. */
static void leaves_no_core(void **state) {
  (void)state;
  int status;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct rlimit much = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &much);
    if (!process_keep_secrets()) _exit(1);
    abort();
  }

  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_false(WCOREDUMP(status));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(switches_core_dumps_off),
      cmocka_unit_test(leaves_no_core),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
