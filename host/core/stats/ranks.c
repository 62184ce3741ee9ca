/* See ranks.h. */
#include "core/stats/ranks.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/special.h"

static int compare_doubles(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* Sorted lists: how many differences list1 − list0 are at most d. */
static double count_differences(const double *list1, size_t count1, const double *list0,
                                size_t count0, double d) {
  double found = 0;
  size_t first = 0; /* the first of list 0 from which on the difference is small enough */
  for (size_t i = 0; i < count1; i++) {
    while (first < count0 && list1[i] - list0[first] > d) first++;
    found += (double)(count0 - first);
  }

  return found;
}

/* Doubles in their order as integers, and back. */
static int64_t ordinal(double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits < 0 ? INT64_MIN - bits : bits;
}

static double of_ordinal(int64_t number) {
  int64_t bits = number < 0 ? INT64_MIN - number : number;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The k-th smallest difference (k from 1): the smallest double that at least k differences reach.
 * It needs no list of all differences. */
static double kth_difference(const double *list1, size_t count1, const double *list0, size_t count0,
                             double k) {
  int64_t low = ordinal(list1[0] - list0[count0 - 1]), high = ordinal(list1[count1 - 1] - list0[0]);
  while (low < high) {
    int64_t middle = (low & high) + ((low ^ high) >> 1);
    if (count_differences(list1, count1, list0, count0, of_ordinal(middle)) >= k)
      high = middle;
    else
      low = middle + 1;
  }

  return of_ordinal(low) + 0.0; /* never −0 */
}

/* Σ t³ − t over the groups of equal values of both sorted lists together. */
static double tie_sum(const double *list1, size_t count1, const double *list0, size_t count0) {
  double result = 0;
  for (size_t i = 0, k = 0; i < count1 || k < count0;) {
    double value = k == count0 || (i < count1 && list1[i] < list0[k]) ? list1[i] : list0[k];
    double size = 0;
    for (; i < count1 && list1[i] == value; i++) size++;
    for (; k < count0 && list0[k] == value; k++) size++;
    result += size * size * size - size;
  }

  return result;
}

static double count_greater(const double *list1, size_t count1, const double *list0,
                            size_t count0) {
  double u = 0;
  size_t below = 0, at_most = 0;
  for (size_t i = 0; i < count1; i++) {
    while (below < count0 && list0[below] < list1[i]) below++;
    while (at_most < count0 && list0[at_most] <= list1[i]) at_most++;
    u += ((double)below + (double)at_most) / 2;
  }

  return u;
}

stats_rank_result stats_rank_test(double *list1, size_t count1, double *list0, size_t count0,
                                  double confidence) {
  qsort(list1, count1, sizeof *list1, compare_doubles);
  qsort(list0, count0, sizeof *list0, compare_doubles);
  double pairs = (double)count1 * (double)count0, all = (double)(count1 + count0);
  double ties = tie_sum(list1, count1, list0, count0);
  double spread = all > 1 ? sqrt(fmax(0, pairs / 12 * (all + 1 - ties / (all * (all - 1))))) : 0;

  stats_rank_result result = {.u = count_greater(list1, count1, list0, count0)};
  double off = fabs(result.u - pairs / 2);
  result.p = spread > 0 ? 2 * stats_normal_tail(off / spread) : 1;
  result.p_corrected = spread > 0 ? fmin(1, 2 * stats_normal_tail(fmax(0, off - 0.5) / spread)) : 1;

  double middle = floor((pairs + 1) / 2);
  double lower = kth_difference(list1, count1, list0, count0, middle);
  double upper = kth_difference(list1, count1, list0, count0, pairs + 1 - middle);
  result.shift = lower / 2 + upper / 2;

  double z = -stats_normal_quantile((1 - confidence) / 2);
  double cut = fmax(1, floor(pairs / 2 - z * spread));
  result.range.low = kth_difference(list1, count1, list0, count0, cut);
  result.range.high = kth_difference(list1, count1, list0, count0, pairs + 1 - cut);

  return result;
}

stats_rank_pair stats_order_ranks(double n, double q, double confidence, double *coverage) {
  double alpha = (1 - confidence) / 2;
  stats_rank_pair ranks = {0, 0};

  /* The largest low with P(X ≤ low − 1) ≤ alpha. */
  double from = 0, to = n;
  while (from < to) {
    double middle = floor((from + to + 1) / 2);
    if (stats_binomial_cdf(middle - 1, n, q) <= alpha)
      from = middle;
    else
      to = middle - 1;
  }

  ranks.low = from;

  /* The smallest high with P(X ≥ high) ≤ alpha; n + 1 is none. */
  from = 1;
  to = n + 1;
  while (from < to) {
    double middle = floor((from + to) / 2);
    if (1 - stats_binomial_cdf(middle - 1, n, q) <= alpha)
      to = middle;
    else
      from = middle + 1;
  }

  ranks.high = from > n ? 0 : from;

  double above = ranks.high > 0 ? stats_binomial_cdf(ranks.high - 1, n, q) : 1;
  *coverage = above - (ranks.low > 0 ? stats_binomial_cdf(ranks.low - 1, n, q) : 0);
  return ranks;
}
