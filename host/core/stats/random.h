/* Streams of random numbers that follow from a seed and a number of the stream alone: the same on
 * every machine, and independent of which other streams are used.
 * Philox4x32-10: Salmon, Moraes, Dror and Shaw, SC 2011. SplitMix64: Steele, Lea and Flood, 2014.
 * Memory: none. */
#ifndef WEIR_CORE_STATS_RANDOM_H
#define WEIR_CORE_STATS_RANDOM_H

#include <stdint.h>

/* The next number of a SplitMix64 generator. */
uint64_t stats_random_split_mix(uint64_t *state);

/* Philox4x32-10 of a counter under a key. */
void stats_random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

typedef struct {
  uint32_t counter[4], key[2], block[4];
  unsigned used; /* words of the block */
} stats_random;

stats_random stats_random_stream(uint64_t seed, uint64_t stream);

/* In (0, 1), never an end. */
double stats_random_uniform(stats_random *self);

/* The same from 32 bits, in half the time. */
double stats_random_coarse(stats_random *self);

#endif
