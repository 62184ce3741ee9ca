/* What the files of this folder share.
 * Memory: a world and a question are made once for each job, and used for one run after another. */
#ifndef WEIR_SIMULATE_IMPL_H
#define WEIR_SIMULATE_IMPL_H

#include "core/stats/draws.h"
#include "core/stats/trial.h"
#include "simulate/simulate.h"

/* ── The world (world.c): what the variants do in one look ── */

enum { WORLD_FRACTIONS = 8, WORLD_INCIDENTS = 512 };

/* Latencies by bucket, for a level that lies a fraction of a bucket higher. */
typedef struct {
  stats_cells cells[WORLD_FRACTIONS];
  int32_t first; /* the bucket of the first cell at level 1 */
  double
      tail_mass; /* how many of all latencies the cells are; the others lie in one bucket below */
} world_latencies;

typedef struct {
  double sent, errors;
  stats_sketch latencies;
} world_arm;

typedef struct {
  const simulate_scenario *scenario;
  world_latencies latencies;
  stats_random random;
  double level;                      /* ln of the challenger's own level */
  double incidents[WORLD_INCIDENTS]; /* when they begin, ascending */
  size_t incident_count, next_incident;
  double changed;                 /* when the share last changed */
  double excess;                  /* failures beyond the champion's, expected ones */
  world_arm challenger, champion; /* of the look */
} world;

/* whole: the whole distribution of latencies, not only its tail, which p99 needs. False when memory
 * is short. */
bool world_new(world *self, const simulate_scenario *scenario, bool whole);
void world_free(world *self);
void world_start(world *self, uint64_t seed, uint64_t run);

/* Draws the look that begins at `minute`. */
void world_look(world *self, double minute, double share);

/* ── The question (question.c): facts that are put together once, but for their numbers ── */

#define QUESTION_KIND "promotion"

enum { QUESTION_SLOTS = 64, QUESTION_PATH_BYTES = 64 };

typedef struct {
  policy_standing *full, *early; /* with evidence; before there is any */
  bool used[QUESTION_SLOTS];     /* false for a fact that no policy of the set mentions */
  char paths[QUESTION_SLOTS][QUESTION_PATH_BYTES];
  size_t full_places[QUESTION_SLOTS], early_places[QUESTION_SLOTS];
  double values[QUESTION_SLOTS];
} question;

/* False when the facts do not fit the kind, or memory is short. */
bool question_new(question *self, policy_sandbox *sandbox, const policy_files *files);
void question_free(question *self);

/* Whether any file of the set has the name as a word. */
bool question_mentions(const policy_files *files, const char *name);

typedef struct {
  double requests, errors;
} question_counts;

/* What is known beside the evidence and the last look. */
typedef struct {
  double now, look_seconds, share, good_looks;
  bool warming;
  question_counts challenger, champion; /* of the trial, warm-ups left out */
  double seconds;                       /* that these took */
} question_state;

/* Before the first look of a run: what one run leaves must not reach the next. */
void question_start(question *self);

/* The facts of this look, for the next decision. */
policy_standing *question_set(question *self, const stats_trial *trial, const world *seen,
                              const question_state *state);

/* ── One run (run.c) ── */

typedef struct {
  const simulate_options *options;
  policy_sandbox *sandbox;
  policy_answer answer;
  world world;
  stats_trial trial;
  question question;
  uint64_t windows, decisions, decide_ns;
} simulate_job;

bool simulate_job_new(simulate_job *job, const simulate_options *options);
void simulate_job_free(simulate_job *job);

/* False when memory is short. */
bool simulate_job_run(simulate_job *job, uint64_t run, simulate_run *result);

#endif
