/* One kind of a sandbox as the rest of the program sees it: its actions, the policy that is loaded
 * for it, and that policy's parameters.
 * Memory: the sandbox owns all of it. The parameters in force live until the next decision of the
 * kind, the rest as long as the sandbox. */
#ifndef WEIR_POLICY_KIND_H
#define WEIR_POLICY_KIND_H

#include "policy/sandbox.h"
#include "policy/schema.h"

typedef struct policy_kind policy_kind;

enum { POLICY_KINDS_MAX = 24, POLICY_ACTIONS_MAX = 16 }; /* of a sandbox; of a kind */

/* A sandbox has every kind of weir's and of its set, with a policy or without. */
size_t policy_kind_count(const policy_sandbox *sandbox);
const policy_kind *policy_kind_at(const policy_sandbox *sandbox, size_t index);
size_t policy_kind_index(const policy_sandbox *sandbox, const policy_kind *kind);

/* NULL when there is no such kind. */
const policy_kind *policy_kind_find(const policy_sandbox *sandbox, const char *name, size_t size);

const char *policy_kind_name(const policy_kind *kind);

/* What its facts may be. */
const schema_record *policy_kind_facts(const policy_kind *kind);

/* The actions, in the order of the kind's file. A policy_answer's action is one of these texts. */
size_t policy_kind_action_count(const policy_kind *kind);
const char *policy_kind_action(const policy_kind *kind, size_t index);

typedef struct {
  const policy_file *file;
  char name[64];
  char digest[72]; /* of the file, and of the set's helper files when there are any */
  size_t example_count;
  int64_t worst_instructions; /* over the examples */
  size_t worst_memory;
} policy_summary;

/* NULL while the kind has no policy. */
const policy_summary *policy_kind_policy(const policy_kind *kind);

typedef struct {
  char *doc;              /* NULL without */
  text_buffer by_default; /* JSON, as all values here */
  text_buffer override;   /* of --set or WEIR_PARAMS; size 0 without */
} policy_param;

/* The declared parameters: items[i] of the schema is described by policy_kind_param(kind, i). */
const schema_record *policy_kind_params(const policy_kind *kind);
const policy_param *policy_kind_param(const policy_kind *kind, size_t index);

/* The parameters of the decision made last: a JSON object of all values, and a JSON array of the
 * names whose values are not the defaults. */
const text_buffer *policy_kind_params_json(const policy_kind *kind);
const text_buffer *policy_kind_overridden_json(const policy_kind *kind);

#endif
