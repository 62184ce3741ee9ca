/* Hashing for event patterns: keyed bytes, and an open-addressing table of 32-bit ids.
 *
 * The seed is random per compiled set, so a hostile pattern cannot choose keys that collide.
 * Memory: a table owns `slots`; release with pattern_table_free. */
#ifndef WEIR_CORE_PATTERN_HASH_H
#define WEIR_CORE_PATTERN_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Folds a 64 x 64 bit product: every input bit reaches every output bit. */
static inline uint64_t pattern_hash_mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t pattern_hash_load(const char *at, size_t size) {
  uint64_t word = 0;
  memcpy(&word, at, size);
  return word;
}

/* Eight bytes a step; the last step overlaps, so no byte outside the text is read. */
static inline uint64_t pattern_hash_bytes(uint64_t seed, const char *bytes, size_t size) {
  static const uint64_t k0 = 0x9e3779b97f4a7c15u, k1 = 0xd6e8feb86659fd93u;
  uint64_t hash = seed ^ pattern_hash_mix(size + k0, k1);
  if (size >= 8) {
    for (size_t i = 0; i + 8 < size; i += 8)
      hash = pattern_hash_mix(hash ^ pattern_hash_load(bytes + i, 8), k1);
    hash = pattern_hash_mix(hash ^ pattern_hash_load(bytes + size - 8, 8), k0);
  } else if (size >= 4) {
    uint64_t low = pattern_hash_load(bytes, 4), high = pattern_hash_load(bytes + size - 4, 4);
    hash = pattern_hash_mix(hash ^ (low | high << 32), k0);
  } else if (size > 0) {
    uint64_t word = (uint8_t)bytes[0] | (uint64_t)(uint8_t)bytes[size / 2] << 8 |
                    (uint64_t)(uint8_t)bytes[size - 1] << 16;
    hash = pattern_hash_mix(hash ^ word, k0);
  }
  return pattern_hash_mix(hash, k1);
}

typedef struct {
  uint32_t hash; /* 0 marks an empty slot */
  uint32_t id;
} pattern_table_slot;

typedef struct {
  pattern_table_slot *slots;
  uint32_t mask;
  uint32_t used;
} pattern_table;

static inline uint32_t pattern_table_hash(uint64_t hash) {
  uint32_t folded = (uint32_t)(hash >> 32);
  return folded ? folded : 1;
}

/* Adds an id; equal hashes may coexist. False when memory is short. */
bool pattern_table_add(pattern_table *table, uint32_t hash, uint32_t id);
void pattern_table_free(pattern_table *table);

/* Visits the ids filed under a hash:
 *     for (uint32_t at = hash, id; pattern_table_next(&table, hash, &at, &id);) … */
static inline bool pattern_table_next(const pattern_table *table, uint32_t hash, uint32_t *at,
                                      uint32_t *id) {
  if (!table->slots) return false;
  for (;;) {
    const pattern_table_slot *slot = &table->slots[(*at)++ & table->mask];
    if (slot->hash == 0) return false;
    if (slot->hash != hash) continue;
    *id = slot->id;
    return true;
  }
}

#endif
