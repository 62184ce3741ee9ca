/* See process.h. */
#include "core/process.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
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

/* What the kernel started, as the caller wrote it. A relative path is of no use: the working
 * directory may have changed since. */
static bool started_as(char *path, size_t capacity) {
  const char *name = (const char *)getauxval(AT_EXECFN);
  if (!name || *name != '/' || strlen(name) >= capacity) return false;
  memcpy(path, name, strlen(name) + 1);
  return true;
}

bool process_executable(char *path, size_t capacity) {
  ssize_t size = readlink("/proc/self/exe", path, capacity);
  if (size < 0) return started_as(path, capacity); /* an empty root has no /proc */
  if ((size_t)size >= capacity) return false;
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
