/* What one decision did: which instructions ran, which way each condition went, and what was
 * compared. A question that has a trace decides as the same question without, and costs as much.
 *
 * Memory: the trace owns its counts and the texts of values; it needs its sandbox. */
#ifndef WEIR_POLICY_TRACE_H
#define WEIR_POLICY_TRACE_H

#include "policy/code.h"

typedef enum {
  TRACED_NIL,
  TRACED_FLAG,
  TRACED_INTEGER,
  TRACED_NUMBER,
  TRACED_TEXT,
  TRACED_OTHER
} traced_type;

typedef struct {
  traced_type type;
  bool flag;
  lua_Integer integer;
  lua_Number number;
  size_t text, size;      /* of a text: where it begins in the trace's texts */
  const char *other_type; /* "table" and the like */
} traced_value;

typedef enum { OUTCOME_FALSE, OUTCOME_TRUE, OUTCOME_NONE } condition_outcome;

/* One condition, as it was evaluated. It has no outcome when evaluating it raised an error. */
typedef struct {
  size_t condition; /* by index in the code */
  traced_value left, right;
  condition_outcome outcome;
} traced_comparison;

enum { TRACE_COMPARISONS_MAX = 10000 }; /* later ones are counted, but not kept */

/* NULL when memory is short. The kind must have a policy. */
policy_trace *policy_trace_new(policy_sandbox *sandbox, const char *kind, size_t kind_size);
void policy_trace_free(policy_trace *self);

const policy_code *policy_trace_code(const policy_trace *self);

/* One for each instruction of all functions (policy_function.before + pc), then one for each
 * condition that did not hold, then one for each that held: how often since the start. */
const uint64_t *policy_trace_counts(const policy_trace *self);
size_t policy_trace_size(const policy_code *code);

static inline size_t policy_trace_place(const policy_code *code, size_t condition,
                                        condition_outcome outcome) {
  return code->size + (outcome == OUTCOME_TRUE ? code->condition_count : 0) + condition;
}

/* Begins again: from these counts, or from zero with NULL, and without keeping comparisons, which
 * takes time. A new trace keeps them. */
void policy_trace_start(policy_trace *self, const uint64_t *counts);

/* Forgets the comparisons. `keep` says whether those to come are kept. */
void policy_trace_keep(policy_trace *self, bool keep);

/* How many counts have become more than 0 since this was last asked, and the first of them. */
size_t policy_trace_take_new(policy_trace *self, size_t *first);

/* In the order in which they were evaluated. `lost`: how many had no room. */
const traced_comparison *policy_trace_comparisons(const policy_trace *self, size_t *count,
                                                  size_t *lost);
const char *policy_trace_texts(const policy_trace *self);

/* True when memory was short: then comparisons are missing. */
bool policy_trace_is_short(const policy_trace *self);

#endif
