/* Counts the blocks that a test's program has allocated and not freed, so that the test sees a leak
 * in any build. Include it in one file of the program: it takes the place of malloc. Builds with a
 * sanitizer have their own malloc and their own leak check: there the count is always 0. */
#ifndef TESTS_SUPPORT_LIVE_BLOCKS_H
#define TESTS_SUPPORT_LIVE_BLOCKS_H

#include <stdatomic.h>
#include <stddef.h>

static _Atomic long live_blocks_count;

static inline long live_blocks(void) {
  return live_blocks_count;
}

#ifndef WEIR_PLAIN_BLOCKS

/* The C library's own functions, under its own names. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static void *live_blocks_counted(void *block) {
  if (block) live_blocks_count++;
  return block;
}

void *malloc(size_t size) {
  return live_blocks_counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
  return live_blocks_counted(__libc_calloc(count, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
  return live_blocks_counted(__libc_memalign(alignment, size));
}

void free(void *block) {
  if (block) live_blocks_count--;
  __libc_free(block);
}

void *realloc(void *block, size_t size) {
  if (!block) return malloc(size);
  if (size == 0) {
    free(block);
    return NULL;
  }

  return __libc_realloc(block, size);
}

#endif

#endif
