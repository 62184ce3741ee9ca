/* Trials of a challenger, simulated many times: what does a policy do, how long does it take, and
 * what does it cost? The world is drawn from a scenario; the kind, the evidence
 * (core/stats/trial.h) and the policy are those of production.
 *
 * A window is one minute of data; the policy is asked once a look, of look_minutes. Run r of a seed
 * is the same whatever else runs beside it. The logarithm of the C library may differ in its last
 * bit between architectures, and so may a run.
 *
 * Memory: results own their lists; release with simulate_results_free. */
#ifndef WEIR_SIMULATE_SIMULATE_H
#define WEIR_SIMULATE_SIMULATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/policy_files/policy_files.h"
#include "policy/sandbox.h"

/* The fields of a scenario; lua/weir/simulate/scenario.lua says what each means. X(name). */
#define SIMULATE_FIELDS(X)                                                                         \
  X(traffic)                                                                                       \
  X(error_rate)                                                                                    \
  X(p99_ms)                                                                                        \
  X(sigma)                                                                                         \
  X(share)                                                                                         \
  X(days)                                                                                          \
  X(look_minutes)                                                                                  \
  X(warm_up_minutes)                                                                               \
  X(errors_added)                                                                                  \
  X(errors_factor)                                                                                 \
  X(p99_factor)                                                                                    \
  X(from_minutes)                                                                                  \
  X(until_minutes)                                                                                 \
  X(lost)                                                                                          \
  X(level_sd)                                                                                      \
  X(level_memory)                                                                                  \
  X(burst_share)                                                                                   \
  X(burst_factor)                                                                                  \
  X(traffic_factor)                                                                                \
  X(traffic_from)                                                                                  \
  X(daily_peak)                                                                                    \
  X(load_errors)                                                                                   \
  X(cold_minutes)                                                                                  \
  X(cold_error_rate)                                                                               \
  X(cold_p99_factor)                                                                               \
  X(incidents_a_day)                                                                               \
  X(incident_minutes)                                                                              \
  X(incident_error_rate)                                                                           \
  X(incident_p99_factor)

typedef struct {
#define X(name) double name;
  SIMULATE_FIELDS(X)
#undef X
} simulate_scenario;

typedef enum {
  SIMULATE_HOLD,
  SIMULATE_PROMOTE,
  SIMULATE_ROLLBACK,
  SIMULATE_FAILED
} simulate_outcome;

enum { SIMULATE_OUTCOMES = 4 };

/* How one run ended. */
typedef struct {
  simulate_outcome outcome;
  double minutes; /* until then; of a hold, all of them */
  double exposed; /* requests that the challenger got */
  double excess;  /* of them failed beyond what the champion would have failed */
  int line;       /* of the policy, where the last decision was made */
  char file[POLICY_PLACE_BYTES];
  char *because; /* JSON text; of a failure the message */
} simulate_run;

typedef struct {
  const policy_files *files;
  policy_limits limits;
  const char *overrides; /* JSON object of parameters, or NULL */
  size_t overrides_size;
  simulate_scenario scenario;
  uint64_t seed;
  size_t runs, jobs;
  void (*on_progress)(void *context, size_t done, size_t total); /* or NULL */
  void *context;
} simulate_options;

typedef struct {
  simulate_run *runs;
  size_t count;
  uint64_t windows, decisions;
  uint64_t decide_ns; /* of processor time that the decisions took, from a sample of them */
} simulate_results;

/* False when memory is short, or a policy set does not load that loaded before. */
bool simulate(const simulate_options *options, simulate_results *results);
void simulate_results_free(simulate_results *results);

#endif
