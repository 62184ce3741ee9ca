/* What the benchmarks in C share: samples, taken in turn by the caller, printed as one row of JSON
 * a line for run.lua (see contest.lua, which prints the same for the scripts).
 * Memory: nothing is kept; texts hold no quotes and no control characters. */
#ifndef WEIR_BENCH_ROW_H
#define WEIR_BENCH_ROW_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  const char *name, *unit, *equal_work;
  const char *peer, *note;     /* or NULL */
  const double *ours, *theirs; /* `theirs` may be NULL */
  size_t samples;              /* of each side */
  const char *ratio;           /* NULL: ours/theirs */
  const char *target_of;       /* "ours" or "ratio"; NULL: no target */
  double least, most;          /* one of them; the other is 0 */
} bench_row;

static inline bool bench_is_quick(void) {
  const char *quick = getenv("WEIR_BENCH_QUICK");
  return quick && strcmp(quick, "1") == 0;
}

/* The number of samples; at most `most`. */
static inline size_t bench_rounds(size_t most) {
  const char *rounds = getenv("WEIR_BENCH_ROUNDS");
  size_t count = bench_is_quick() ? 2 : rounds ? strtoul(rounds, NULL, 10) : 5;
  return count < 1 ? 1 : count > most ? most : count;
}

/* How often work is repeated in one sample. */
static inline size_t bench_count(size_t full) {
  return bench_is_quick() ? (full + 49) / 50 : full;
}

/* Seconds of this process's processor time. */
static inline double bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline void bench_print_samples(const char *name, const double *samples, size_t count) {
  if (!samples) return;
  printf(",\"%s\":[", name);
  for (size_t i = 0; i < count; i++) printf("%s%.9g", i ? "," : "", samples[i]);
  putchar(']');
}

static inline void bench_print_text(const char *name, const char *text) {
  if (text) printf(",\"%s\":\"%s\"", name, text);
}

static inline void bench_row_print(const bench_row *row) {
  printf("{\"name\":\"%s\"", row->name);
  bench_print_text("unit", row->unit);
  bench_print_text("equal_work", row->equal_work);
  bench_print_text("peer", row->peer);
  bench_print_text("note", row->note);
  bench_print_text("ratio", row->ratio);
  bench_print_samples("ours", row->ours, row->samples);
  bench_print_samples("theirs", row->theirs, row->samples);
  if (row->target_of)
    printf(",\"target\":{\"of\":\"%s\",\"%s\":%g}", row->target_of,
           row->least > 0 ? "least" : "most", row->least > 0 ? row->least : row->most);
  puts("}");
  fflush(stdout);
}

#endif
