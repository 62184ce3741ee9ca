/* Random draws from distributions.
 * Binomial: inversion below n·p = 10, BTRS above (Hörmann 1993). Cells: an alias table (Vose 1991),
 * or one multinomial by conditional binomials where many are drawn at once.
 * Memory: a table is the caller's to free; nothing else allocates. */
#ifndef WEIR_CORE_STATS_DRAWS_H
#define WEIR_CORE_STATS_DRAWS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/stats/random.h"

/* Successes of n trials; n is whole, 0 ≤ p ≤ 1. */
double stats_draw_binomial(stats_random *random, double n, double p);

/* Arrivals of which `mean` are expected. */
double stats_draw_poisson(stats_random *random, double mean);

double stats_draw_normal(stats_random *random);

/* Cells with probabilities that sum to 1. */
typedef struct {
  double *probability, *keep; /* keep: chance that a cell drawn evenly stays itself */
  size_t *other;              /* what it becomes otherwise */
  size_t count;
} stats_cells;

/* False when memory is short. Weights need not sum to 1. */
bool stats_cells_make(stats_cells *self, const double *weights, size_t count);
void stats_cells_free(stats_cells *self);

/* Adds `draws` draws to counts, of which there are as many as cells. */
void stats_cells_draw(const stats_cells *self, stats_random *random, double draws, double *counts);

#endif
