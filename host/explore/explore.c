/* Rounds of streams on all cores. See explore.h. */
#include "explore/explore.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "explore/impl.h"

enum { STACK_BYTES = 2 * 1024 * 1024, STREAM_FACTS = 4096, JOBS_MAX = 64 };

/* What all of a round use. */
typedef struct {
  const explore_options *options;
  dictionary words;
  case_pool begin; /* what streams begin with */
  uint64_t *counts, *old_counts;
  size_t size, old_size; /* of them */
  uint64_t round, done;
  stream_outcome outcomes[EXPLORE_STREAMS];
  atomic_size_t next;
} round_state;

typedef struct {
  round_state *round;
  asker asker;
  pthread_t thread;
} worker;

/* ── One round ── */

static void *work(void *argument) {
  worker *self = argument;
  round_state *r = self->round;
  size_t number;
  while ((number = atomic_fetch_add(&r->next, 1)) < EXPLORE_STREAMS) {
    uint64_t first = r->done + number * STREAM_FACTS, end = first + STREAM_FACTS;
    if (end > r->options->tries) end = r->options->tries;
    if (first >= end) continue;
    stream_task task = {
        .options = r->options,
        .words = &r->words,
        .begin = &r->begin,
        .counts = r->counts,
        .old_counts = r->old_counts,
        .number = r->round * EXPLORE_STREAMS + number + 1,
        .first = first,
        .end = end,
    };
    stream_run(&self->asker, &task, &r->outcomes[number]);
  }

  return NULL;
}

static void run_streams(round_state *r, worker *workers, size_t jobs) {
  pthread_attr_t attributes;
  size_t started = 1;
  r->next = 0;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (started < jobs &&
           pthread_create(&workers[started].thread, &attributes, work, &workers[started]) == 0)
      started++;
    pthread_attr_destroy(&attributes);
  }

  work(&workers[0]);
  for (size_t i = 1; i < started; i++) pthread_join(workers[i].thread, NULL);
}

/* ── Putting a round together, in the order of its streams ── */

/* Whether this count was 0 until now. */
static bool is_new(const round_state *r, size_t at) {
  return at < r->size ? r->counts[at] == 0 : r->old_counts[at - r->size] == 0;
}

static bool merge_cases(round_state *r, const stream_outcome *outcome, explore_results *results) {
  for (size_t i = 0; i < outcome->kept.count; i++) {
    const explore_case *kept = &outcome->kept.items[i];
    if (!is_new(r, kept->first_new)) continue;
    if (!case_pool_add(&r->begin, &kept->facts, &kept->params, kept->first_new)) return false;
    results->kept++;
  }

  return true;
}

/* Adds what the stream added. */
static void merge_counts(uint64_t *into, const uint64_t *from, const uint64_t *base, size_t size) {
  for (size_t i = 0; from && i < size; i++) into[i] += from[i] - base[i];
}

static bool merge_findings(finding_pool *all, finding_pool *some) {
  bool ok = true;
  for (size_t i = 0; i < some->count; i++) ok = finding_pool_take(all, &some->items[i]) && ok;
  return ok;
}

static void free_outcome(stream_outcome *outcome) {
  case_pool_free(&outcome->kept);
  finding_pool_free(&outcome->findings);
  free(outcome->counts);
  free(outcome->old_counts);
  *outcome = (stream_outcome){0};
}

static bool merge(round_state *r, finding_pool *findings, explore_results *results) {
  size_t both = r->size + r->old_size;
  uint64_t *base = malloc((both + 1) * sizeof *base);
  bool ok = base != NULL;
  if (ok) {
    memcpy(base, r->counts, r->size * sizeof *base);
    if (r->old_size) memcpy(base + r->size, r->old_counts, r->old_size * sizeof *base);
  }

  for (size_t i = 0; i < EXPLORE_STREAMS; i++) {
    stream_outcome *outcome = &r->outcomes[i];
    ok = ok && !outcome->is_short && merge_cases(r, outcome, results) &&
         merge_findings(findings, &outcome->findings);
    if (ok) {
      merge_counts(r->counts, outcome->counts, base, r->size);
      if (r->old_size)
        merge_counts(r->old_counts, outcome->old_counts, base + r->size, r->old_size);
      results->tried += outcome->tried;
      results->refused += outcome->refused;
      results->failed += outcome->failed;
      results->differing += outcome->differing;
    }

    free_outcome(outcome);
  }

  free(base);

  return ok;
}

/* ── Beginning and ending ── */

