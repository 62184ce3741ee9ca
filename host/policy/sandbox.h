/* One sandbox: a Lua state in which a policy set's files are loaded and its policies decide.
 *
 * A sandbox is used by one thread at a time; several sandboxes may share one policy_files. Every
 * entry is protected: whatever a policy does comes back as an answer or a finding.
 *
 * Memory: the sandbox owns its state and everything in it; the policy_files must outlive it.
 * Answers own their texts (policy_answer_free). */
#ifndef WEIR_POLICY_SANDBOX_H
#define WEIR_POLICY_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/json/members.h"
#include "core/policy_files/finding.h"
#include "core/policy_files/policy_files.h"
#include "core/text/text_buffer.h"

typedef struct policy_sandbox policy_sandbox;
typedef struct policy_standing policy_standing; /* standing.h */
typedef struct policy_trace_head policy_trace;  /* trace.h */

typedef struct {
  int64_t instructions;      /* of one decision */
  int64_t load_instructions; /* of loading all files together */
  size_t memory;             /* bytes that one decision may make, garbage included */
  size_t load_memory;        /* bytes that loading all files together may make */
} policy_limits;

extern const policy_limits policy_limits_default;

/* Loads every file. Errors are findings; the sandbox is usable only when there is no error.
 * NULL when memory is short (a finding too). */
policy_sandbox *policy_sandbox_new(const policy_files *files, policy_limits limits,
                                   finding_list *findings);

/* The same for files that are known to verify, and to hold the kinds that they say they hold: loads
 * the policy of that kind and what it requires, or with NULL all. What policies can reach is frozen
 * here too; only what they throw away is not looked for. */
policy_sandbox *policy_sandbox_new_verified(const policy_files *files, policy_limits limits,
                                            const char *kind, finding_list *findings);
void policy_sandbox_free(policy_sandbox *sandbox);

/* Appends what the set declares in its folder kinds/, as a JSON list of {"kind":…,"file":…,
 * "facts":[…]} and, of a whole kind, "doc" and "decisions": specs as docs/kinds.md has them. */
void policy_sandbox_kinds(const policy_sandbox *sandbox, text_buffer *out);

/* The same of files whose policies need not load. False, with findings, when these do not. */
bool policy_sandbox_kinds_of(const policy_files *files, policy_limits limits, text_buffer *out,
                             finding_list *findings);

/* Overrides every parameter of that name, in every policy that has it, for all later decisions.
 * `overrides` is a JSON object; texts are read as the parameter's type ("20" for an integer), and
 * "kind.name" means one kind's only. False, with the reason in `why`, when a name is nowhere or a
 * value does not fit. */
bool policy_sandbox_override(policy_sandbox *sandbox, const char *overrides, size_t size,
                             text_buffer *why);

/* What is known of facts before they are read. */
typedef struct {
  bool made_of_value; /* they are what our encoder made of a value, which holds no name twice and no
                         number beyond a double: neither is looked for again */
  bool compact;       /* as json_is_compact says: all of their bytes count */
} facts_known;

/* What one policy is asked. Parameters come from, in rising order: the policy's defaults, the
 * recorded parameters below, policy_sandbox_override. */
typedef struct {
  const char *kind;
  size_t kind_size;
  const char *facts; /* JSON object */
  size_t facts_size;
  facts_known known;           /* of the facts */
  const json_members *members; /* of facts, when they have been read already; else NULL */
  policy_standing *standing;   /* or NULL: the facts, instead of a text of them */
  json_span params;            /* JSON object of recorded parameters, or size 0 */
  json_span overrides; /* JSON array of the names in params that were overrides then; size 0: all */
  policy_sandbox *recorded_by; /* or NULL: whose defaults tell which of params were overrides */
  policy_sandbox *checked_by;  /* or NULL: it has just decided the same facts, so they fit */
  bool strict;                 /* a name in params that the policy does not have is an error */
  bool place;                  /* note file and line of the constructor that made the decision */
  policy_trace *trace;         /* or NULL: where to note what the decision does (trace.h) */
} policy_question;

enum { POLICY_PLACE_BYTES = 256 };

typedef enum {
  POLICY_DECIDED,
  POLICY_UNKNOWN_KIND,
  POLICY_INVALID_FACTS,
  POLICY_INVALID_PARAMS,
  POLICY_ERROR,            /* the policy raised an error, or returned what is not a decision */
  POLICY_BUDGET_SPENT,     /* it needs more instructions or memory than a decision may use */
  POLICY_INVARIANT_BROKEN, /* its decision is one that the kind never allows */
  POLICY_OUT_OF_MEMORY,    /* the machine has none left: says nothing about the policy */
} policy_outcome;

/* "PolicyError" and the like, as logs and handlers know it; NULL for POLICY_DECIDED. */
const char *policy_outcome_code(policy_outcome outcome);

typedef struct {
  policy_outcome outcome;
  text_buffer error;             /* NUL-terminated message unless decided */
  const char *action;            /* static for the sandbox's life */
  text_buffer decision;          /* canonical JSON: {"action":…} and the decision's fields */
  text_buffer because;           /* canonical JSON text, with its quotes */
  char file[POLICY_PLACE_BYTES]; /* with place: where the decision was made */
  int line;
  int64_t instructions;
  size_t memory; /* bytes made, garbage included */
} policy_answer;

/* Reuses the answer's buffers. True when decided. */
bool policy_sandbox_decide(policy_sandbox *sandbox, const policy_question *question,
                           policy_answer *answer);
void policy_answer_free(policy_answer *answer);

/* Runs every example and checks the answers; findings for what fails. */
void policy_sandbox_verify(policy_sandbox *sandbox, finding_list *findings);

#endif
