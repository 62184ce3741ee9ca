/* How much more than by chance the latencies of two variants vary from hour to hour: a variant on a
 * busy host stays slow for a while, and its requests tell less than as many independent ones.
 *
 * Of each block the values above a quantile are counted, one threshold for both: that of the two
 * together, so that an hour in which both are slow does not count. Of the e = x1 + x0 values above
 * it the challenger is due the share s that its requests and the ratio of all its exceedances give
 * it, and φ compares the squares of what it has beyond that with those of chance, as for error
 * rates (windows.h). Of N values q·N lie below, so chance alone leaves q times as much as of rare
 * errors.
 *
 *   φ = max(1, B/(B−1)·(1 + (Σ (x1 − e·s)²/(s(1−s)) − Σ e)/(1 + Σ e))/q)     of B blocks
 *
 * A block lasts an hour, less where a change of the shares ends it. Fewer than STATS_BLOCKS_LEAST
 * blocks tell nothing yet. Memory: owned; release with stats_blocks_free. */
#ifndef WEIR_CORE_STATS_BLOCKS_H
#define WEIR_CORE_STATS_BLOCKS_H

#include <stdbool.h>

#include "core/stats/sketch.h"
#include "core/stats/windows.h"

/* Exceedances are counted of the median and of p99. */
enum { STATS_BLOCKS_QUANTILES = 2, STATS_BLOCKS_LEAST = 9, STATS_BLOCKS_SECONDS = 3600 };

typedef struct {
  double ended;                                      /* B, blocks that have ended with values */
  stats_windows exceedances[STATS_BLOCKS_QUANTILES]; /* of those */
  double began;                                      /* of the block going on; NaN without one */
  stats_windows values;                              /* of the block going on; no errors in it */
  stats_sketch one, zero;                            /* zero is standardised, as in a trial */
} stats_blocks;

stats_blocks stats_blocks_new(double accuracy);
void stats_blocks_free(stats_blocks *self);

/* Puts it back to before the first block; memory is kept. */
void stats_blocks_clear(stats_blocks *self);

/* A window of both variants' latencies, neither of them empty. False when memory is short. */
bool stats_blocks_add(stats_blocks *self, double from, double to, const stats_sketch *one,
                      const stats_sketch *zero);

/* Ends the block going on. */
void stats_blocks_end(stats_blocks *self);

/* φ of the quantile that is counted and nearest to q; 1 while it is not known. */
double stats_blocks_dispersion(const stats_blocks *self, double q);

#endif
