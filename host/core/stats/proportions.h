/* Proportions x/n: intervals, differences, splits of traffic. Counts may be effective, that is not
 * whole. Group 1 is the challenger, group 0 the champion. Rates and shares are fractions, 0…1.
 * Sources: Wilson 1927; Newcombe 1998 (method 10); Holm 1979; Lindon and Malek, arXiv 2011.03567
 * (split). Errors: 1e-12 relative of intervals and p, 1e-9 absolute of ln B up to a million
 * requests. Memory: none. */
#ifndef WEIR_CORE_STATS_PROPORTIONS_H
#define WEIR_CORE_STATS_PROPORTIONS_H

#include <stddef.h>

/* Both ends of an interval. */
typedef struct {
  double low, high;
} stats_interval;

/* Wilson's score interval of p = x/n, for 0 ≤ x ≤ n and n > 0; confidence such as 0.95.
 *   (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) */
stats_interval stats_wilson(double x, double n, double confidence);

/* Newcombe's interval of d = x1/n1 − x0/n0, made of two Wilson intervals (l1, u1) and (l0, u0).
 *   d − √((p1−l1)² + (u0−p0)²) … d + √((u1−p1)² + (p0−l0)²) */
stats_interval stats_newcombe(double x1, double n1, double x0, double n0, double confidence);

/* The pooled z of x1/n1 against x0/n0, 0 where neither group varies; the two-sided p goes to *p.
 *   z = (p1 − p0) / √(p(1−p)(1/n1 + 1/n0)), p = (x1+x0)/(n1+n0) */
double stats_proportions(double x1, double n1, double x0, double n0, double *p);

/* The relative change p1/p0 − 1, its standard error by the delta method, and the two-sided p that
 * there is none. Not a number where x0 is 0.
 *   error = √(p1(1−p1)/n1 + (p1/p0)²·p0(1−p0)/n0) / p0 */
typedef struct {
  double change, error, p;
} stats_relative_result;

stats_relative_result stats_relative(double x1, double n1, double x0, double n0);

/* The p of a chi-square test that counts fall as shares say (shares sum to 1); 1 for a single group
 * or no counts at all; 0 when a group of share 0 has counts.  Σ (x − n·w)²/(n·w) */
double stats_split_chi_square(const double *counts, const double *shares, size_t groups);

/* ln B of the counts of one regime of weights against the intended shares: Dirichlet-multinomial
 * with concentration k against the multinomial. Logs of regimes add up; p = min(1, exp(−ln B)) at
 * every look is valid at all looks together. Infinite when a group of share 0 has counts.
 *   ln B = ln Γ(k) − ln Γ(k+n) + Σ (ln Γ(k·w+x) − ln Γ(k·w) − x·ln w) */
double stats_split_log_bayes(const double *counts, const double *shares, size_t groups, double k);

/* Holm's adjusted p-values of the p-values, in their order: that of rank r from 0 is the greatest
 * (count − s)·p of the ranks s ≤ r, at most 1. */
void stats_holm(const double *p, double *adjusted, size_t count);

#endif
