/* Windows of requests and errors of two variants, standardised: the champion's errors are weighted
 * by the challenger's requests, window by window, so that a ramp or a busy hour does not pass for a
 * difference.
 *
 *   A = Σ n1   X = Σ x1   Y = Σ n1·x0/n0   Q = Σ n1²/n0
 *   n1 = A   x1 = X   n0 = A²/Q   x0 = n0·Y/A     effective counts, which need not be whole
 *
 * How much the errors of windows vary, φ, needs three more sums: with r the ratio of the rates,
 * Σ (x1 − e·s)²/(s(1−s)) is (Σ x1²·n0/n1)/r − 2·Σ x1·x0 + r·Σ x0²·n1/n0.
 *
 * Windows where one variant has no requests tell nothing and are left out. The order of windows and
 * of merges does not matter, but for rounding. Memory: none; all zeros is empty. */
#ifndef WEIR_CORE_STATS_WINDOWS_H
#define WEIR_CORE_STATS_WINDOWS_H

typedef struct {
  double n1, x1, n0, x0; /* requests and errors: challenger, champion */
} stats_window;

enum { STATS_WINDOWS_SUMS = 8 };

typedef struct {
  double requests, errors, weighted_errors, weights; /* A, X, Y, Q */
  double squares1, products, squares0, all_errors;   /* of φ; the last is Σ x1 + x0 */
} stats_windows;

void stats_windows_add(stats_windows *self, stats_window window);
void stats_windows_merge(stats_windows *self, const stats_windows *other);

/* The effective counts; all 0 without windows. */
stats_window stats_windows_counts(const stats_windows *self);

/* φ, how much more than chance alone the errors of windows vary: 1 when not at all. It is measured
 * around the ratio of the two rates, so that a real difference is not taken for variation. */
double stats_windows_dispersion(const stats_windows *self);

/* The same before it is kept from falling below 1; 0 without errors of both. */
double stats_windows_variation(const stats_windows *self);

#endif
