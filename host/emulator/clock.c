/* The steady clock of the emulator. See impl.h. Memory: none. */
#include <time.h>

#include "emulator/impl.h"

int64_t emulator_clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
