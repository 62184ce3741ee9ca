/* The facts of a simulated look: JSON that is put together once, and whose numbers are put in at
 * each look, so that nobody has to read it to know its members. A fact that no file of the policy
 * set mentions is left out, as it cannot change a decision; and what costs to find is then not
 * looked for. See impl.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/json/writer.h"
#include "policy/standing.h"
#include "simulate/impl.h"

/* One number or flag. Those of a variant come twice, the challenger's VARIANT_SLOTS later. */
typedef enum {
  WEIGHT,
  SECONDS,
  REQUESTS,
  ERRORS,
  FROM,
  TO,
  SHARE,
  WARMING,
  RECENT_SECONDS,
  RECENT_REQUESTS,
  RECENT_ERRORS,
  P50,
  P90,
  P99,
  VARIANT_SLOTS,
  NOW = 2 * VARIANT_SLOTS,
  CONFIDENCE,
  TRIAL_REQUESTS,
  TRIAL_ERRORS,
  CHAMPION_REQUESTS,
  CHAMPION_ERRORS,
  DISPERSION,
  SUCCESSES,
  CHAMPION_SUCCESSES,
  ERROR_LOW,
  ERROR_HIGH,
  ERROR_ESTIMATE,
  LATENCY_LOW,
  LATENCY_HIGH,
  LATENCY_ESTIMATE,
  LATENCY_DISPERSION,
  P50_LOW,
  P50_HIGH,
  P50_ESTIMATE,
  P50_DISPERSION,
  STEP_REQUESTS,
  STEP_ERROR_LOW,
  STEP_LATENCY_LOW,
  SPLIT_P,
  SPLIT_SHIFT,
  SPLIT_MINUTES,
  SINCE_START,
  SINCE_CHANGE,
  GOOD_LOOKS,
  SLOTS,
} slot;

_Static_assert((int)SLOTS <= (int)QUESTION_SLOTS, "room for every slot");

/* ── Putting the facts together ── */

static bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool question_mentions(const policy_files *files, const char *name) {
  size_t size = strlen(name);
  for (size_t i = 0; i < files->count; i++) {
    const char *text = files->items[i].text;
    for (const char *at = text; (at = strstr(at, name)); at++)
      if ((at == text || !is_name_byte(at[-1])) && !is_name_byte(at[size])) return true;
  }

  return false;
}

/* The text so far, and where in it we are. */
typedef struct {
  question *self;
  const policy_files *files;
  text_buffer text;
  json_writer writer;             /* of the text */
  char path[QUESTION_PATH_BYTES]; /* of the record that is open, with a dot behind it */
} frame;

static void open_record(frame *f, const char *name) {
  size_t size = strlen(f->path);
  json_writer_object(&f->writer, name);
  snprintf(f->path + size, sizeof f->path - size, "%s.", name);
}

static void close_record(frame *f) {
  json_writer_end(&f->writer);
  f->path[strlen(f->path) - 1] = '\0';
  char *dot = strrchr(f->path, '.');
  *(dot ? dot + 1 : f->path) = '\0';
}

/* What the kind or its rules ask for is there in any case. The 1 makes room for a number. */
static void put_needed(frame *f, slot at, const char *name) {
  if (strcmp(name, "warming") == 0)
    json_writer_boolean(&f->writer, name, true);
  else
    json_writer_integer(&f->writer, name, 1);
  int size = snprintf(f->self->paths[at], QUESTION_PATH_BYTES, "%s%s", f->path, name);
  if (size >= QUESTION_PATH_BYTES) f->text.failed = true;
  f->self->used[at] = true;
}

static void put(frame *f, slot at, const char *name) {
  if (question_mentions(f->files, name)) put_needed(f, at, name);
}

static void put_variant(frame *f, slot first, const char *name) {
  snprintf(f->path, sizeof f->path, "variants.%d.", first == 0 ? 1 : 2);
  json_writer_object(&f->writer, NULL);
  json_writer_text(&f->writer, "name", name);
  json_writer_text(&f->writer, "stage", name);
  put_needed(f, first + WEIGHT, "weight");
  json_writer_text(&f->writer, "approval", "Approved");

  open_record(f, "window");
  put(f, first + SECONDS, "seconds");
  put_needed(f, first + REQUESTS, "requests");
  put_needed(f, first + ERRORS, "errors");
  close_record(f);

  open_record(f, "recent");
  put(f, first + FROM, "from");
  put(f, first + TO, "to");
  put(f, first + RECENT_SECONDS, "seconds");
  put(f, first + SHARE, "share");
  put(f, first + WARMING, "warming");
  put(f, first + RECENT_REQUESTS, "requests");
  put(f, first + RECENT_ERRORS, "errors");
  open_record(f, "latency_ms");
  put(f, first + P50, "p50");
  put(f, first + P90, "p90");
  put(f, first + P99, "p99");
  close_record(f);
  close_record(f);

  json_writer_end(&f->writer);
  f->path[0] = '\0';
}

