/* Field specifications of a kind (lua/weir/kinds/), compiled from their Lua tables to C, so that
 * facts are checked while their JSON is read and decisions while they are written.
 *
 * Memory: a schema owns all it points to; schema_record_free releases it. Immutable once made. */
#ifndef WEIR_POLICY_SCHEMA_H
#define WEIR_POLICY_SCHEMA_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/json/scan.h"
#include "core/text/text_buffer.h"

enum { SCHEMA_ANY_SIZE = 1 << 30 }; /* max_size of a text or list without a bound */
enum { SCHEMA_MAX_FIELDS = 64 };    /* of one record */
enum {
  SCHEMA_MAX_UNIQUE = 100
}; /* elements of a list with unique_by: each is compared with each */

typedef enum {
  SCHEMA_INTEGER,
  SCHEMA_NUMBER, /* finite */
  SCHEMA_TEXT,
  SCHEMA_FLAG,
  SCHEMA_CHOICE, /* one of `values` */
  SCHEMA_LIST,   /* of `of` */
  SCHEMA_RECORD, /* `fields` */
  SCHEMA_MAP,    /* text → `of` */
  SCHEMA_ANY,    /* any JSON */
} schema_type;

typedef struct schema_field schema_field;

typedef struct {
  char *text;
  size_t size;
} schema_choice;

typedef struct {
  schema_field *items; /* sorted by name */
  size_t count;
} schema_record;

struct schema_field {
  char *name; /* NULL in `of` */
  size_t name_size;
  schema_type type;
  bool required;
  double min, max;           /* of a number; of an integer too (exact below 2^53) */
  size_t min_size, max_size; /* bytes of a text, items of a list or map */
  schema_choice *values;     /* of a choice */
  size_t value_count;
  schema_field *of;
  char *unique_by; /* of a list of records: the field in which they differ, or NULL */
  schema_record fields;
};

/* Compiles the list of field specs at index. Raises on a malformed spec (a fault of ours: kinds
 * are trusted); what was made until then is in the record, for the caller to free. */
void schema_record_compile(lua_State *L, int index, schema_record *record);
void schema_record_free(schema_record *record);

/* Pushes the list of the fields' names; `names` gets the Lua state's own copies, which live as long
 * as the list does, and are compared by address. */
void schema_push_names(lua_State *L, const schema_record *record,
                       const char *names[SCHEMA_MAX_FIELDS]);

/* The field of that name, or NULL. `guess` (an index into items) is tried first and advanced:
 * JSON members mostly come in the same order. */
const schema_field *schema_find(const schema_record *record, const char *name, size_t size,
                                size_t *guess);

/* The closest field name to a misspelt one, or NULL when none is near. */
const char *schema_suggest(const schema_record *record, const char *name, size_t size);

/* For naming one of several unknown keys, the same on every machine: replaces the value at `best`
 * by the key on the top of the stack when that comes first. Texts come first, in byte order, then
 * other keys by type; nil at `best` means none yet. */
void schema_keep_first_key(lua_State *L, int best);

/* Appends `unknown field "…" (did you mean "…"?)`; `what` is "field" or the like. */
void schema_read_explain_unknown(const schema_record *record, const char *what, json_span name,
                                 text_buffer *why);

/* Checks a JSON value against a field, nested values included. On failure `why` gets
 * "file_count: expected an integer of at least 0, got \"3\"" style text. */
bool schema_read_check(const schema_field *field, json_scan *scan, json_span *value,
                       text_buffer *why);

/* The same for a value that the scanner has read and accepted already. */
bool schema_read_check_value(const schema_field *field, json_span value, text_buffer *why);

/* False, with the reason in `why`, when two elements of the list (JSON that fits the field) are the
 * same in the field that unique_by names. */
bool schema_unique_check(const schema_field *list, const char *json, size_t size, text_buffer *why);

/* Pushes a value that schema_read_check or schema_read_check_value accepted. */
void schema_read_push(lua_State *L, const schema_field *field, json_span value);

/* Appends the Lua value at index as canonical JSON by its field spec. Never calls metamethods.
 * False, with the reason in `why`, when the value does not fit. */
bool schema_write_json(lua_State *L, int index, const schema_field *field, text_buffer *out,
                       text_buffer *why);

/* Says what a field takes: "an integer from 1 to 10000". */
void schema_read_describe(const schema_field *field, text_buffer *out);

#endif
