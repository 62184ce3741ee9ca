/* Distributions: normal, beta, Student's t, chi-square, binomial. Doubles in, doubles out, relative
 * errors of about 1e-12 in the range that tests of requests need.
 * Sources: NIST Digital Library of Mathematical Functions 8.17 (incomplete beta), 8.9 (incomplete
 * gamma), 5.11 (Stirling's series); Acklam's start for the normal quantile, then Halley's step.
 * Memory: none. */
#ifndef WEIR_CORE_STATS_SPECIAL_H
#define WEIR_CORE_STATS_SPECIAL_H

/* P(Z > z) of a standard normal Z, by erfc, so that far tails keep their digits. */
double stats_normal_tail(double z);

/* The z with P(Z ≤ z) = p, for 0 < p < 1; ±infinity at 0 and 1. */
double stats_normal_quantile(double p);

/* I_x(a, b), the regularised incomplete beta function, for a, b > 0 and x clamped to 0…1. */
double stats_beta(double x, double a, double b);

/* P(|T| ≥ |t|) of Student's t with `df` degrees of freedom, which need not be whole. */
double stats_t_two_sided(double t, double df);

/* The t with P(T ≤ t) = p, for 0 < p < 1. */
double stats_t_quantile(double p, double df);

/* P(X ≥ x) of a chi-square with `df` degrees of freedom. */
double stats_chi_square_tail(double x, double df);

/* P(X ≤ k) of a binomial of n trials with success probability p. */
double stats_binomial_cdf(double k, double n, double p);

#endif
