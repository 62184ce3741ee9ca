/* See lua_allocator.h. */
#include "script/lua_allocator.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
  GRAIN = 16,        /* small classes are this far apart; also the alignment of all blocks */
  SMALL_MAX = 512,   /* strings, tables, closures */
  ARENA_MAX = 32768, /* arrays of growing tables: four classes each time the size doubles */
  SMALL_CLASSES = SMALL_MAX / GRAIN,
  CLASSES = SMALL_CLASSES + 4 * 6,
  FIRST_CHUNK = 64 * 1024, /* each chunk is twice the one before, … */
  LAST_CHUNK = 256 * 1024, /* … up to this */
};

_Static_assert(FIRST_CHUNK >= ARENA_MAX, "a chunk must hold any block");
_Static_assert(alignof(max_align_t) <= GRAIN, "blocks must hold anything");

typedef struct unused_block {
  struct unused_block *next;
} unused_block;

typedef struct chunk {
  struct chunk *next;
  alignas(GRAIN) char bytes[];
} chunk;

struct lua_allocator {
  unused_block *unused[CLASSES];
  char *fresh, *fresh_end; /* the part of the newest chunk that was never used */
  chunk *chunks;
  size_t chunk_size;
  size_t blocks; /* alive, large ones too */
  bool pinned;   /* not yet released */
};

static bool is_in_arena(size_t size) {
  return size <= ARENA_MAX;
}

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

static void put(lua_allocator *allocator, void *block, size_t class) {
  unused_block *unused = block;
  unused->next = allocator->unused[class];
  allocator->unused[class] = unused;
}

/* What is left of the chunk before is too small for the block that is wanted, but is one itself. */
static void use_rest(lua_allocator *allocator) {
  size_t left = (size_t)(allocator->fresh_end - allocator->fresh);
  if (left == 0) return;
  size_t class = class_of(left);
  put(allocator, allocator->fresh, size_of(class) > left ? class - 1 : class);
}

static bool add_chunk(lua_allocator *allocator) {
  chunk *added = malloc(sizeof *added + allocator->chunk_size);
  if (!added) return false;
  use_rest(allocator);
  added->next = allocator->chunks;
  allocator->chunks = added;
  allocator->fresh = added->bytes;
  allocator->fresh_end = added->bytes + allocator->chunk_size;
  if (allocator->chunk_size < LAST_CHUNK) allocator->chunk_size *= 2;
  return true;
}

static void *take(lua_allocator *allocator, size_t class) {
  unused_block *unused = allocator->unused[class];
  if (unused) {
    allocator->unused[class] = unused->next;
    return unused;
  }
  size_t size = size_of(class);
  if ((size_t)(allocator->fresh_end - allocator->fresh) < size && !add_chunk(allocator))
    return NULL;
  void *block = allocator->fresh;
  allocator->fresh += size;
  return block;
}

static void destroy(lua_allocator *allocator) {
  while (allocator->chunks) {
    chunk *next = allocator->chunks->next;
    free(allocator->chunks);
    allocator->chunks = next;
  }
  free(allocator);
}

static void *allocate(lua_allocator *allocator, size_t size) {
  void *block = is_in_arena(size) ? take(allocator, class_of(size)) : malloc(size);
  if (block) allocator->blocks++;
  return block;
}

static void give_back(lua_allocator *allocator, void *block, size_t size) {
  if (is_in_arena(size))
    put(allocator, block, class_of(size));
  else
    free(block);
  if (--allocator->blocks == 0 && !allocator->pinned) destroy(allocator);
}

static void *move(lua_allocator *allocator, void *block, size_t old_size, size_t new_size) {
  void *moved = allocate(allocator, new_size);
  if (!moved) return NULL;
  memcpy(moved, block, old_size < new_size ? old_size : new_size);
  give_back(allocator, block, old_size);
  return moved;
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
  bool was_in_arena = is_in_arena(old_size), will_be = is_in_arena(new_size);
  if (was_in_arena && will_be && class_of(old_size) == class_of(new_size)) return block;
  if (!was_in_arena && !will_be) return realloc(block, new_size);
  return move(allocator, block, old_size, new_size);
}

lua_allocator *lua_allocator_new(void) {
  lua_allocator *allocator = calloc(1, sizeof *allocator);
  if (!allocator) return NULL;
  allocator->chunk_size = FIRST_CHUNK;
  allocator->pinned = true;
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
