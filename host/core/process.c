/* See process.h. */
#include "core/process.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int64_t process_clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void process_sleep_ms(int64_t milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

bool process_executable(char *path, size_t capacity) {
  ssize_t size = readlink("/proc/self/exe", path, capacity);
  if (size < 0 || (size_t)size >= capacity) return false;
  path[size] = '\0';
  return true;
}

int64_t process_time_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool process_random(void *bytes, size_t size) {
  return getrandom(bytes, size, 0) == (ssize_t)size;
}

#if defined(__SANITIZE_ADDRESS__)
#define KEEP_READABLE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_READABLE 1
#endif
#endif

bool process_keep_secrets(void) {
  /* A core pattern that is a pipe does not ask for the limit; for being dumpable it does. */
  const struct rlimit none = {0, 0};
  bool limited = setrlimit(RLIMIT_CORE, &none) == 0;
#ifdef KEEP_READABLE
  return limited;
#else
  return prctl(PR_SET_DUMPABLE, 0) == 0 && limited;
#endif
}
