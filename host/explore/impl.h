/* What the files of this folder share.
 * Memory: each worker owns its sandboxes and buffers; a pool owns its cases. */
#ifndef WEIR_EXPLORE_IMPL_H
#define WEIR_EXPLORE_IMPL_H

#include "explore/draw.h"
#include "explore/explore.h"
#include "policy/kind.h"

/* ── Asking (asker.c): one worker's sandboxes, and one question ── */

typedef struct {
  policy_sandbox *sandbox;
  policy_trace *trace;
  policy_answer answer;
} asked_set;

typedef struct {
  const explore_options *options;
  asked_set now, old; /* old has no sandbox when there is one set only */
  const schema_record *facts_schema, *params_schema;
  value_arena arena; /* of the case that is being made */
  text_buffer facts, params, key;
} asker;

typedef enum {
  ASKED_FINE,    /* decided; with two sets, alike */
  ASKED_REFUSED, /* the kind does not allow the facts or parameters */
  ASKED_FAILED,
  ASKED_DIFFERS,
  ASKED_OUT_OF_MEMORY,
} asked_result;

explore_outcome asker_new(asker *self, const explore_options *options);
void asker_free(asker *self);

/* Asks the facts and parameters in the buffers. The key of a failure or a difference is in
 * self->key. */
asked_result asker_ask(asker *self, bool traced);

/* Makes the finding for what was asked last. False when memory is short. */
bool asker_finding(asker *self, asked_result result, explore_finding *found);
void explore_finding_free(explore_finding *found);

/* Writes the case into the buffers. */
void asker_write(asker *self, value *facts, const value *params);

/* ── Cases that are kept (case_pool.c) ── */

typedef struct {
  value facts, params;
  size_t first_new; /* the first count that it made more than 0 */
} explore_case;

typedef struct {
  value_arena arena;
  explore_case *items;
  size_t count, capacity;
} case_pool;

bool case_pool_add(case_pool *self, const value *facts, const value *params, size_t first_new);
void case_pool_free(case_pool *self);

/* ── Findings (finding_pool.c): at most FINDINGS_MAX, ordered by key ── */

enum { FINDINGS_MAX = 200 };

typedef struct {
  explore_finding *items;
  size_t count;
} finding_pool;

/* Takes the finding over: adds it, or counts it with the one that has its key, and keeps the
 * smaller facts. False when memory is short. */
bool finding_pool_take(finding_pool *self, explore_finding *found);

/* The finding with this key, or NULL. */
explore_finding *finding_pool_find(finding_pool *self, const char *key);
void finding_pool_free(finding_pool *self);

/* ── One stream of a round (stream.c) ── */

enum { EXPLORE_STREAMS = 16 };

typedef struct {
  const explore_options *options;
  const dictionary *words;
  const case_pool *begin;      /* of all streams so far */
  const uint64_t *counts;      /* how often code has run so far */
  const uint64_t *old_counts;  /* the same of the old set, or NULL */
  uint64_t number, first, end; /* of the stream; of the facts that it generates */
} stream_task;

typedef struct {
  case_pool kept;
  finding_pool findings;
  uint64_t *counts, *old_counts; /* afterwards */
  uint64_t tried, refused, failed, differing;
  bool is_short; /* of memory */
} stream_outcome;

void stream_run(asker *a, const stream_task *task, stream_outcome *outcome);

/* ── The smallest facts of a finding (shrink.c) ── */

/* How many decisions that took. */
uint64_t shrink_finding(asker *a, explore_finding *found);

/* ── Parameters that change nothing (parameters.c) ── */

bool parameters_try(asker *a, const dictionary *words, const case_pool *cases, uint64_t seed,
                    explore_results *results);

#endif
