/* See lua_allocator.h.
 *
 * The system gives chunks of 256 KiB, and the arena gives them back when nothing in them is in use.
 * A chunk is a row of units of 1 KiB. Blocks above 4 KiB take as many units as they need. Smaller
 * blocks come from pages: 16 units, all of whose blocks are of one size class. Chunks and pages are
 * found from a block's address, so blocks have no header. Blocks above 128 KiB are mappings of
 * their own. */
#include "script/lua_allocator.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
  GRAIN = 16,       /* small classes are this far apart; also the alignment of all blocks */
  SMALL_MAX = 512,  /* strings, tables, closures */
  PAGED_MAX = 4096, /* arrays of growing tables: four classes each time the size doubles */
  SMALL_CLASSES = SMALL_MAX / GRAIN,
  CLASSES = SMALL_CLASSES + 4 * 3,
  UNIT = 1024,
  PAGE_UNITS = 16,
  PAGE_SIZE = PAGE_UNITS * UNIT,
  CHUNK_UNITS = 256,
  CHUNK_SIZE = CHUNK_UNITS * UNIT,
  RUN_MAX = CHUNK_SIZE / 2,
  SYSTEM_PAGE = 4096,
};

_Static_assert(alignof(max_align_t) <= GRAIN, "blocks must hold anything");

typedef struct unused_block {
  struct unused_block *next;
} unused_block;

/* At the start of its memory, in the first unit. */
typedef struct chunk {
  struct chunk *next, *before;
  uint32_t free_units;
  bool used[CHUNK_UNITS]; /* units */
} chunk;

/* At the start of its memory; blocks follow. */
typedef struct page {
  struct page *next, *before; /* in the list of its class, while it has room */
  unused_block *unused;       /* blocks given back */
  char *fresh;                /* blocks from here on were never used */
  uint32_t blocks;            /* in use */
  uint16_t class;
  bool listed;
} page;

enum { PAGE_HEADER = (sizeof(page) + GRAIN - 1) / GRAIN * GRAIN, EMPTY_UNITS = CHUNK_UNITS - 1 };

_Static_assert(sizeof(chunk) <= UNIT, "the first unit must hold the chunk's header");

struct lua_allocator {
  page *room[CLASSES]; /* pages with room for a block of the class */
  chunk *chunks;
  size_t empty_chunks; /* at most one is kept, against a decision that needs it again at once */
  size_t held;
  size_t blocks; /* in use */
  bool pinned;   /* not yet released */
};

/* ---- Sizes ---- */

static size_t class_of(size_t size) {
  size_t last = size - 1;
  if (size <= SMALL_MAX) return last / GRAIN;
  unsigned doublings = 63 - (unsigned)__builtin_clzll(last); /* 2^doublings <= last */
  return SMALL_CLASSES + (doublings - 9) * 4 + ((last >> (doublings - 2)) & 3);
}

/* The size of the blocks in a class. */
static size_t size_of(size_t class) {
  if (class < SMALL_CLASSES) return (class + 1) * GRAIN;
  size_t step = class - SMALL_CLASSES;
  return ((size_t)SMALL_MAX << step / 4) + ((step % 4 + 1) * (SMALL_MAX / 4) << step / 4);
}

static size_t units_of(size_t size) {
  return (size + UNIT - 1) / UNIT;
}

static size_t mapping_of(size_t size) {
  return (size + SYSTEM_PAGE - 1) & ~(size_t)(SYSTEM_PAGE - 1);
}

/* What a block of this size really takes: blocks that take the same need not move. */
static size_t room_of(size_t size) {
  if (size <= PAGED_MAX) return size_of(class_of(size));
  return size <= RUN_MAX ? units_of(size) * UNIT : mapping_of(size);
}

/* ---- The system's memory ---- */

