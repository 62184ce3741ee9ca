/* See value.h. */
#include "explore/value.h"

#include <stdlib.h>
#include <string.h>

#include "core/json/write.h"

enum { BLOCK_BYTES = 32 * 1024, ALIGNMENT = 16, DEPTH_MAX = 60 };

/* ── Arena ── */

typedef struct value_block {
  struct value_block *next;
  char *data;
} value_block;

/* Puts the block away, and begins a larger one. */
static bool begin_block(value_arena *arena, size_t size) {
  size_t capacity = arena->capacity ? 2 * arena->capacity : BLOCK_BYTES;
  while (capacity < size) capacity *= 2;
  char *data = malloc(capacity);
  value_block *full = arena->data ? malloc(sizeof *full) : NULL;
  if (!data || (arena->data && !full)) {
    free(data);
    free(full);
    arena->failed = true;
    return false;
  }

  if (full) {
    *full = (value_block){arena->full, arena->data};
    arena->full = full;
  }

  arena->data = data;
  arena->capacity = capacity;
  arena->size = 0;

  return true;
}

void *value_arena_take(value_arena *arena, size_t size) {
  static _Alignas(ALIGNMENT) char nothing[sizeof(value)];
  size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  if (arena->capacity - arena->size < size && !begin_block(arena, size))
    return size <= sizeof nothing ? nothing : NULL;
  void *taken = arena->data + arena->size;
  arena->size += size;

  return taken;
}

static void free_full(value_arena *arena) {
  while (arena->full) {
    value_block *next = arena->full->next;
    free(arena->full->data);
    free(arena->full);
    arena->full = next;
  }
}

void value_arena_clear(value_arena *arena) {
  free_full(arena);
  arena->size = 0;
}

void value_arena_free(value_arena *arena) {
  free_full(arena);
  free(arena->data);
  *arena = (value_arena){0};
}

/* ── Building ── */

/* Room for that many children; none when memory is short. */
static void make_children(value_arena *arena, value *self, size_t count) {
  self->list.items = count ? value_arena_take(arena, count * sizeof(value)) : NULL;
  self->list.count = arena->failed ? 0 : count;
  if (self->list.count) memset(self->list.items, 0, count * sizeof(value));
}

static void make_record(value_arena *arena, const schema_record *schema, value *self) {
  self->type = VALUE_RECORD;
  make_children(arena, self, schema->count);
  for (size_t i = 0; i < self->list.count; i++) {
    const schema_field *field = &schema->items[i];
    self->list.items[i] = (value){
        .field = field, .required = field->required, .key = {field->name, field->name_size}};
  }
}

value *value_new_record(value_arena *arena, const schema_record *schema) {
  value *self = value_arena_take(arena, sizeof *self);
  *self = (value){.required = true};
  make_record(arena, schema, self);
  return self;
}

value *value_add(value_arena *arena, value *list) {
  size_t count = list->list.count;
  value *items = value_arena_take(arena, (count + 1) * sizeof(value));
  if (arena->failed) return NULL;
  if (count) memcpy(items, list->list.items, count * sizeof(value));
  items[count] = (value){.field = list->field ? list->field->of : NULL, .required = true};
  list->list.items = items;
  list->list.count = count + 1;

  return &items[count];
}

void value_remove(value *list, size_t at) {
  value *items = list->list.items;
  memmove(items + at, items + at + 1, (list->list.count - at - 1) * sizeof(value));
  list->list.count--;
}

value_text value_copy_text(value_arena *arena, const char *at, size_t size) {
  char *copy = value_arena_take(arena, size + 1);
  if (arena->failed || size == 0) return (value_text){"", 0};
  memcpy(copy, at, size);
  return (value_text){copy, size};
}

/* Is the key the name that the schema keeps? A value of a map has a field, too, but a key of its
 * own in the arena. */
static bool has_name_of_field(const value *self) {
  return self->field && self->key.at == self->field->name;
}

value value_copy(value_arena *arena, const value *from) {
  value copy = *from;
  if (from->type == VALUE_TEXT) copy.text = value_copy_text(arena, from->text.at, from->text.size);
  if (from->key.size && !has_name_of_field(from))
    copy.key = value_copy_text(arena, from->key.at, from->key.size);
  if (!value_has_children(from)) return copy;
  make_children(arena, &copy, from->list.count);
  for (size_t i = 0; i < copy.list.count; i++)
    copy.list.items[i] = value_copy(arena, &from->list.items[i]);
  return copy;
}

/* ── Reading ── */

typedef struct {
  value_arena *arena;
  json_scan scan;
} reading;

static bool read_value(reading *r, value *out, int depth);

static value_text unescape(reading *r, json_span span) {
  char *text = value_arena_take(r->arena, span.size + 1);
  if (r->arena->failed) return (value_text){"", 0};
  return (value_text){text, json_unescape(span, text)};
}

static void take_number(json_span span, value *out) {
  int64_t integer = 0;
  double number = 0;
  json_number_kind kind = json_number_parse(span, &integer, &number);
  bool wants_number = out->field && out->field->type == SCHEMA_NUMBER;
  if (kind == JSON_NUMBER_INTEGER && !wants_number) {
    out->type = VALUE_INTEGER;
    out->integer = integer;
  } else {
    out->type = VALUE_NUMBER;
    out->number = kind == JSON_NUMBER_INTEGER ? (double)integer : number;
  }
}