static void put_range(frame *f, slot first, const char *name) {
  if (!question_mentions(f->files, name)) return;
  open_record(f, name);
  put_needed(f, first, "low");
  put_needed(f, first + 1, "high");
  put(f, first + 2, "estimate");
  if (first != ERROR_LOW) put(f, first + 3, "dispersion");
  close_record(f);
}

static void put_evidence(frame *f) {
  open_record(f, "evidence");
  json_writer_text(&f->writer, "method", "always_valid");
  put(f, CONFIDENCE, "confidence");
  put_range(f, ERROR_LOW, "error_rate");
  put_range(f, LATENCY_LOW, "latency");
  put_range(f, P50_LOW, "latency_p50");
  put(f, TRIAL_REQUESTS, "requests");
  put(f, TRIAL_ERRORS, "errors");
  put(f, CHAMPION_REQUESTS, "champion_requests");
  put(f, CHAMPION_ERRORS, "champion_errors");
  put(f, SUCCESSES, "successes");
  put(f, CHAMPION_SUCCESSES, "champion_successes");
  put(f, DISPERSION, "dispersion");
  open_record(f, "step");
  put(f, STEP_REQUESTS, "requests");
  put(f, STEP_ERROR_LOW, "error_rate_low");
  put(f, STEP_LATENCY_LOW, "latency_low");
  close_record(f);
  put(f, SPLIT_P, "sample_ratio_p");
  put(f, SPLIT_SHIFT, "sample_ratio_shift");
  put(f, SPLIT_MINUTES, "sample_ratio_minutes");
  close_record(f);
}

static void put_facts(frame *f, bool with_evidence) {
  json_writer_object(&f->writer, NULL);
  put_needed(f, NOW, "now");
  json_writer_text(&f->writer, "champion", "champion");
  json_writer_text(&f->writer, "challenger", "challenger");
  json_writer_array(&f->writer, "variants");
  put_variant(f, 0, "champion");
  put_variant(f, VARIANT_SLOTS, "challenger");
  json_writer_end(&f->writer);

  put(f, SINCE_START, "minutes_since_start");
  put(f, SINCE_CHANGE, "minutes_since_change");
  put(f, GOOD_LOOKS, "good_looks");
  if (with_evidence) put_evidence(f);
  json_writer_end(&f->writer);
}

/* ── Making one ── */

static policy_standing *stand(question *self, policy_sandbox *sandbox, const policy_files *files,
                              bool with_evidence, size_t places[QUESTION_SLOTS]) {
  frame f = {.self = self, .files = files};
  f.writer = json_writer_to(&f.text);
  text_buffer why = {0};
  put_facts(&f, with_evidence);
  policy_question asked = {
      .kind = QUESTION_KIND,
      .kind_size = strlen(QUESTION_KIND),
      .facts = f.text.data,
      .facts_size = f.text.size,
  };
  policy_standing *made = f.text.failed ? NULL : policy_standing_new(sandbox, &asked, &why);
  for (size_t i = 0; i < SLOTS; i++)
    places[i] = made && self->used[i] ? policy_standing_place(made, self->paths[i])
                                      : POLICY_STANDING_NOWHERE;
  text_buffer_free(&f.text);
  text_buffer_free(&why);

  return made;
}

bool question_new(question *self, policy_sandbox *sandbox, const policy_files *files) {
  *self = (question){0};
  self->full = stand(self, sandbox, files, true, self->full_places);
  self->early = stand(self, sandbox, files, false, self->early_places);
  return self->full && self->early;
}

void question_free(question *self) {
  policy_standing_free(self->full);
  policy_standing_free(self->early);
}

/* ── The numbers of a look ── */

static void set_variant(question *self, slot first, const world_arm *arm, double share,
                        const question_counts *trial, const question_state *state) {
  double *values = self->values + first;
  values[WEIGHT] = values[SHARE] = share;
  values[SECONDS] = fmax(1, state->seconds);
  values[REQUESTS] = trial->requests;
  values[ERRORS] = trial->errors;
  values[FROM] = state->now - state->look_seconds;
  values[TO] = state->now;
  values[WARMING] = state->warming;
  values[RECENT_SECONDS] = state->look_seconds;
  values[RECENT_REQUESTS] = arm->sent;
  values[RECENT_ERRORS] = arm->errors;
  static const double quantiles[] = {0.5, 0.9, 0.99};
  for (int i = 0; i < 3; i++)
    if (self->used[first + P50 + i])
      values[P50 + i] = stats_sketch_quantile(&arm->latencies, quantiles[i]);
}

