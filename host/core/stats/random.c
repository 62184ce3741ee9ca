/* See random.h. */
#include "core/stats/random.h"

uint64_t stats_random_split_mix(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void stats_random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t left = (uint64_t)a * 0xd2511f53u, right = (uint64_t)c * 0xcd9e8d57u;
    a = (uint32_t)(right >> 32) ^ b ^ k0;
    b = (uint32_t)right;
    c = (uint32_t)(left >> 32) ^ d ^ k1;
    d = (uint32_t)left;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }

  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

stats_random stats_random_stream(uint64_t seed, uint64_t stream) {
  uint64_t mixed = stats_random_split_mix(&seed);
  return (stats_random){
      .counter = {0, 0, (uint32_t)stream, (uint32_t)(stream >> 32)},
      .key = {(uint32_t)mixed, (uint32_t)(mixed >> 32)},
      .used = 4,
  };
}

static uint32_t next_word(stats_random *self) {
  if (self->used == 4) {
    stats_random_philox(self->counter, self->key, self->block);
    if (++self->counter[0] == 0) self->counter[1]++;
    self->used = 0;
  }

  return self->block[self->used++];
}

double stats_random_uniform(stats_random *self) {
  uint64_t high = next_word(self) >> 6, low = next_word(self) >> 6; /* 26 bits each */
  return ((double)(high << 26 | low) + 0.5) * 0x1p-52;
}

double stats_random_coarse(stats_random *self) {
  return ((double)next_word(self) + 0.5) * 0x1p-32;
}
