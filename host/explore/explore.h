/* What no recording contains: facts are generated for one kind of a policy set, guided by the code
 * that they reach, and those are kept with which the policy fails, or with which two versions of it
 * decide differently.
 *
 * Work is cut into rounds, and a round into streams, each with random numbers of its own. All
 * streams of a round begin with the same facts, and what they found is put together in their order:
 * so a seed gives the same whatever the number of threads.
 *
 * Memory: results own their lists; release with explore_results_free. The files and seeds of the
 * options must outlive them. */
#ifndef WEIR_EXPLORE_EXPLORE_H
#define WEIR_EXPLORE_EXPLORE_H

#include "core/policy_files/policy_files.h"
#include "policy/sandbox.h"
#include "policy/trace.h"

typedef struct {
  const policy_files *files; /* NULL: there is no such set */
  policy_limits limits;
  const char *overrides; /* JSON object, or NULL */
  size_t overrides_size;
} explore_set;

/* Facts, and recorded parameters or an empty text, to begin with. Borrowed. */
typedef struct {
  const char *facts, *params;
  size_t facts_size, params_size;
} explore_seed;

typedef struct {
  explore_set set, old; /* with an old one, their differences are looked for */
  const char *kind;
  size_t kind_size;
  const explore_seed *seeds;
  size_t seed_count;
  uint64_t seed;
  uint64_t tries; /* facts to generate */
  size_t jobs;
  void (*on_progress)(void *context, uint64_t done, uint64_t total); /* or NULL */
  void *context;
} explore_options;

/* What one set makes of facts. */
typedef struct {
  policy_outcome outcome;
  char *action; /* NULL unless decided */
  char *text;   /* JSON text of because; the message of a failure */
  char *file;   /* where the decision was made, "" when that is not known */
  int line;
} explore_verdict;

/* One way to fail, or to differ, with the smallest facts for it. */
typedef struct {
  char *key; /* what ways are told apart by */
  explore_verdict now, old;
  char *facts, *params; /* JSON objects */
  uint64_t count;       /* how many of the facts tried */
} explore_finding;

/* What changing one parameter changed, of the decisions tried. */
typedef struct {
  char *name;
  uint64_t tried, decisions, reasons; /* reasons: only the text of because */
} explore_parameter;

typedef struct {
  explore_finding *findings; /* in the order of their keys */
  size_t finding_count;
  explore_parameter *parameters; /* empty when differences are looked for */
  size_t parameter_count;
  uint64_t tried, refused, failed, differing, kept; /* kept: facts that reached something new */
  uint64_t shrinking;                               /* decisions made to find the smallest facts */
  const policy_code *code;
  uint64_t *counts; /* as policy_trace_counts */
  void *owner;      /* of the code */
} explore_results;

typedef enum { EXPLORE_DONE, EXPLORE_OUT_OF_MEMORY, EXPLORE_UNKNOWN_KIND } explore_outcome;

explore_outcome explore(const explore_options *options, explore_results *results);
void explore_results_free(explore_results *results);

#endif