static void *map(size_t size) {
  void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* A chunk lies at a multiple of its size: the mapping is larger first. */
static chunk *map_chunk(void) {
  char *at = map(2 * CHUNK_SIZE - SYSTEM_PAGE);
  if (!at) return NULL;
  size_t before = -(uintptr_t)at & (CHUNK_SIZE - 1), after = CHUNK_SIZE - SYSTEM_PAGE - before;
  if (before > 0) munmap(at, before);
  if (after > 0) munmap(at + before + CHUNK_SIZE, after);

  return (chunk *)(at + before);
}

/* ---- Chunks ---- */

static chunk *chunk_of(const void *block) {
  return (chunk *)((uintptr_t)block & ~(uintptr_t)(CHUNK_SIZE - 1));
}

static chunk *add_chunk(lua_allocator *allocator) {
  chunk *added = map_chunk();
  if (!added) return NULL;
  added->free_units = EMPTY_UNITS;
  added->used[0] = true;
  added->next = allocator->chunks;
  if (added->next) added->next->before = added;
  allocator->chunks = added;
  allocator->empty_chunks++;
  allocator->held += CHUNK_SIZE;

  return added;
}

static void remove_chunk(lua_allocator *allocator, chunk *removed) {
  if (removed->before)
    removed->before->next = removed->next;
  else
    allocator->chunks = removed->next;
  if (removed->next) removed->next->before = removed->before;
  allocator->empty_chunks--;
  allocator->held -= CHUNK_SIZE;
  munmap(removed, CHUNK_SIZE);
}

/* The first of so many free units in a row, at a multiple of `step`; 0 when there are none. */
static size_t find_units(const chunk *c, size_t count, size_t step) {
  if (c->free_units < count) return 0;
  for (size_t at = step == 1 ? 1 : step; at + count <= CHUNK_UNITS;) {
    size_t free = 0;
    while (free < count && !c->used[at + free]) free++;
    if (free == count) return at;
    at += (free / step + 1) * step;
  }

  return 0;
}

static void *take_units(lua_allocator *allocator, size_t count, size_t step) {
  chunk *c = allocator->chunks;
  size_t at = 0;
  while (c && !(at = find_units(c, count, step))) c = c->next;
  if (!c) {
    if (!(c = add_chunk(allocator))) return NULL;
    at = step;
  }

  if (c->free_units == EMPTY_UNITS) allocator->empty_chunks--;
  c->free_units -= (uint32_t)count;
  memset(c->used + at, true, count);

  return (char *)c + at * UNIT;
}

static void free_units(lua_allocator *allocator, void *first, size_t count) {
  chunk *c = chunk_of(first);
  memset(c->used + (size_t)((char *)first - (char *)c) / UNIT, false, count);
  c->free_units += (uint32_t)count;
  if (c->free_units == EMPTY_UNITS && ++allocator->empty_chunks > 1) remove_chunk(allocator, c);
}

/* ---- Pages ---- */

static page *page_of(const void *block) {
  return (page *)((uintptr_t)block & ~(uintptr_t)(PAGE_SIZE - 1));
}

static void list_page(lua_allocator *allocator, page *p) {
  page **list = &allocator->room[p->class];
  p->listed = true;
  p->before = NULL;
  p->next = *list;
  if (p->next) p->next->before = p;
  *list = p;
}

static void unlist_page(lua_allocator *allocator, page *p) {
  p->listed = false;
  if (p->before)
    p->before->next = p->next;
  else
    allocator->room[p->class] = p->next;
  if (p->next) p->next->before = p->before;
}

static page *add_page(lua_allocator *allocator, size_t class) {
  page *added = take_units(allocator, PAGE_UNITS, PAGE_UNITS);
  if (!added) return NULL;
  *added = (page){.fresh = (char *)added + PAGE_HEADER, .class = (uint16_t) class};
  list_page(allocator, added);

  return added;
}

static bool is_full(const page *p, size_t size) {
  return !p->unused && p->fresh + size > (const char *)p + PAGE_SIZE;
}

static void *take_paged(lua_allocator *allocator, size_t class) {
  page *p = allocator->room[class];
  if (!p && !(p = add_page(allocator, class))) return NULL;
  size_t size = size_of(class);
  void *block = p->unused;
  if (block) {
    p->unused = p->unused->next;
  } else {
    block = p->fresh;
    p->fresh += size;
  }

  p->blocks++;
  if (is_full(p, size)) unlist_page(allocator, p);

  return block;
}

static void put_paged(lua_allocator *allocator, void *block) {
  page *p = page_of(block);
  unused_block *unused = block;
  unused->next = p->unused;
  p->unused = unused;
  if (!p->listed) list_page(allocator, p);
  if (--p->blocks > 0) return;
  unlist_page(allocator, p);
  free_units(allocator, p, PAGE_UNITS);
}

/* ---- Blocks ---- */

static void destroy(lua_allocator *allocator) {
  while (allocator->chunks) {
    chunk *next = allocator->chunks->next;
    munmap(allocator->chunks, CHUNK_SIZE);
    allocator->chunks = next;
  }

  free(allocator);
}

static void *map_block(lua_allocator *allocator, size_t size) {
  void *block = map(mapping_of(size));
  if (block) allocator->held += mapping_of(size);
  return block;
}

static void *allocate(lua_allocator *allocator, size_t size) {
  void *block;
  if (size <= PAGED_MAX)
    block = take_paged(allocator, class_of(size));
  else if (size <= RUN_MAX)
    block = take_units(allocator, units_of(size), 1);
  else
    block = map_block(allocator, size);
  if (block) allocator->blocks++;

  return block;
}

static void give_back(lua_allocator *allocator, void *block, size_t size) {
  if (size <= PAGED_MAX) {
    put_paged(allocator, block);
  } else if (size <= RUN_MAX) {
    free_units(allocator, block, units_of(size));
  } else {
    allocator->held -= mapping_of(size);
    munmap(block, mapping_of(size));
  }

  if (--allocator->blocks == 0 && !allocator->pinned) destroy(allocator);
}

static void *move(lua_allocator *allocator, void *block, size_t old_size, size_t new_size) {
  void *moved = allocate(allocator, new_size);
  if (!moved) return NULL;
  memcpy(moved, block, old_size < new_size ? old_size : new_size);
  give_back(allocator, block, old_size);

  return moved;
}

static void *resize_mapping(lua_allocator *allocator, void *block, size_t old_size,
                            size_t new_size) {
  size_t was = mapping_of(old_size), will_be = mapping_of(new_size);
  void *resized = mremap(block, was, will_be, MREMAP_MAYMOVE);
  if (resized == MAP_FAILED) return NULL;
  allocator->held += will_be - was; /* wraps around, as it should, when shrinking */

  return resized;
}

static void *resize_plain(void *block, size_t new_size) {
  if (new_size > 0) return realloc(block, new_size);
  free(block);
  return NULL;
}

void *lua_allocator_resize(lua_allocator *allocator, void *block, size_t old_size,
                           size_t new_size) {
  if (!allocator) return resize_plain(block, new_size);
  if (!block) return new_size > 0 ? allocate(allocator, new_size) : NULL;
  if (new_size == 0) {
    give_back(allocator, block, old_size);
    return NULL;
  }

  if (room_of(old_size) == room_of(new_size)) return block;
  if (old_size > RUN_MAX && new_size > RUN_MAX)
    return resize_mapping(allocator, block, old_size, new_size);
  return move(allocator, block, old_size, new_size);
}

/* ---- Allocators ---- */

lua_allocator *lua_allocator_new(void) {
  lua_allocator *allocator = calloc(1, sizeof *allocator);
  if (allocator) allocator->pinned = true;
  return allocator;
}

lua_allocator *lua_allocator_for_state(void) {
#ifdef WEIR_PLAIN_BLOCKS
  return NULL;
#else
  return lua_allocator_new();
#endif
}

void lua_allocator_release(lua_allocator *allocator) {
  if (!allocator) return;
  allocator->pinned = false;
  if (allocator->blocks == 0) destroy(allocator);
}

size_t lua_allocator_held(const lua_allocator *allocator) {
  return allocator ? allocator->held : 0;
}
