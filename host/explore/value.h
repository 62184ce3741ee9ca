/* Facts, or parameters, as a tree that can be changed: what a schema allows, absent fields
 * included, down to numbers, texts and flags.
 *
 * Memory: values and texts are in an arena; it is emptied as a whole. Schemas must outlive it. */
#ifndef WEIR_EXPLORE_VALUE_H
#define WEIR_EXPLORE_VALUE_H

#include "core/json/scan.h"
#include "core/text/text_buffer.h"
#include "policy/schema.h"

typedef struct {
  char *data;
  size_t size, capacity;
  struct value_block *full; /* blocks that were too small, kept until the arena is emptied */
  bool failed;
} value_arena;

void *value_arena_take(value_arena *arena, size_t size);
void value_arena_clear(value_arena *arena);
void value_arena_free(value_arena *arena);

typedef enum {
  VALUE_ABSENT,
  VALUE_NULL,
  VALUE_FLAG,
  VALUE_INTEGER,
  VALUE_NUMBER,
  VALUE_TEXT,
  VALUE_LIST,
  VALUE_RECORD, /* a child for every field of the schema, in its order */
  VALUE_OBJECT, /* any keys: a map, or an object inside of any JSON */
} value_type;

typedef struct {
  const char *at;
  size_t size;
} value_text;

typedef struct value value;
struct value {
  value_type type;
  bool required;             /* may not be absent */
  const schema_field *field; /* what may stand here; NULL inside of any JSON */
  value_text key;            /* of a child of an object */
  union {
    bool flag;
    int64_t integer;
    double number;
    value_text text;
    struct {
      value *items;
      size_t count;
    } list; /* of a list, record or object */
  };
};

/* A record of the schema whose fields are all absent. */
value *value_new_record(value_arena *arena, const schema_record *schema);

/* Makes the value at `out` what the JSON says. False when the JSON is not what the schema's shape
 * allows; ranges are not checked. */
bool value_read(value_arena *arena, const schema_record *schema, const char *json, size_t size,
                value *out);

/* A deep copy, in this arena. */
value value_copy(value_arena *arena, const value *from);
value_text value_copy_text(value_arena *arena, const char *at, size_t size);

/* Makes room for a child at the end, and gives it, filled with zeros. */
value *value_add(value_arena *arena, value *list);

/* Takes a child away. */
void value_remove(value *list, size_t at);

void value_write(const value *self, text_buffer *out);

/* How many values there are in the tree, children of absent records left out; the one with this
 * number, in the order of writing, and what it is in (NULL: the root). */
size_t value_count(const value *self);
value *value_at(value *self, size_t number, value **parent);

static inline bool value_has_children(const value *self) {
  return self->type >= VALUE_LIST;
}

#endif
