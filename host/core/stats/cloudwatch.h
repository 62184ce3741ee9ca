/* CloudWatch's statistics of raw values, named as CloudWatch names them:
 *   SampleCount Sum Average Minimum Maximum IQM
 *   p90            the value at rank ceil(0.9·n)
 *   tm90 wm90      mean of the lowest 90 %; mean with the rest replaced by the bound
 *   tc90 ts90      how many values the lowest 90 % are; their sum
 *   TM(a:b) WM(a:b) TC(a:b) TS(a:b) PR(a:b)
 *       a and b are percentages ("10%:90%") or values ("150:1000"); either may be missing. Bounds
 * by value exclude the lower and include the upper one. PR is the percentage of values in range.
 * Source: Amazon CloudWatch, Statistics definitions. Memory: sorts the caller's values in place. */
#ifndef WEIR_CORE_STATS_CLOUDWATCH_H
#define WEIR_CORE_STATS_CLOUDWATCH_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
  STATS_CLOUDWATCH_OK,
  STATS_CLOUDWATCH_NO_DATA, /* no values, or none within the bounds of a mean */
  STATS_CLOUDWATCH_UNKNOWN, /* CloudWatch has no statistic of this name */
} stats_cloudwatch_status;

/* values: finite numbers. */
stats_cloudwatch_status stats_cloudwatch(double *values, size_t count, const char *statistic,
                                         double *result);

#endif