static bool add_seeds(round_state *r, asker *a) {
  for (size_t i = 0; i < r->options->seed_count; i++) {
    const explore_seed *seed = &r->options->seeds[i];
    const char *params = seed->params_size ? seed->params : "{}";
    size_t params_size = seed->params_size ? seed->params_size : 2;
    value facts, given;
    value_arena_clear(&a->arena);
    if (!value_read(&a->arena, a->facts_schema, seed->facts, seed->facts_size, &facts)) continue;
    if (!value_read(&a->arena, a->params_schema, params, params_size, &given))
      given = *value_new_record(&a->arena, a->params_schema);
    if (!case_pool_add(&r->begin, &facts, &given, 0)) return false;
  }

  return !a->arena.failed;
}

static bool begin(round_state *r, asker *a) {
  const policy_code *now = policy_trace_code(a->now.trace);
  const policy_code *old = a->old.trace ? policy_trace_code(a->old.trace) : NULL;
  r->size = policy_trace_size(now);
  r->old_size = old ? policy_trace_size(old) : 0;
  r->counts = calloc(r->size + 1, sizeof *r->counts);
  if (old) r->old_counts = calloc(r->old_size + 1, sizeof *r->old_counts);

  return draw_dictionary_new(&r->words, now, old) && r->counts && (!old || r->old_counts) &&
         add_seeds(r, a);
}

static bool run_rounds(round_state *r, worker *workers, size_t jobs, finding_pool *findings,
                       explore_results *results) {
  const explore_options *options = r->options;
  while (r->done < options->tries) {
    run_streams(r, workers, jobs);
    if (!merge(r, findings, results)) return false;
    r->done += EXPLORE_STREAMS * STREAM_FACTS;
    r->round++;
    if (options->on_progress) options->on_progress(options->context, r->done, options->tries);
  }

  return true;
}

static bool finish(round_state *r, asker *a, finding_pool *findings, explore_results *results) {
  for (size_t i = 0; i < findings->count; i++)
    results->shrinking += shrink_finding(a, &findings->items[i]);
  results->findings = findings->items;
  results->finding_count = findings->count;
  *findings = (finding_pool){0};
  results->counts = r->counts;
  r->counts = NULL;
  results->code = policy_trace_code(a->now.trace);
  bool ok =
      r->options->old.files || parameters_try(a, &r->words, &r->begin, r->options->seed, results);
  results->owner = a->now.trace;
  a->now.trace = NULL;

  return ok;
}

/* Makes the workers; how many there are in *made, also when it ends early. */
static explore_outcome make_workers(round_state *r, worker *workers, size_t jobs, size_t *made) {
  for (*made = 0; *made < jobs; ++*made) {
    workers[*made].round = r;
    explore_outcome outcome = asker_new(&workers[*made].asker, r->options);
    if (outcome == EXPLORE_DONE) continue;
    ++*made;

    return outcome;
  }

  return EXPLORE_DONE;
}

static void free_round(round_state *r) {
  for (size_t i = 0; i < EXPLORE_STREAMS; i++) free_outcome(&r->outcomes[i]);
  draw_dictionary_free(&r->words);
  case_pool_free(&r->begin);
  free(r->counts);
  free(r->old_counts);
}

explore_outcome explore(const explore_options *options, explore_results *results) {
  size_t jobs = options->jobs < 1 ? 1 : options->jobs, made = 0;
  if (jobs > EXPLORE_STREAMS) jobs = EXPLORE_STREAMS;
  round_state *r = calloc(1, sizeof *r);
  worker *workers = calloc(jobs, sizeof *workers);
  finding_pool findings = {0};
  explore_outcome outcome = EXPLORE_OUT_OF_MEMORY;
  *results = (explore_results){0};
  if (r && workers) {
    r->options = options;
    outcome = make_workers(r, workers, jobs, &made);
    bool ok = outcome == EXPLORE_DONE && begin(r, &workers[0].asker) &&
              run_rounds(r, workers, jobs, &findings, results) &&
              finish(r, &workers[0].asker, &findings, results);
    if (outcome == EXPLORE_DONE && !ok) outcome = EXPLORE_OUT_OF_MEMORY;
  }

  for (size_t i = 0; i < made; i++) asker_free(&workers[i].asker);
  finding_pool_free(&findings);
  if (r) free_round(r);
  free(workers);
  free(r);

  return outcome;
}

void explore_results_free(explore_results *results) {
  for (size_t i = 0; i < results->finding_count; i++) explore_finding_free(&results->findings[i]);
  free(results->findings);
  for (size_t i = 0; i < results->parameter_count; i++) free(results->parameters[i].name);
  free(results->parameters);
  free(results->counts);
  policy_trace_free(results->owner);
  *results = (explore_results){0};
}