static void set_range(question *self, slot first, bool known, const stats_trial_range *range) {
  self->values[first] = known ? range->low : -1;
  self->values[first + 1] = known ? range->high : NAN;
  self->values[first + 2] = known ? range->estimate : NAN;
}

/* What varies no more than by chance is absent, as in the facts of a real trial. */
static void set_latency(question *self, slot first, const stats_trial *trial, double q) {
  stats_trial_range range;
  double dispersion = stats_blocks_dispersion(&trial->blocks, q);
  set_range(self, first, stats_trial_latency(trial, &trial->whole, q, &range), &range);
  self->values[first + 3] = dispersion > 1 ? dispersion : NAN;
}

static void set_step(question *self, const stats_trial *trial) {
  stats_error_counts counts;
  stats_ratio_question latencies;
  double *values = self->values;
  bool known = stats_trial_error_counts(trial, &trial->step, &counts);
  values[STEP_REQUESTS] = counts.n1;
  if (self->used[STEP_ERROR_LOW])
    values[STEP_ERROR_LOW] =
        known ? stats_error_end_near(&counts, -1, values[STEP_ERROR_LOW]) : NAN;
  if (!self->used[STEP_LATENCY_LOW]) return;
  known = stats_trial_ratio_question(trial, &trial->step, 0.99, &latencies);
  values[STEP_LATENCY_LOW] = known ? stats_ratio_low(&latencies) : NAN;
}

static void set_evidence(question *self, const stats_trial *trial, double now) {
  stats_trial_range range;
  stats_error_counts counts;
  double *values = self->values;
  const stats_trial_sums *whole = &trial->whole;
  stats_trial_error_counts(trial, whole, &counts);
  values[CONFIDENCE] = 1 - trial->settings.alpha;
  values[TRIAL_REQUESTS] = counts.n1;
  values[TRIAL_ERRORS] = counts.x1;
  values[CHAMPION_REQUESTS] = counts.n0;
  values[CHAMPION_ERRORS] = counts.x0;
  values[DISPERSION] = counts.dispersion;
  if (self->used[ERROR_LOW]) {
    /* Ends move little from look to look. */
    range.estimate = counts.x1 / counts.n1 - counts.x0 / counts.n0;
    range.low = stats_error_end_near(&counts, -1, values[ERROR_LOW]);
    range.high = stats_error_end_near(&counts, 1, values[ERROR_HIGH]);
    set_range(self, ERROR_LOW, true, &range);
  }

  stats_window successes = stats_windows_counts(&whole->successes);
  values[SUCCESSES] = successes.n1;
  values[CHAMPION_SUCCESSES] = successes.n0;
  if (self->used[LATENCY_LOW]) set_latency(self, LATENCY_LOW, trial, 0.99);
  if (self->used[P50_LOW]) set_latency(self, P50_LOW, trial, 0.5);
  set_step(self, trial);
  values[SPLIT_P] = trial->split_p;
  values[SPLIT_SHIFT] = stats_trial_shift(trial);
  values[SPLIT_MINUTES] =
      isnan(trial->broken_since) ? NAN : floor((now - trial->broken_since) / 60);
}

void question_start(question *self) {
  for (size_t i = 0; i < SLOTS; i++) self->values[i] = NAN;
}

policy_standing *question_set(question *self, const stats_trial *trial, const world *seen,
                              const question_state *state) {
  bool has_evidence = trial->whole.errors.requests > 0;
  double *values = self->values;
  values[NOW] = state->now;
  values[SINCE_START] = floor((state->now - trial->started) / 60);
  values[SINCE_CHANGE] = floor((state->now - trial->changed) / 60);
  values[GOOD_LOOKS] = state->good_looks;
  set_variant(self, 0, &seen->champion, 1 - state->share, &state->champion, state);
  set_variant(self, VARIANT_SLOTS, &seen->challenger, state->share, &state->challenger, state);
  if (has_evidence) set_evidence(self, trial, state->now);

  policy_standing *facts = has_evidence ? self->full : self->early;
  const size_t *places = has_evidence ? self->full_places : self->early_places;
  for (size_t i = 0; i < SLOTS; i++) {
    if (places[i] == POLICY_STANDING_NOWHERE) continue;
    policy_standing_set(facts, places[i], isfinite(values[i]) ? values[i] : NAN);
  }

  return facts;
}
