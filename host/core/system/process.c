/* See process.h. */
#include "core/system/process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
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

int64_t process_time_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t process_time_ms(void) {
  return process_time_us() / 1000;
}

static char *write_digits(char *at, int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
  return at + digits;
}

/* By hand: every log line has one, and strftime would cost more than the rest of the line. The days
 * become a date as Howard Hinnant's civil_from_days does it, with years that begin in March. */
void process_timestamp(int64_t time_ms, char text[PROCESS_TIMESTAMP_BYTES]) {
  int64_t seconds = time_ms / 1000, days = seconds / 86400 + 719468;
  int64_t era = days / 146097, day_of_era = days % 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month = (5 * day_of_year + 2) / 153;
  char *at = write_digits(text, era * 400 + year_of_era + (month >= 10), 4);
  *at++ = '-';
  at = write_digits(at, month < 10 ? month + 3 : month - 9, 2);
  *at++ = '-';
  at = write_digits(at, day_of_year - (153 * month + 2) / 5 + 1, 2);
  *at++ = 'T';
  at = write_digits(at, seconds / 3600 % 24, 2);
  *at++ = ':';
  at = write_digits(at, seconds / 60 % 60, 2);
  *at++ = ':';
  at = write_digits(at, seconds % 60, 2);
  *at++ = '.';
  at = write_digits(at, time_ms % 1000, 3);
  memcpy(at, "Z", 2);
}

int process_write(int descriptor, struct iovec *texts, int count) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  int problem = 0;
  pthread_mutex_lock(&lock);
  while (count > 0 && !problem) {
    ssize_t written = writev(descriptor, texts, count);
    if (written < 0) {
      if (errno != EINTR) problem = errno;
      continue;
    }

    for (; count > 0 && (size_t)written >= texts->iov_len; texts++, count--)
      written -= (ssize_t)texts->iov_len;
    if (count == 0) break;
    texts->iov_base = (char *)texts->iov_base + written;
    texts->iov_len -= (size_t)written;
  }

  pthread_mutex_unlock(&lock);

  return problem;
}

static void pass_over(int number) {
  (void)number;
}

/* A handler, because SIG_IGN would be inherited. Whoever started us may have chosen SIG_IGN. */
static void survive(int number) {
  struct sigaction now, handler = {.sa_handler = pass_over, .sa_flags = SA_RESTART};
  if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
    sigaction(number, &handler, NULL);
}

void process_survive_failed_writes(void) {
  survive(SIGXFSZ);
  survive(SIGPIPE);
}

void process_end_by_broken_pipe(void) {
  struct sigaction now, as_usual = {.sa_handler = SIG_DFL};
  if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == pass_over)
    sigaction(SIGPIPE, &as_usual, NULL);
}

/* Asks the system for many bytes at a time; each is given out once and wiped. A thread has its own.
 */
bool process_random(void *bytes, size_t size) {
  static _Thread_local unsigned char pool[512];
  static _Thread_local size_t left;
  if (size > sizeof pool) return getrandom(bytes, size, 0) == (ssize_t)size;
  if (left < size) {
    if (getrandom(pool, sizeof pool, 0) != (ssize_t)sizeof pool) return false;
    left = sizeof pool;
  }

  left -= size;
  memcpy(bytes, pool + left, size);
  explicit_bzero(pool + left, size);

  return true;
}

bool process_new_id(char id[PROCESS_ID_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[PROCESS_ID_BYTES / 2];
  if (!process_random(bytes, sizeof bytes)) return false;
  for (size_t i = 0; i < sizeof bytes; i++) {
    id[2 * i] = digits[bytes[i] >> 4];
    id[2 * i + 1] = digits[bytes[i] & 15];
  }

  id[PROCESS_ID_BYTES - 1] = '\0';

  return true;
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
