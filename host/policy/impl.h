/* What the files of this folder share: a kind with its policy, and the sandbox around it.
 * Memory: the sandbox owns all of it; registry references live as long as its Lua state. */
#ifndef WEIR_POLICY_IMPL_H
#define WEIR_POLICY_IMPL_H

#include <lua.h>
#include <string.h>

#include "policy/facts.h"
#include "policy/kind.h"
#include "policy/sandbox.h"
#include "policy/schema.h"
#include "sandbox/budget.h"

enum { CONSTRUCTED_MAX = 32 };
enum { KIND_MAX_ARGUMENTS = 100 }; /* of one because */

/* The place of a table or function among a table's keys follows from its serial number. Those that
 * a file makes while it is loaded begin with the one, those that a decision makes with the other:
 * neither depends on what other files or decisions made. */
enum { POLICY_LOADED_SERIALS = 1 << 20, POLICY_DECISION_SERIALS = 1 << 28 };

/* One action of a kind and the fields of its decisions. */
typedef struct {
  const policy_kind *kind;
  char action[32];
  char json[48]; /* {"action":"…"} */
  size_t json_size;
  schema_record fields;
  const char *names[SCHEMA_MAX_FIELDS]; /* of the fields, as schema_push_names has them */
  int keys;                             /* registry reference: list of them */
  int metatable; /* registry reference: tables with it are decisions of this action */
} decision_spec;

/* What the keys of a decision's table tell. */
typedef struct {
  bool has_because;
  uint64_t given;   /* bit i: field i of the action */
  size_t arguments; /* the place of the last: Lua's own length of a table with holes is one of
                       several numbers */
} decision_shape;

/* What the policy declares, and what the operator set. */
typedef struct {
  schema_record schema;
  policy_param *items; /* by index in the schema */
} params_declared;

/* Kept while decisions come with the same recorded parameters. */
typedef struct {
  bool valid;
  int table;              /* registry reference: what decide is given */
  text_buffer key;        /* the recorded JSON they were made from */
  text_buffer json;       /* all values, canonical */
  text_buffer overridden; /* JSON array of the names that are not defaults */
} params_in_force;

struct policy_kind {
  /* What the kind's Lua file says. */
  char name[32];
  schema_record facts_schema;
  facts facts;
  decision_spec decisions[POLICY_ACTIONS_MAX];
  size_t decision_count;
  int invariants; /* registry reference, LUA_NOREF without */

  /* What the set's own file of that name says, when it has one. */
  const policy_file *declared_in;
  text_buffer declaration; /* JSON, as policy_sandbox_kinds gives it */
  bool is_own;             /* the whole kind is the set's */

  /* The policy that is loaded. */
  policy_summary policy; /* file is NULL while there is none */
  int policy_table;      /* registry reference: what `policy {…}` returned */
  int decide;            /* registry reference */
  params_declared params;
  params_in_force in_force;
};

/* Where a decision constructor was called. */
typedef struct {
  const void *table;
  const policy_file *file; /* NULL: not known */
  int line;
} constructed;

struct policy_sandbox {
  lua_State *L;
  sandbox_budget budget;
  policy_limits limits;
  const policy_files *files;
  policy_kind kinds[POLICY_KINDS_MAX];
  size_t kind_count;
  int environment; /* registry reference: the policies' _ENV, and the globals of trusted modules */
  int fields;      /* registry reference: weir.sandbox.fields */
  int kind_names;  /* registry reference: list of them, as vocabulary.lua sees it */
  int modules;     /* registry reference: path → what require returns, false while loading */
  int chunks;      /* registry reference: path → the compiled file, while the set is loaded */
  int closures; /* registry reference: list of the functions that policies reach, and set of them */
  int accepted; /* registry reference: vocabulary.lua's table of accepted policies */
  int format;   /* registry reference: string.format */
  const policy_question *question; /* of the decision going on */
  policy_answer *answer;
  policy_kind *asked;
  text_buffer scratch; /* for because, and for a message that is being put together */
  text_buffer why;     /* what is wrong with the question or the decision */
  constructed made[CONSTRUCTED_MAX];
  size_t made_count;
  const void *checked; /* the decision that was made last, with fields that it may have; or NULL */
  decision_shape checked_shape;
  const policy_file *made_in; /* where the decision was made that is being checked */
};

/* What a trace begins with (trace.c): what Lua calls before every instruction. */
typedef struct policy_trace_head {
  lua_Tracer tracer;
} policy_trace_head;

