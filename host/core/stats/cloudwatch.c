/* See cloudwatch.h. */
#include "core/stats/cloudwatch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
  TRIMMED_MEAN,
  WINSORIZED_MEAN,
  TRIMMED_COUNT,
  TRIMMED_SUM,
  PERCENTILE_RANK
} range_kind;

/* What a statistic keeps of the sorted values. */
typedef struct {
  bool by_percent;
  bool has_low, has_high;
  double low, high;
} bounds;

static int compare_doubles(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* A plain decimal number: digits, a point, digits. No sign, no exponent. */
static const char *read_number(const char *at, double *number) {
  const char *begin = at;
  double value = 0, scale = 1;
  for (; *at >= '0' && *at <= '9'; at++) value = value * 10 + (*at - '0');
  size_t digits = (size_t)(at - begin);
  if (*at == '.') {
    for (at++; *at >= '0' && *at <= '9'; at++, digits++) {
      value = value * 10 + (*at - '0');
      scale *= 10;
    }
  }

  *number = value / scale;
  return digits > 0 ? at : NULL;
}

/* One end of "(a:b)": a number with or without '%'. NULL when it is neither that nor missing. */
static const char *read_end(const char *at, char stop, bool *has, double *value, bool *percent) {
  if (*at == stop) return at;
  at = read_number(at, value);
  if (!at) return NULL;
  *has = true;
  *percent = *at == '%';
  return at + *percent;
}

static bool read_range(const char *at, bounds *out) {
  bool low_percent = false, high_percent = false;
  *out = (bounds){0};
  if (*at++ != '(') return false;
  at = read_end(at, ':', &out->has_low, &out->low, &low_percent);
  if (!at || *at++ != ':') return false;
  at = read_end(at, ')', &out->has_high, &out->high, &high_percent);
  if (!at || strcmp(at, ")") != 0) return false;
  if (!out->has_low && !out->has_high) return false;
  if (out->has_low && out->has_high && (low_percent != high_percent || out->low > out->high))
    return false;
  out->by_percent = low_percent || high_percent;

  return !out->by_percent ||
         ((!out->has_low || out->low <= 100) && (!out->has_high || out->high <= 100));
}

/* "90" or "99.9": the lowest so many percent. */
static bool read_percent(const char *at, bounds *out) {
  *out = (bounds){.by_percent = true, .has_high = true};
  at = read_number(at, &out->high);
  return at && *at == '\0' && out->high <= 100;
}

/* How many of the sorted values lie at or below a bound. */
static size_t count_at_most(const double *values, size_t count, const bounds *of, double bound) {
  if (of->by_percent) return (size_t)fmin((double)count, ceil(bound / 100 * (double)count - 1e-9));
  size_t found = 0;
  while (found < count && values[found] <= bound) found++;
  return found;
}

static double sum(const double *values, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i++) total += values[i];
  return total;
}

static stats_cloudwatch_status winsorize(const double *values, size_t count, const bounds *of,
                                         size_t first, size_t last, double *result) {
  double low = of->low, high = of->high;
  if (of->by_percent) {
    if (first == last) return STATS_CLOUDWATCH_NO_DATA;
    low = values[first];
    high = values[last - 1];
  }

  *result =
      (sum(values + first, last - first) + low * (double)first + high * (double)(count - last)) /
      (double)count;
  return STATS_CLOUDWATCH_OK;
}

static stats_cloudwatch_status of_range(const double *values, size_t count, range_kind kind,
                                        const bounds *of, double *result) {
  size_t first = of->has_low ? count_at_most(values, count, of, of->low) : 0;
  size_t last = of->has_high ? count_at_most(values, count, of, of->high) : count;
  if (last < first) last = first;
  double kept = (double)(last - first);
  switch (kind) {
  case TRIMMED_COUNT: *result = kept; return STATS_CLOUDWATCH_OK;
  case TRIMMED_SUM: *result = sum(values + first, last - first); return STATS_CLOUDWATCH_OK;
  case PERCENTILE_RANK: *result = 100 * kept / (double)count; return STATS_CLOUDWATCH_OK;
  case WINSORIZED_MEAN: return winsorize(values, count, of, first, last, result);
  default:
    if (kept == 0) return STATS_CLOUDWATCH_NO_DATA;
    *result = sum(values + first, last - first) / kept;
    return STATS_CLOUDWATCH_OK;
  }
}

static bool find_range(const char *statistic, range_kind *kind, bounds *of) {
  static const struct {
    const char *percent, *range;
    range_kind kind;
  } names[] = {{"tm", "TM", TRIMMED_MEAN},
               {"wm", "WM", WINSORIZED_MEAN},
               {"tc", "TC", TRIMMED_COUNT},
               {"ts", "TS", TRIMMED_SUM}};
  if (strcmp(statistic, "IQM") == 0) {
    *kind = TRIMMED_MEAN;
    return read_range("(25%:75%)", of);
  }

  if (strncmp(statistic, "PR", 2) == 0) {
    *kind = PERCENTILE_RANK;
    return read_range(statistic + 2, of) && !of->by_percent;
  }

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    *kind = names[i].kind;
    if (strncmp(statistic, names[i].percent, 2) == 0) return read_percent(statistic + 2, of);
    if (strncmp(statistic, names[i].range, 2) == 0) return read_range(statistic + 2, of);
  }

  return false;
}

/* The statistics without bounds; false for any other. */
static bool plain(const double *values, size_t count, const char *statistic, double *result) {
  if (strcmp(statistic, "SampleCount") == 0)
    *result = (double)count;
  else if (strcmp(statistic, "Sum") == 0)
    *result = sum(values, count);
  else if (strcmp(statistic, "Average") == 0)
    *result = sum(values, count) / (double)count;
  else if (strcmp(statistic, "Minimum") == 0)
    *result = values[0];
  else if (strcmp(statistic, "Maximum") == 0)
    *result = values[count - 1];
  else
    return false;
  return true;
}

stats_cloudwatch_status stats_cloudwatch(double *values, size_t count, const char *statistic,
                                         double *result) {
  static const double nothing[1] = {0};
  range_kind kind = TRIMMED_MEAN;
  bounds of;
  bool is_percentile = statistic[0] == 'p' && read_percent(statistic + 1, &of);
  bool is_range = !is_percentile && find_range(statistic, &kind, &of);
  if (!is_percentile && !is_range && !plain(nothing, 1, statistic, result))
    return STATS_CLOUDWATCH_UNKNOWN;
  if (count == 0) return STATS_CLOUDWATCH_NO_DATA;

  qsort(values, count, sizeof *values, compare_doubles);
  if (is_range) return of_range(values, count, kind, &of, result);
  if (is_percentile) {
    size_t rank = count_at_most(values, count, &of, of.high);
    *result = values[rank > 0 ? rank - 1 : 0];
    return STATS_CLOUDWATCH_OK;
  }

  plain(values, count, statistic, result);

  return STATS_CLOUDWATCH_OK;
}
