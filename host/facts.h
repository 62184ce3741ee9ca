/* The facts of one decision as a policy sees them: a read-only table whose fields are decoded
 * from the JSON text when they are first read. All of the text is checked before any is used, so
 * what a policy does not read costs nothing but the check.
 * Memory: slots point into the caller's JSON text, valid for one decision. Callers:
 * policy_decide.c. */
#ifndef WEIR_FACTS_H
#define WEIR_FACTS_H

#include "schema.h"

typedef struct {
  const schema_record *schema;
  uint64_t present;                     /* bit i: field i is given and not null */
  json_span slots[SCHEMA_MAX_FIELDS];   /* by index in the schema */
  const char *names[SCHEMA_MAX_FIELDS]; /* the Lua state's own copies: compared by address */
} facts;

/* Prepares for one schema and pushes the metatable that facts tables of it have. The facts must
 * stay where they are for the life of the state. */
void facts_open(lua_State *L, facts *f, const schema_record *schema, const char *kind);

/* Reads and checks the JSON text; false with the reason in `why`. */
bool facts_read(facts *f, const char *text, size_t size, text_buffer *why);

/* Pushes a facts table; the metatable that facts_open pushed is at index. */
void facts_push(lua_State *L, int metatable);

/* Forgets the text: fields of a table that outlives its decision read as absent. */
static inline void facts_forget(facts *f) {
  f->present = 0;
}

#endif