static inline policy_sandbox *policy_sandbox_at(lua_State *L) {
  return (policy_sandbox *)((char *)sandbox_budget_of(L) - offsetof(policy_sandbox, budget));
}

/* Runs a trusted module with `arguments` values from the stack, and leaves its results there. */
void policy_trusted_run(lua_State *L, const char *name, int arguments, int results);

/* Loads one file of the set; a policy in it is adopted. Protected: trouble is a finding. */
void policy_load_file(policy_sandbox *sandbox, const policy_file *file, finding_list *findings);

/* Whether a set that is known to verify can be asked about this kind, NULL for all, without the
 * file. */
bool policy_left_out(const policy_files *files, const policy_file *file, const char *kind);

/* Compiles and runs a file of the set, and leaves its result on the stack. False with a finding and
 * nothing on the stack. */
bool policy_load_run(policy_sandbox *sandbox, const policy_file *file, finding_list *findings);

/* Pops the error value that ended a protected call, and everything below it: a finding. */
void policy_load_report(lua_State *L, const policy_file *file, int status, const char *code,
                        finding_list *findings);

#define POLICY_KINDS_FOLDER "kinds/"

/* Is this a file that declares a kind, or facts? */
static inline bool policy_own_kinds_is_file(const policy_file *file) {
  size_t size = strlen(POLICY_KINDS_FOLDER);
  return strncmp(file->path, POLICY_KINDS_FOLDER, size) == 0 && !strchr(file->path + size, '/');
}

/* Takes over what the files in kinds/ declare, before any policy is loaded. */
void policy_own_kinds_load(policy_sandbox *sandbox, finding_list *findings);

/* Takes over the facts that question->checked_by has checked; false where there is no such sandbox,
 * or its schema for them is another. */
bool policy_own_kinds_share_facts(policy_kind *kind, const policy_question *question);

/* Freezes what policies can reach, and reports what they could keep between decisions. To be called
 * once every file has run: a file can put a table into a variable of an earlier one. */
void policy_load_check(policy_sandbox *sandbox, finding_list *findings);

/* Then reports decisions that policies throw away. */
void policy_load_check_discards(policy_sandbox *sandbox, finding_list *findings);

/* The policies' `require`. */
int policy_load_require(lua_State *L);

/* The text of the error value on the top of the stack, without calling its metamethods and
 * without Lua memory; `value` is room for one that is not a text. */
const char *policy_load_error(lua_State *L, char *value, size_t size);

/* Compiles the kind whose table is on the top of the stack (pops it) and adds its constructors to
 * the table of words at index. Raises on a malformed kind. */
void policy_kind_open(lua_State *L, policy_sandbox *sandbox, policy_kind *kind, int words);

/* Gives the kind the facts of the list on the top of the stack (pops it) instead of those it was
 * opened with. */
void policy_kind_replace_facts(lua_State *L, policy_kind *kind);

void policy_kind_free(policy_kind *kind);

/* Takes over the policy on the top of the stack (pops it). Findings for bad parameters. */
void policy_kind_adopt(lua_State *L, policy_kind *kind, const policy_file *file,
                       finding_list *findings);

/* The decision_spec of a decision table at index, or NULL. */
const decision_spec *policy_kind_decision_at(lua_State *L, int index);

/* The action that the function at index makes a decision of, or NULL. */
const char *policy_kind_action_of(lua_State *L, int index);

/* True when the decision table at index, which its constructor made, still has because, its
 * arguments and the spec's fields only; else the message is pushed. */
bool policy_kind_check_made(lua_State *L, const decision_spec *spec, int index,
                            decision_shape *shape);

/* True when the parameters in force are those of the question already. */
bool policy_params_are_current(const policy_kind *kind, const policy_question *question);

/* Puts the question's parameters in force. */
bool policy_params_apply(lua_State *L, policy_kind *kind, const policy_question *question,
                         text_buffer *why);

/* Frees what was declared and what is in force. */
void policy_params_free(policy_kind *kind);

typedef enum { PARAM_UNKNOWN, PARAM_TAKEN, PARAM_REFUSED } params_override;

/* Overrides one parameter of one kind: unknown when the kind has no such parameter; refused, with
 * the reason in `why`, when the value does not fit it. */
params_override policy_params_override(policy_kind *kind, json_span name, json_span value,
                                       text_buffer *why);

#endif
