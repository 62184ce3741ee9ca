/* Proportions x/n: intervals, differences, splits of traffic. Counts may be effective, that is not
 * whole. Group 1 is the challenger, group 0 the champion.
 * Sources: Wilson 1927; Newcombe 1998 (method 10); Lindon and Malek, arXiv 2011.03567 (split).
 * Memory: none. */
#ifndef WEIR_CORE_STATS_PROPORTIONS_H
#define WEIR_CORE_STATS_PROPORTIONS_H

#include <stddef.h>

/* Both ends of an interval. */
typedef struct {
  double low, high;
} stats_interval;

/* Wilson's score interval of x/n, for 0 ≤ x ≤ n and n > 0; confidence such as 0.95. */
stats_interval stats_wilson(double x, double n, double confidence);

/* Newcombe's interval of x1/n1 − x0/n0, made of two Wilson intervals. */
stats_interval stats_newcombe(double x1, double n1, double x0, double n0, double confidence);

/* The pooled z of x1/n1 against x0/n0, 0 where neither group varies; the two-sided p goes to *p. */
double stats_proportions(double x1, double n1, double x0, double n0, double *p);

/* The p of a chi-square test that counts fall as shares say (shares sum to 1); 1 for a single group
 * or no counts at all; 0 when a group of share 0 has counts. */
double stats_split_chi_square(const double *counts, const double *shares, size_t groups);

/* ln B of the counts of one regime of weights against the intended shares: Dirichlet-multinomial
 * with concentration k against the multinomial. Logs of regimes add up; p = min(1, exp(−ln B)) at
 * every look is valid at all looks together. Infinite when a group of share 0 has counts. */
double stats_split_log_bayes(const double *counts, const double *shares, size_t groups, double k);

/* Holm's adjusted p-values of the p-values, in their order. */
void stats_holm(const double *p, double *adjusted, size_t count);

#endif
