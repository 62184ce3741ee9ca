/* Many runs on all cores. Each job takes the next run that nobody has; a result goes to the place
 * of its run, so that their order does not depend on who was faster. See simulate.h. */
#include "simulate/simulate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "simulate/impl.h"

enum { STACK_BYTES = 2 * 1024 * 1024 };

typedef struct {
  const simulate_options *options;
  simulate_results *results;
  atomic_size_t next;
  atomic_bool failed;
} shared;

typedef struct {
  shared *shared;
  simulate_job job;
  pthread_t thread;
  bool reports; /* the caller's own thread */
} worker;

static void *work(void *argument) {
  worker *self = argument;
  shared *all = self->shared;
  const simulate_options *options = all->options;
  size_t run;
  while (!all->failed && (run = atomic_fetch_add(&all->next, 1)) < options->runs) {
    if (!simulate_job_run(&self->job, run, &all->results->runs[run])) all->failed = true;
    if (self->reports && options->on_progress)
      options->on_progress(options->context, run + 1, options->runs);
  }

  return NULL;
}

/* Starts a thread for each job but the first, which is the caller's; how many there are. */
static size_t start_threads(worker *workers, size_t jobs) {
  pthread_attr_t attributes;
  size_t started = 1;
  if (pthread_attr_init(&attributes) != 0) return started;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  while (started < jobs &&
         pthread_create(&workers[started].thread, &attributes, work, &workers[started]) == 0)
    started++;
  pthread_attr_destroy(&attributes);

  return started;
}

static void run_all(worker *workers, size_t jobs) {
  size_t started = start_threads(workers, jobs);
  workers[0].reports = true;
  work(&workers[0]);
  for (size_t i = 1; i < started; i++) pthread_join(workers[i].thread, NULL);
}

bool simulate(const simulate_options *options, simulate_results *results) {
  size_t jobs = options->jobs < 1 ? 1 : options->jobs;
  if (jobs > options->runs) jobs = options->runs;
  shared all = {.options = options, .results = results};
  *results = (simulate_results){.runs = calloc(options->runs, sizeof *results->runs),
                                .count = options->runs};
  worker *workers = calloc(jobs, sizeof *workers);
  bool ok = results->runs && workers;

  size_t made = 0;
  for (; ok && made < jobs; made++) {
    workers[made].shared = &all;
    ok = simulate_job_new(&workers[made].job, options);
  }

  if (ok) run_all(workers, jobs);
  for (size_t i = 0; i < made; i++) {
    results->windows += workers[i].job.windows;
    results->decisions += workers[i].job.decisions;
    results->decide_ns += workers[i].job.decide_ns;
    simulate_job_free(&workers[i].job);
  }

  free(workers);

  return ok && !all.failed;
}

void simulate_results_free(simulate_results *results) {
  for (size_t i = 0; results->runs && i < results->count; i++) free(results->runs[i].because);
  free(results->runs);
  *results = (simulate_results){0};
}
