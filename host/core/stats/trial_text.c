/* A trial as text, so that it outlives an invocation: "trial/2" and numbers, separated by spaces.
 * Each number has the 17 digits that make it the same double again. "trial/1", which an earlier
 * version wrote, ends before the blocks: they begin with the next window. See trial.h. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/trial.h"

static const char VERSION[] = "trial/2", BEFORE_BLOCKS[] = "trial/1";

#define MEMBER(name) offsetof(stats_trial, name)

static const size_t members[] = {
    MEMBER(started),  MEMBER(changed),      MEMBER(last),       MEMBER(share1),
    MEMBER(share0),   MEMBER(instances1),   MEMBER(instances0), MEMBER(sent1),
    MEMBER(sent0),    MEMBER(log_bayes),    MEMBER(split_p),    MEMBER(broken_since),
    MEMBER(all_sent), MEMBER(all_expected),
};

enum { MEMBERS = sizeof members / sizeof *members };

/* ── Writing ── */

static void write_number(text_buffer *text, double value) {
  text_buffer_format(text, " %.17g", value);
}

static void write_windows(text_buffer *text, const stats_windows *windows) {
  double values[STATS_WINDOWS_SUMS];
  memcpy(values, windows, sizeof values);
  for (int i = 0; i < STATS_WINDOWS_SUMS; i++) write_number(text, values[i]);
}

static void write_sketch(text_buffer *text, const stats_sketch *sketch) {
  size_t used = 0;
  for (size_t i = 0; i < sketch->size; i++) used += sketch->counts[i] != 0;
  write_number(text, sketch->total);
  write_number(text, sketch->not_positive);
  write_number(text, (double)used);
  for (size_t i = 0; i < sketch->size; i++) {
    if (sketch->counts[i] == 0) continue;
    write_number(text, (double)sketch->first + (double)i);
    write_number(text, sketch->counts[i]);
  }
}

static void write_sums(text_buffer *text, const stats_trial_sums *sums) {
  write_windows(text, &sums->errors);
  write_windows(text, &sums->successes);
  write_sketch(text, &sums->one);
  write_sketch(text, &sums->zero);
}

static void write_blocks(text_buffer *text, const stats_blocks *blocks) {
  write_number(text, blocks->ended);
  for (int i = 0; i < STATS_BLOCKS_QUANTILES; i++) write_windows(text, &blocks->exceedances[i]);
  write_number(text, blocks->began);
  write_windows(text, &blocks->values);
  write_sketch(text, &blocks->one);
  write_sketch(text, &blocks->zero);
}

void stats_trial_write(const stats_trial *self, text_buffer *text) {
  text_buffer_text(text, VERSION);
  for (size_t i = 0; i < MEMBERS; i++)
    write_number(text, *(const double *)((const char *)self + members[i]));
  write_sums(text, &self->whole);
  write_sums(text, &self->step);
  write_blocks(text, &self->blocks);
}

/* ── Reading ── */

typedef struct {
  const char *at;
  bool ok;     /* every number so far was one */
  bool enough; /* of memory */
} reader;

/* A number within a range. NaN, which is "none", passes for a range from NaN. */
static double read_number(reader *r, double least, double most) {
  char *end;
  if (!r->ok || *r->at != ' ') {
    r->ok = false;
    return 0;
  }

  double value = strtod(r->at + 1, &end);
  r->ok = end != r->at + 1 && (isnan(least) || (value >= least && value <= most));
  r->at = end;

  return value;
}

static void read_windows(reader *r, stats_windows *windows) {
  double values[STATS_WINDOWS_SUMS];
  for (int i = 0; i < STATS_WINDOWS_SUMS; i++) values[i] = read_number(r, 0, HUGE_VAL);
  memcpy(windows, values, sizeof values);
}

static void read_sketch(reader *r, stats_sketch *sketch) {
  double total = read_number(r, 0, HUGE_VAL); /* the sum depends on the order of the windows */
  sketch->not_positive = read_number(r, 0, HUGE_VAL);
  double used = read_number(r, 0, 2 * STATS_SKETCH_BUCKET_MAX + 1);
  for (double i = 0; r->ok && r->enough && i < used; i++) {
    double bucket = read_number(r, -STATS_SKETCH_BUCKET_MAX, STATS_SKETCH_BUCKET_MAX);
    double count = read_number(r, 0, HUGE_VAL);
    if (r->ok) r->enough = stats_sketch_add_bucket(sketch, (int32_t)bucket, count);
  }

  sketch->total = total;
}

static void read_sums(reader *r, stats_trial_sums *sums) {
  read_windows(r, &sums->errors);
  read_windows(r, &sums->successes);
  read_sketch(r, &sums->one);
  read_sketch(r, &sums->zero);
}

static void read_blocks(reader *r, stats_blocks *blocks) {
  blocks->ended = read_number(r, 0, HUGE_VAL);
  for (int i = 0; i < STATS_BLOCKS_QUANTILES; i++) read_windows(r, &blocks->exceedances[i]);
  blocks->began = read_number(r, NAN, NAN);
  read_windows(r, &blocks->values);
  read_sketch(r, &blocks->one);
  read_sketch(r, &blocks->zero);
}

stats_trial_read_result stats_trial_read(stats_trial *self, const char *text, size_t size) {
  size_t prefix = strlen(VERSION);
  stats_trial_clear(self);
  bool has_blocks = size >= prefix && memcmp(text, VERSION, prefix) == 0;
  bool is_known = has_blocks || (size >= prefix && memcmp(text, BEFORE_BLOCKS, prefix) == 0);
  if (!is_known) return STATS_TRIAL_READ_INVALID;
  char *copy = strndup(text, size); /* ends in NUL for strtod */
  if (!copy) return STATS_TRIAL_READ_OUT_OF_MEMORY;

  reader r = {.at = copy + prefix, .ok = true, .enough = true};
  for (size_t i = 0; i < MEMBERS; i++)
    *(double *)((char *)self + members[i]) = read_number(&r, NAN, NAN);
  read_sums(&r, &self->whole);
  read_sums(&r, &self->step);
  if (has_blocks) read_blocks(&r, &self->blocks);
  bool whole = r.ok && r.at == copy + size;
  free(copy);
  if (r.enough && whole) return STATS_TRIAL_READ;
  stats_trial_clear(self);

  return r.enough ? STATS_TRIAL_READ_INVALID : STATS_TRIAL_READ_OUT_OF_MEMORY;
}