static bool read_scalar(reading *r, json_type type, value *out) {
  json_span span;
  if (!json_scan_value(&r->scan, &span)) return false;
  switch (type) {
  case JSON_NULL: out->type = out->field ? VALUE_ABSENT : VALUE_NULL; break;
  case JSON_FALSE:
  case JSON_TRUE:
    out->type = VALUE_FLAG;
    out->flag = type == JSON_TRUE;
    break;
  case JSON_NUMBER: take_number(span, out); break;
  default: out->type = VALUE_TEXT; out->text = unescape(r, span);
  }

  return true;
}

static bool read_list(reading *r, value *out, int depth) {
  out->type = VALUE_LIST;
  out->list.count = 0;
  if (!json_scan_enter(&r->scan, JSON_ARRAY)) return false;
  while (json_scan_element(&r->scan)) {
    value *child = value_add(r->arena, out);
    if (!child || !read_value(r, child, depth)) return false;
  }

  return !r->scan.error;
}

static bool read_record(reading *r, const schema_record *schema, value *out, int depth) {
  json_span key;
  size_t guess = 0;
  make_record(r->arena, schema, out);
  if (!json_scan_enter(&r->scan, JSON_OBJECT)) return false;
  while (json_scan_member(&r->scan, &key)) {
    value_text name = unescape(r, key);
    const schema_field *field = schema_find(schema, name.at, name.size, &guess);
    if (!field || r->arena->failed) return false;
    if (!read_value(r, &out->list.items[field - schema->items], depth)) return false;
  }

  return !r->scan.error;
}

static bool read_object(reading *r, value *out, int depth) {
  json_span key;
  out->type = VALUE_OBJECT;
  out->list.count = 0;
  if (!json_scan_enter(&r->scan, JSON_OBJECT)) return false;
  while (json_scan_member(&r->scan, &key)) {
    value *child = value_add(r->arena, out);
    if (!child) return false;
    child->required = false;
    child->key = unescape(r, key);
    if (!read_value(r, child, depth)) return false;
  }

  return !r->scan.error;
}

static bool read_value(reading *r, value *out, int depth) {
  json_type type;
  if (depth > DEPTH_MAX || r->arena->failed || !json_scan_peek(&r->scan, &type)) return false;
  if (type < JSON_OBJECT) return read_scalar(r, type, out);
  if (type == JSON_ARRAY) return read_list(r, out, depth + 1);
  bool is_record = out->field && out->field->type == SCHEMA_RECORD;

  return is_record ? read_record(r, &out->field->fields, out, depth + 1)
                   : read_object(r, out, depth + 1);
}

bool value_read(value_arena *arena, const schema_record *schema, const char *json, size_t size,
                value *out) {
  reading r = {.arena = arena};
  json_scan_begin(&r.scan, json, size);
  *out = (value){.required = true};
  return read_record(&r, schema, out, 0) && json_scan_finish(&r.scan);
}

/* ── Writing and walking ── */

/* The name of a field needs no escapes. */
static void write_key(const value *child, text_buffer *out) {
  if (has_name_of_field(child)) {
    text_buffer_byte(out, '"');
    text_buffer_append(out, child->key.at, child->key.size);
    text_buffer_byte(out, '"');
  } else {
    json_write_string(out, child->key.at, child->key.size);
  }

  text_buffer_byte(out, ':');
}

static void write_children(const value *self, text_buffer *out) {
  bool keyed = self->type != VALUE_LIST, first = true;
  text_buffer_byte(out, keyed ? '{' : '[');
  for (size_t i = 0; i < self->list.count; i++) {
    const value *child = &self->list.items[i];
    if (child->type == VALUE_ABSENT) continue;
    if (!first) text_buffer_byte(out, ',');
    first = false;
    if (keyed) write_key(child, out);

    value_write(child, out);
  }

  text_buffer_byte(out, keyed ? '}' : ']');
}

void value_write(const value *self, text_buffer *out) {
  switch (self->type) {
  case VALUE_ABSENT:
  case VALUE_NULL: text_buffer_text(out, "null"); break;
  case VALUE_FLAG: text_buffer_text(out, self->flag ? "true" : "false"); break;
  case VALUE_INTEGER: json_write_integer(out, self->integer); break;
  case VALUE_NUMBER: json_write_double(out, self->number); break;
  case VALUE_TEXT: json_write_string(out, self->text.at, self->text.size); break;
  default: write_children(self, out);
  }
}

size_t value_count(const value *self) {
  size_t count = 1;
  if (!value_has_children(self)) return count;
  for (size_t i = 0; i < self->list.count; i++) count += value_count(&self->list.items[i]);
  return count;
}

static value *find_at(value *self, size_t *number, value **parent) {
  if (*number == 0) return self;
  --*number;
  if (!value_has_children(self)) return NULL;
  for (size_t i = 0; i < self->list.count; i++) {
    *parent = self;
    value *found = find_at(&self->list.items[i], number, parent);
    if (found) return found;
  }

  return NULL;
}

value *value_at(value *self, size_t number, value **parent) {
  *parent = NULL;
  return find_at(self, &number, parent);
}
