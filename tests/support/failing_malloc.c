/* A library to preload: lets the program have no memory from the Nth request on, WEIR_FAIL_AFTER=N,
 * or refuses the Nth alone, WEIR_FAIL_ONCE=N. Memory that was given can be given back and made
 * smaller. Memory: none. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static atomic_long requests;
static long fail_after, fail_once;

__attribute__((constructor)) static void read_limits(void) {
  const char *after = getenv("WEIR_FAIL_AFTER"), *once = getenv("WEIR_FAIL_ONCE");
  fail_after = after ? atol(after) : 0;
  fail_once = once ? atol(once) : 0;
}

static bool refuses(void) {
  if (!fail_after && !fail_once) return false;
  long number = atomic_fetch_add(&requests, 1) + 1;
  bool is_refused = (fail_after && number >= fail_after) || (fail_once && number == fail_once);
  if (is_refused) errno = ENOMEM;
  return is_refused;
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size) {
  return refuses() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return refuses() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  return refuses() ? NULL : __libc_realloc(block, size);
}
