/* The facts of one decision as a policy sees them: a read-only table. All of the JSON text is
 * checked before any is used. Lists, records and other JSON are decoded when they are first read,
 * at the decision's cost. Texts, numbers and flags that the policies mention are decoded before the
 * policy runs and cost it nothing: when that was left to the first reading, and remembered for
 * later decisions, what a decision cost followed from what an earlier one had read. Memory: slots
 * point into the caller's JSON text, valid for one decision. */
#ifndef WEIR_POLICY_FACTS_H
#define WEIR_POLICY_FACTS_H

#include "core/json/members.h"
#include "policy/sandbox.h"
#include "policy/schema.h"

typedef struct {
  const schema_record *schema;
  uint64_t present;                     /* bit i: field i is given and not null */
  uint64_t taken;                       /* the same of the text that was checked last */
  uint64_t scalars;                     /* fields that are decoded before the policy runs */
  uint64_t decoded;                     /* what the table holds */
  bool compact;                         /* as facts_known has it */
  json_span slots[SCHEMA_MAX_FIELDS];   /* by index in the schema */
  const char *names[SCHEMA_MAX_FIELDS]; /* the Lua state's own copies: compared by address */
  int table, keys;                      /* registry references */
  const void *stander;                  /* whose fields the table holds; NULL: those of a text */
  uint8_t next[SCHEMA_MAX_FIELDS + 1];  /* the field that came after field i - 1 the last time */
} facts;

/* Prepares the facts table of one schema. The facts must stay where they are for the life of the
 * state. A policy keeps nothing between decisions, so one table serves them all: it holds the
 * fields that are decoded, and its metatable leads to the function that decodes the others. */
void facts_open(lua_State *L, facts *f, const schema_record *schema, const char *kind);

/* Has the scalars whose names are words of a policy's text decoded before it runs, from now on:
 * which ones follows from the set alone. */
void facts_mention(facts *f, const char *text, size_t size);

/* Reads the JSON text and lists its members; false with the reason in `why`. */
bool facts_list(const char *text, size_t size, json_members *members, text_buffer *why);

/* Checks the members against the schema; false with the reason in `why`. */
bool facts_take(facts *f, const json_members *members, facts_known known, text_buffer *why);

/* Takes what other facts of the same schema took last: it need not be checked again. */
void facts_take_over(facts *f, const facts *checked);

/* Pushes the facts table for what was read last, its scalars decoded. */
void facts_push(lua_State *L, facts *f);

/* Makes the facts table what the text says again, if the policy changed lists or records that it
 * read from it. */
void facts_restore(lua_State *L, facts *f);

/* Decodes every given field into the table. */
void facts_decode_all(lua_State *L, facts *f);

/* Takes the fields as given that `stander` puts into the table (standing.h). True when what is in
 * the table is his already. */
bool facts_stand(lua_State *L, facts *f, uint64_t given, const void *stander);

/* Forgets the text: fields of a table that outlives its decision read as absent. */
static inline void facts_forget(facts *f) {
  f->present = 0;
}

#endif
