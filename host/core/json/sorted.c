/* See sorted.h. Members are appended as they come, and put in order at the end of their object. */
#include "core/json/sorted.h"

#include <string.h>

#include "core/json/write.h"

enum { SORTED_DEPTH = 24, SORTED_MEMBERS = 48 };

/* A member as it was appended: "name":value. */
typedef struct {
  json_span name;
  size_t at, size;
} sorted_member;

typedef struct {
  json_scan scan;
  text_buffer *out;
  text_buffer unsorted; /* a copy of what is put in order */
  int depth;
} sorter;

static bool write_value(sorter *self);

static int compare_names(json_span a, json_span b) {
  size_t shorter = a.size < b.size ? a.size : b.size;
  int order = memcmp(a.at, b.at, shorter);
  return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Where a member belongs among those before it, which are in order; -1: its name is there. */
static int find_place(const sorted_member *members, int count, json_span name) {
  for (; count > 0; count--) {
    int order = compare_names(members[count - 1].name, name);
    if (order == 0) return -1;
    if (order < 0) break;
  }

  return count;
}

/* Puts the members, which are the end of the text from `begin`, into the order of the list. */
static void put_in_order(sorter *self, const sorted_member *members, int count, size_t begin) {
  text_buffer *out = self->out, *unsorted = &self->unsorted;
  unsorted->size = 0;
  text_buffer_append(unsorted, out->data + begin, out->size - begin);
  out->size = begin;
  for (int i = 0; i < count && !unsorted->failed; i++) {
    if (i > 0) text_buffer_byte(out, ',');
    text_buffer_append(out, unsorted->data + members[i].at - begin, members[i].size);
  }
}

static bool write_text(text_buffer *out, json_span text) {
  text_buffer_append(out, text.at - 1, text.size + 2); /* with its quotes */
  return !text.escaped;
}

static bool write_members(sorter *self) {
  sorted_member members[SORTED_MEMBERS];
  json_span name;
  int count = 0;
  bool in_order = true;
  text_buffer *out = self->out;
  size_t begin = out->size;
  while (json_scan_member(&self->scan, &name)) {
    int place = find_place(members, count, name);
    if (place < 0 || count == SORTED_MEMBERS) return false;
    if (count > 0) text_buffer_byte(out, ',');
    size_t at = out->size;
    if (!write_text(out, name)) return false;
    text_buffer_byte(out, ':');
    if (!write_value(self)) return false;

    if (place < count) {
      in_order = false;
      memmove(members + place + 1, members + place, (size_t)(count - place) * sizeof *members);
    }

    members[place] = (sorted_member){name, at, out->size - at};
    count++;
  }

  if (!in_order && !out->failed) put_in_order(self, members, count, begin);
  return true;
}

static bool write_elements(sorter *self) {
  for (bool first = true; json_scan_element(&self->scan); first = false) {
    if (!first) text_buffer_byte(self->out, ',');
    if (!write_value(self)) return false;
  }

  return true;
}

static bool write_number(text_buffer *out, json_span number) {
  int64_t integer;
  double real;
  switch (json_number_parse(number, &integer, &real)) {
  case JSON_NUMBER_INTEGER: json_write_integer(out, integer); return true;
  case JSON_NUMBER_DOUBLE: return json_write_double(out, real);
  default: return false;
  }
}

static bool write_scalar(sorter *self) {
  json_span value;
  if (!json_scan_value(&self->scan, &value)) return false;
  if (value.type == JSON_NUMBER) return write_number(self->out, value);
  if (value.type == JSON_STRING) return write_text(self->out, value);
  text_buffer_append(self->out, value.at, value.size);

  return true;
}

static bool write_value(sorter *self) {
  json_type type;
  if (!json_scan_peek(&self->scan, &type)) return false;
  if (type < JSON_OBJECT) return write_scalar(self);
  if (self->depth == SORTED_DEPTH || !json_scan_enter(&self->scan, type)) return false;

  self->depth++;
  bool is_object = type == JSON_OBJECT;
  text_buffer_byte(self->out, is_object ? '{' : '[');
  if (!(is_object ? write_members(self) : write_elements(self))) return false;
  text_buffer_byte(self->out, is_object ? '}' : ']');
  self->depth--;

  return !self->scan.error;
}

bool json_sorted(const char *text, size_t size, text_buffer *out) {
  sorter self = {.out = out};
  json_scan_begin(&self.scan, text, size);
  bool ok = write_value(&self) && json_scan_finish(&self.scan);
  text_buffer_free(&self.unsorted);

  return ok && !out->failed && !self.unsorted.failed;
}
