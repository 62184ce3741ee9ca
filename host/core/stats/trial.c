/* See trial.h. */
#include "core/stats/trial.h"

#include <math.h>
#include <string.h>

const stats_trial_settings stats_trial_settings_default = {
    .alpha = 0.05,
    .clock = 10,
    .warm_up = 600,
    .split_alpha = 0.001,
    .concentration = 10000,
};

/* ── Sums ── */

static stats_trial_sums sums_new(double accuracy) {
  return (stats_trial_sums){.one = stats_sketch_new(accuracy), .zero = stats_sketch_new(accuracy)};
}

static void sums_clear(stats_trial_sums *self) {
  self->errors = self->successes = (stats_windows){0};
  stats_sketch_clear(&self->one);
  stats_sketch_clear(&self->zero);
}

static void sums_free(stats_trial_sums *self) {
  stats_sketch_free(&self->one);
  stats_sketch_free(&self->zero);
}

static bool has_latencies(const stats_trial_arm *one, const stats_trial_arm *zero) {
  return one->latencies && zero->latencies && one->latencies->total > 0 &&
         zero->latencies->total > 0;
}

/* False when memory is short. */
static bool sums_add(stats_trial_sums *self, const stats_trial_arm *one,
                     const stats_trial_arm *zero) {
  stats_windows_add(&self->errors,
                    (stats_window){one->requests, one->errors, zero->requests, zero->errors});
  if (!has_latencies(one, zero)) return true;

  double n1 = one->latencies->total, n0 = zero->latencies->total;
  stats_windows_add(&self->successes, (stats_window){.n1 = n1, .n0 = n0});
  return stats_sketch_merge_scaled(&self->one, one->latencies, 1) &&
         stats_sketch_merge_scaled(&self->zero, zero->latencies, n1 / n0);
}

/* ── The trial ── */

stats_trial stats_trial_new(stats_trial_settings settings, double accuracy) {
  stats_trial self = {
      .settings = settings,
      .whole = sums_new(accuracy),
      .step = sums_new(accuracy),
      .blocks = stats_blocks_new(accuracy),
  };
  stats_trial_clear(&self);
  return self;
}

void stats_trial_free(stats_trial *self) {
  sums_free(&self->whole);
  sums_free(&self->step);
  stats_blocks_free(&self->blocks);
}

void stats_trial_clear(stats_trial *self) {
  self->started = self->changed = self->last = self->broken_since = NAN;
  self->share1 = self->share0 = self->instances1 = self->instances0 = 0;
  self->sent1 = self->sent0 = self->log_bayes = 0;
  self->all_sent = self->all_expected = 0;
  self->split_p = 1;
  sums_clear(&self->whole);
  sums_clear(&self->step);
  stats_blocks_clear(&self->blocks);
}

/* ln B of the regime going on. */
static double regime_log_bayes(const stats_trial *self) {
  double both = self->share1 + self->share0;
  if (!(both > 0)) return 0;
  double sent[] = {self->sent1, self->sent0};
  double shares[] = {self->share1 / both, self->share0 / both};

  return stats_split_log_bayes(sent, shares, 2, self->settings.concentration);
}

static bool is_change(const stats_trial *self, const stats_trial_window *window) {
  const stats_trial_arm *one = &window->challenger, *zero = &window->champion;
  return isnan(self->last) || one->share != self->share1 || zero->share != self->share0 ||
         one->instances != self->instances1 || zero->instances != self->instances0;
}

static void begin_regime(stats_trial *self, const stats_trial_window *window) {
  self->log_bayes += regime_log_bayes(self);
  self->changed = window->from;
  self->share1 = window->challenger.share;
  self->share0 = window->champion.share;
  self->instances1 = window->challenger.instances;
  self->instances0 = window->champion.instances;
  self->sent1 = self->sent0 = 0;
  sums_clear(&self->step);
  stats_blocks_end(&self->blocks);
}

static void check_split(stats_trial *self, const stats_trial_window *window) {
  double both = self->share1 + self->share0;
  if (!(both > 0)) return;
  double sent = window->challenger.requests + window->champion.requests;
  self->sent1 += window->challenger.requests;
  self->sent0 += window->champion.requests;
  self->all_sent += window->challenger.requests;
  self->all_expected += sent * self->share1 / both;

  self->split_p = fmin(self->split_p, exp(-self->log_bayes - regime_log_bayes(self)));
  if (isnan(self->broken_since) && self->split_p < self->settings.split_alpha)
    self->broken_since = window->to;
}

