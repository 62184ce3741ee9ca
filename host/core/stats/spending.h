/* Bounds of group-sequential tests by alpha spending (Lan and DeMets): at look k of a test whose
 * horizon is known, |z| beyond the k-th bound ends it. Numerical integration on 401 points by
 * Simpson's rule, right to about 8 digits. Memory: freed before it returns. */
#ifndef WEIR_CORE_STATS_SPENDING_H
#define WEIR_CORE_STATS_SPENDING_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
  STATS_SPENDING_OBRIEN_FLEMING, /* 4·Q(z(alpha/4)/√t) */
  STATS_SPENDING_POCOCK,         /* alpha·ln(1 + (e−1)·t) */
  STATS_SPENDING_POWER,          /* alpha·t^rho */
  STATS_SPENDING_HSD,            /* alpha·(1−e^(−gamma·t))/(1−e^(−gamma)) */
} stats_spending_kind;

typedef struct {
  stats_spending_kind kind;
  double alpha;     /* two-sided */
  double parameter; /* rho > 0 or gamma ≠ 0 */
} stats_spending;

/* times: shares of the planned information, ascending, in (0, 1]. False when memory is short. */
bool stats_boundaries(const stats_spending *spending, const double *times, double *bounds,
                      size_t count);

#endif
