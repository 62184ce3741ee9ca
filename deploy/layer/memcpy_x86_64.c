/* memcpy and memmove for the x86_64 layer, in place of musl's, which is one `rep movsq` whatever
 * the size: some 30 cycles for the dozen bytes that Lua's strings and JSON's members mostly have.
 * Here small copies are two overlapping loads and stores; only large ones leave it to the
 * processor.
 *
 * Compiled without link-time optimisation, and without the optimisation that replaces a loop that
 * copies by a call of memcpy: here that would call itself.
 * Memory: none. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t two __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef long long sixteen __attribute__((vector_size(16), aligned(1), may_alias));

enum { REPEAT_FROM = 1024 }; /* from this size on, `rep movsb` is faster */

/* From both ends at once: the two may overlap in the middle. */
#define COPY_ENDS(type)                                                                            \
  do {                                                                                             \
    type first = *(const type *)from;                                                              \
    type last = *(const type *)(from + size - sizeof(type));                                       \
    *(type *)to = first;                                                                           \
    *(type *)(to + size - sizeof(type)) = last;                                                    \
  } while (0)

static void copy_small(char *to, const char *from, size_t size) {
  if (size >= 8)
    COPY_ENDS(eight);
  else if (size >= 4)
    COPY_ENDS(four);
  else if (size >= 2)
    COPY_ENDS(two);
  else if (size == 1)
    *to = *from;
}

/* The target may overlap the source from below: what is stored last is loaded first. */
static inline void copy_up(char *to, const char *from, size_t size) {
  if (size <= 16) {
    copy_small(to, from, size);
    return;
  }
  if (size >= REPEAT_FROM) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return;
  }
  sixteen last = *(const sixteen *)(from + size - 16);
  char *end = to + size - 16;
  do {
    *(sixteen *)to = *(const sixteen *)from;
    to += 16;
    from += 16;
  } while (to < end);
  *(sixteen *)end = last;
}

/* The same for a target that overlaps the source from above. */
static void copy_down(char *to, const char *from, size_t size) {
  if (size <= 16) {
    copy_small(to, from, size);
    return;
  }
  sixteen first = *(const sixteen *)from;
  for (size_t left = size; left > 16; left -= 16)
    *(sixteen *)(to + left - 16) = *(const sixteen *)(from + left - 16);
  *(sixteen *)to = first;
}

void *memcpy(void *restrict target, const void *restrict source, size_t size) {
  copy_up(target, source, size);
  return target;
}

void *memmove(void *target, const void *source, size_t size) {
  if ((uintptr_t)target - (uintptr_t)source >= size)
    copy_up(target, source, size);
  else
    copy_down(target, source, size);
  return target;
}
