/* The evidence of one trial: the windows of a challenger and its champion, one after the other,
 * folded into running sums that can be looked at after every window.
 *
 * A window whose shares or numbers of instances differ from those of the window before begins a
 * regime. Windows that begin less than warm_up seconds into a regime are left out, for both
 * variants. Sums are kept over the whole trial, and afresh since the last change. The split of
 * requests is checked regime by regime (Lindon and Malek), and its p is the least of all looks.
 *
 * Requests are those sent, errors among them; latencies are those of successes. Times are epoch
 * seconds. Memory: owned; release with stats_trial_free. */
#ifndef WEIR_CORE_STATS_TRIAL_H
#define WEIR_CORE_STATS_TRIAL_H

#include <stdbool.h>

#include "core/stats/blocks.h"
#include "core/stats/error_interval.h"
#include "core/stats/sketch.h"
#include "core/stats/windows.h"
#include "core/text/text_buffer.h"

typedef struct {
  double share;     /* intended, of all traffic */
  double instances; /* 0 where it is not known */
  double requests, errors;
  const stats_sketch *latencies; /* NULL where none are known */
} stats_trial_arm;

typedef struct {
  double from, to;
  stats_trial_arm challenger, champion;
} stats_trial_window;

/* Sums over several windows. zero is standardised: each champion's window is scaled to as many
 * successes as the challenger had. */
typedef struct {
  stats_windows errors, successes; /* successes without errors: only their effective count */
  stats_sketch one, zero;
} stats_trial_sums;

typedef struct {
  double alpha;         /* of every interval: 0.05 */
  double clock;         /* of every interval: 10 */
  double warm_up;       /* seconds */
  double split_alpha;   /* below this p the split counts as broken: 0.001 */
  double concentration; /* of the check of the split: 10,000 */
  bool quick;           /* intervals in a fraction of the time, for simulation */
} stats_trial_settings;

extern const stats_trial_settings stats_trial_settings_default;

typedef struct {
  stats_trial_settings settings;
  double started, changed, last; /* first from, last change, last to; NaN before the first window */
  double share1, share0, instances1, instances0; /* of the regime */
  double sent1, sent0;                           /* requests of the regime */
  double log_bayes;                              /* of the regimes before */
  double split_p, broken_since;                  /* least p; NaN while the split is fine */
  double all_sent, all_expected; /* the challenger's requests, and what its shares ask for */
  stats_trial_sums whole, step;
  stats_blocks blocks; /* how the latencies wander */
} stats_trial;

stats_trial stats_trial_new(stats_trial_settings settings, double accuracy);
void stats_trial_free(stats_trial *self);

/* Puts the trial back to before its first window; memory is kept. */
void stats_trial_clear(stats_trial *self);

typedef enum {
  STATS_TRIAL_COUNTED,
  STATS_TRIAL_WARMING,  /* left out: too soon after a change */
  STATS_TRIAL_REPEATED, /* left out: it does not begin after the last one */
  STATS_TRIAL_OUT_OF_MEMORY,
} stats_trial_result;

/* Sketches of the window have the trial's accuracy. */
stats_trial_result stats_trial_add(stats_trial *self, const stats_trial_window *window);

/* The questions behind the intervals, to ask for one end of them. False without counts. */
bool stats_trial_error_counts(const stats_trial *self, const stats_trial_sums *sums,
                              stats_error_counts *counts);
bool stats_trial_ratio_question(const stats_trial *self, const stats_trial_sums *sums, double q,
                                stats_ratio_question *question);

/* An estimate, and the interval around it that holds the truth at all looks. */
typedef struct {
  double estimate, low, high;
} stats_trial_range;

/* The rate of the challenger minus that of the champion. False without counts. */
bool stats_trial_errors(const stats_trial *self, const stats_trial_sums *sums,
                        stats_trial_range *range);

/* The ratio − 1 of the q-quantiles, as wide as the wandering of latencies over the whole trial asks
 * for. False without latencies of both, where these count for less than one, and where only one
 * variant's quantile is above 0. */
bool stats_trial_latency(const stats_trial *self, const stats_trial_sums *sums, double q,
                         stats_trial_range *range);

/* The q-quantile of each variant's latencies over the whole trial, the champion's standardised.
 * False without latencies of both, and where these count for less than one. */
bool stats_trial_quantile(const stats_trial *self, double q, stats_trial_range *challenger,
                          stats_trial_range *champion);

/* By how much the challenger's requests differ from what its shares ask for: −0.05 is five percent
 * too few; 0 without requests. */
double stats_trial_shift(const stats_trial *self);

/* The trial as one line of text, and back, bit for bit; settings are not in it. */
void stats_trial_write(const stats_trial *self, text_buffer *text);

typedef enum {
  STATS_TRIAL_READ,
  STATS_TRIAL_READ_INVALID,
  STATS_TRIAL_READ_OUT_OF_MEMORY,
} stats_trial_read_result;

/* Anything but STATS_TRIAL_READ leaves the trial empty. */
stats_trial_read_result stats_trial_read(stats_trial *self, const char *text, size_t size);

#endif
