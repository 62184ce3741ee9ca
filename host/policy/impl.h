/* One kind inside one sandbox: its schemas, its decision constructors and the policy loaded for
 * it. The inner face of sandbox.h: only policy_*.c include this.
 * Memory: owned by the sandbox; registry references live as long as its state. */
#ifndef WEIR_POLICY_IMPL_H
#define WEIR_POLICY_IMPL_H

#include <lua.h>

#include "policy/facts.h"
#include "policy/sandbox.h"
#include "policy/schema.h"
#include "sandbox/budget.h"

enum { KIND_MAX_DECISIONS = 8, KINDS_MAX = 16, CONSTRUCTED_MAX = 32 };

typedef struct {
  const policy_kind *kind;
  char action[32];
  char json[48]; /* {"action":"…"} */
  size_t json_size;
  schema_record fields;
  int metatable; /* registry reference: tables with it are decisions of this action */
} decision_spec;

struct policy_kind {
  char name[32];
  schema_record facts_schema;
  facts facts;
  decision_spec decisions[KIND_MAX_DECISIONS];
  size_t decision_count;
  int invariants; /* registry reference, LUA_NOREF without */

  /* The policy; file is NULL while none is loaded. */
  const policy_file *file;
  char policy_name[64];
  char digest[72]; /* of the file, and of the set's helper files when there are any */
  int policy;      /* registry reference: what `policy {…}` returned */
  int decide;      /* registry reference */
  schema_record params;
  char **docs;            /* by index in params; NULL without */
  text_buffer *defaults;  /* JSON of each default, by index in params */
  text_buffer *overrides; /* JSON of each --set or WEIR_PARAMS value; size 0 without */
  size_t examples;
  int64_t worst_instructions; /* over the examples */
  size_t worst_memory;

  /* The parameters in force, kept while decisions come with the same recorded ones. */
  int params_table;       /* registry reference */
  text_buffer params_key; /* the recorded JSON they were made from */
  bool params_valid;
  text_buffer params_json; /* effective values, canonical */
  text_buffer overridden;  /* JSON array of the names that are not defaults */
};

/* Where a decision constructor was called. */
typedef struct {
  const void *table;
  int line;
  char file[POLICY_PLACE_BYTES];
} constructed;

struct policy_sandbox {
  lua_State *L;
  sandbox_budget budget;
  policy_limits limits;
  const policy_files *files;
  policy_kind kinds[KINDS_MAX];
  size_t kind_count;
  int environment; /* registry reference: the policies' _ENV */
  int modules;     /* registry reference: path → what require returns, false while loading */
  int chunks;      /* registry reference: path → the compiled file, while the set is loaded */
  int accepted;    /* registry reference: vocabulary.lua's table of accepted policies */
  int format;      /* registry reference: string.format */
  const policy_question *question; /* of the decision going on */
  policy_answer *answer;
  policy_kind *asked;
  text_buffer scratch;  /* for because, and for a message that is being put together */
  text_buffer why;      /* what is wrong with the question or the decision */
  size_t memory_before; /* bytes held when the decision began */
  constructed made[CONSTRUCTED_MAX];
  size_t made_count;
};

static inline policy_sandbox *policy_sandbox_at(lua_State *L) {
  return (policy_sandbox *)((char *)sandbox_budget_of(L) - offsetof(policy_sandbox, budget));
}

/* Loads one file of the set; a policy in it is adopted. Protected: trouble is a finding. */
void policy_load_file(policy_sandbox *sandbox, const policy_file *file, finding_list *findings);

/* The policies' `require`. */
int policy_load_require(lua_State *L);

/* The text of the error value on the top of the stack, without calling its metamethods and
 * without Lua memory; `value` is room for one that is not a text. */
const char *policy_load_error(lua_State *L, char *value, size_t size);

/* The line of the first such word in the file, or 0: Lua keeps no lines for what is in a table, nor
 * for `return policy {…}`, which is a tail call. */
int policy_load_line(const policy_file *file, const char *word, size_t size);

/* Compiles the kind whose table is on the top of the stack (pops it) and adds its constructors to
 * the table of words at index. Raises on a malformed kind. */
void policy_kind_open(lua_State *L, policy_sandbox *sandbox, policy_kind *kind, int words);
void policy_kind_free(policy_kind *kind);

/* Takes over the policy on the top of the stack (pops it). Findings for bad parameters. */
bool policy_kind_adopt(lua_State *L, policy_kind *kind, const policy_file *file,
                       finding_list *findings);

/* The decision_spec of a decision table at index, or NULL. */
const decision_spec *policy_kind_decision_at(lua_State *L, int index);

/* True when the decision table at index has no field but the spec's; else the message is pushed. */
bool policy_kind_check_fields(lua_State *L, const decision_spec *spec, int index);

/* True when params_table and the JSON texts are those of the question already. */
bool policy_params_are_current(const policy_kind *kind, const policy_question *question);

/* Makes params_table and the JSON texts for the question. */
bool policy_params_apply(lua_State *L, policy_kind *kind, const policy_question *question,
                         text_buffer *why);

/* One override for one kind: 1 taken, 0 the kind has no such parameter, -1 it does not fit. */
int policy_params_override(policy_kind *kind, json_span name, json_span value, text_buffer *why);

#endif
