/* See sigv4_time.h. */
#include "core/aws/sigv4_time.h"

#include <math.h>
#include <time.h>

static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

bool sigv4_time_format(int64_t seconds, char out[SIGV4_TIME]) {
  const int64_t year_10000 = 253402300800;
  if (seconds < 0 || seconds >= year_10000) return false;
  time_t time = (time_t)seconds;
  struct tm utc;
  gmtime_r(&time, &utc);

  return strftime(out, SIGV4_TIME, "%Y%m%dT%H%M%SZ", &utc) == SIGV4_TIME - 1;
}

static int digits(const char *text, int count) {
  int value = 0;
  for (int i = 0; i < count; i++) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = 10 * value + text[i] - '0';
  }

  return value;
}

/* timegm accepts the 31st of April as the 1st of May; a time that changes so is not one. */
static bool is_real(struct tm utc, int64_t *seconds) {
  struct tm asked = utc;
  *seconds = (int64_t)timegm(&utc);
  return asked.tm_mday == utc.tm_mday && asked.tm_mon == utc.tm_mon &&
         asked.tm_hour == utc.tm_hour && asked.tm_min == utc.tm_min && asked.tm_sec == utc.tm_sec;
}

static bool is_day(int year, int month, int day) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12) return false;
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

bool sigv4_time_check(sigv4_text text) {
  if (text.size != SIGV4_TIME - 1 || text.at[8] != 'T' || text.at[15] != 'Z') return false;
  int year = digits(text.at, 4), month = digits(text.at + 4, 2), day = digits(text.at + 6, 2);
  unsigned hour = (unsigned)digits(text.at + 9, 2), minute = (unsigned)digits(text.at + 11, 2),
           second = (unsigned)digits(text.at + 13, 2); /* -1 becomes a very large one */
  return year >= 0 && is_day(year, month, day) && hour < 24 && minute < 60 && second < 60;
}

/* The place of a three-letter name in a list of them, or -1. */
static int name_index(const char *names, const char *name) {
  for (int i = 0; names[3 * i]; i++)
    if (memcmp(names + 3 * i, name, 3) == 0) return i;
  return -1;
}

/* Reads an HTTP date ("Sun, 22 Nov 2026 03:04:05 GMT"); false for anything else. */
static bool read_http_date(sigv4_text text, int64_t *seconds) {
  static const char form[] = "---, -- --- ---- --:--:-- GMT";
  if (text.size != sizeof form - 1) return false;
  for (size_t i = 0; i < text.size; i++)
    if (form[i] != '-' && form[i] != text.at[i]) return false;
  struct tm utc = {.tm_mday = digits(text.at + 5, 2),
                   .tm_mon = name_index(months, text.at + 8),
                   .tm_year = digits(text.at + 12, 4) - 1900,
                   .tm_hour = digits(text.at + 17, 2),
                   .tm_min = digits(text.at + 20, 2),
                   .tm_sec = digits(text.at + 23, 2)};
  return name_index(weekdays, text.at) >= 0 && utc.tm_mon >= 0 && utc.tm_mday > 0 &&
         utc.tm_year >= 70 && utc.tm_hour >= 0 && utc.tm_min >= 0 && utc.tm_sec >= 0 &&
         is_real(utc, seconds);
}

static bool may_be_skew(sigv4_text code) {
  static const char *const codes[] = {
      "RequestTimeTooSkewed",      "RequestExpired",        "RequestInTheFuture",
      "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
      "AccessDeniedException",
  };
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (sigv4_text_is(code, codes[i])) return true;
  return false;
}

bool sigv4_time_skew(sigv4_text code, sigv4_text date, double sent, double received, double in_use,
                     int64_t *offset) {
  const double tolerated = 240, too_long = 900; /* seconds */
  int64_t service_time;
  if (!may_be_skew(code) || received - sent > too_long || !read_http_date(date, &service_time))
    return false;
  double found = floor((double)service_time - received + 0.5);
  if (!(fabs(found) < 1e12) || fabs(found - in_use) < tolerated) return false;
  *offset = (int64_t)found;
  return true;
}
