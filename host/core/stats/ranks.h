/* Comparisons by rank: the Mann-Whitney test with Hodges and Lehmann's shift, and the ranks that
 * hold a quantile. Differences have the lists' unit, and are exact. Sources: Mann and Whitney 1947,
 * Hodges and Lehmann 1963; order statistics are binomial.
 *   sd² = m·n/12·(N+1 − Σ(t³−t)/(N(N−1)))     N = m + n; t: how many values are equal, by group
 *   p = 2·Q(|U − mn/2|/sd); corrected: |U − mn/2| − ½
 *   range: the C-th difference from below and from above, C = max(1, ⌊mn/2 − z·sd⌋)
 * Memory: the caller's lists, which the test sorts in place. */
#ifndef WEIR_CORE_STATS_RANKS_H
#define WEIR_CORE_STATS_RANKS_H

#include <stddef.h>

#include "core/stats/proportions.h"

typedef struct {
  double u;              /* pairs in which list 1 is greater, ties by half */
  double p, p_corrected; /* two-sided, normal with ties; with a correction for continuity */
  double shift;          /* the median of all differences: list 1 − list 0 */
  stats_interval range;  /* of the shift */
} stats_rank_result;

/* Both lists are finite numbers, at least one each; they are sorted. */
stats_rank_result stats_rank_test(double *list1, size_t count1, double *list0, size_t count0,
                                  double confidence);

/* The ranks (from 1) whose order statistics enclose the q-quantile of n values; 0 where no rank is
 * far enough out. The share of samples in which they do goes to *coverage. */
typedef struct {
  double low, high;
} stats_rank_pair;

stats_rank_pair stats_order_ranks(double n, double q, double confidence, double *coverage);

#endif