stats_trial_result stats_trial_add(stats_trial *self, const stats_trial_window *window) {
  if (window->from < self->last) return STATS_TRIAL_REPEATED;
  if (is_change(self, window)) begin_regime(self, window);
  if (isnan(self->started)) self->started = window->from;
  self->last = window->to;
  if (window->from - self->changed < self->settings.warm_up) return STATS_TRIAL_WARMING;

  check_split(self, window);
  const stats_trial_arm *one = &window->challenger, *zero = &window->champion;
  bool enough = sums_add(&self->whole, one, zero) && sums_add(&self->step, one, zero);
  if (enough && has_latencies(one, zero))
    enough =
        stats_blocks_add(&self->blocks, window->from, window->to, one->latencies, zero->latencies);
  return enough ? STATS_TRIAL_COUNTED : STATS_TRIAL_OUT_OF_MEMORY;
}

/* ── What can be told ── */

bool stats_trial_error_counts(const stats_trial *self, const stats_trial_sums *sums,
                              stats_error_counts *counts) {
  stats_window all = stats_windows_counts(&sums->errors);
  *counts = (stats_error_counts){
      .x1 = all.x1,
      .n1 = all.n1,
      .x0 = fmin(all.x0, all.n0),
      .n0 = all.n0,
      .alpha = self->settings.alpha,
      .clock = self->settings.clock,
      .dispersion = stats_windows_dispersion(&sums->errors),
      .quick = self->settings.quick,
  };
  return all.n1 > 0;
}

bool stats_trial_errors(const stats_trial *self, const stats_trial_sums *sums,
                        stats_trial_range *range) {
  stats_error_counts counts;
  if (!stats_trial_error_counts(self, sums, &counts)) return false;
  *range = (stats_trial_range){
      .estimate = counts.x1 / counts.n1 - counts.x0 / counts.n0,
      .low = stats_error_low(&counts),
      .high = stats_error_high(&counts),
  };

  return true;
}

/* A single latency, standardised, may count for less than one: that is not a value yet. */
static bool has_a_value(const stats_trial_sums *sums) {
  return sums->one.total >= 1 && sums->zero.total >= 1;
}

/* The position of the q-quantile: in the middle of its value's place. */
static double middle_position(const stats_sketch *sketch, double q) {
  double rank = fmin(sketch->total, fmax(1, ceil(q * sketch->total)));
  double lower = stats_sketch_position(sketch, rank, false);
  return (lower + stats_sketch_position(sketch, rank, true)) / 2;
}

bool stats_trial_ratio_question(const stats_trial *self, const stats_trial_sums *sums, double q,
                                stats_ratio_question *question) {
  stats_window counts = stats_windows_counts(&sums->successes);
  *question = (stats_ratio_question){
      .sketch1 = &sums->one,
      .sketch0 = &sums->zero,
      .q = q,
      .n0 = counts.n0,
      .alpha = self->settings.alpha,
      .clock = self->settings.clock,
      .dispersion = stats_blocks_dispersion(&self->blocks, q),
      .quick = self->settings.quick,
  };
  return counts.n1 > 0;
}

bool stats_trial_latency(const stats_trial *self, const stats_trial_sums *sums, double q,
                         stats_trial_range *range) {
  stats_ratio_question question;
  if (!stats_trial_ratio_question(self, sums, q, &question)) return false;
  double apart = middle_position(&sums->one, q) - middle_position(&sums->zero, q);
  if (!has_a_value(sums) || !isfinite(apart)) return false;

  *range = (stats_trial_range){
      .estimate = expm1(apart * sums->one.log_g),
      .low = stats_ratio_low(&question),
      .high = stats_ratio_high(&question),
  };

  return true;
}

static stats_trial_range quantile_of(const stats_trial *self, const stats_sketch *sketch, double n,
                                     double q) {
  stats_quantile_question question = {
      .sketch = sketch,
      .q = q,
      .n = n,
      .alpha = self->settings.alpha,
      .clock = self->settings.clock,
      .dispersion = stats_blocks_dispersion(&self->blocks, q),
  };
  stats_ratio_range ends = stats_quantile_interval(&question);
  double estimate = exp(middle_position(sketch, q) * sketch->log_g);

  return (stats_trial_range){estimate, ends.low, ends.high};
}

bool stats_trial_quantile(const stats_trial *self, double q, stats_trial_range *challenger,
                          stats_trial_range *champion) {
  const stats_trial_sums *whole = &self->whole;
  stats_window counts = stats_windows_counts(&whole->successes);
  if (!(counts.n1 > 0) || !has_a_value(whole)) return false;
  *challenger = quantile_of(self, &whole->one, counts.n1, q);
  *champion = quantile_of(self, &whole->zero, counts.n0, q);

  return true;
}

double stats_trial_shift(const stats_trial *self) {
  return self->all_expected > 0 ? self->all_sent / self->all_expected - 1 : 0;
}
