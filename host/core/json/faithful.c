/* See faithful.h. The keys of all objects that are open lie on one stack; when an object ends,
 * its keys are compared and leave. */
#include "core/json/faithful.h"

#include <stdlib.h>
#include <string.h>

#include "core/text/shown_text.h"

enum { COMPARED_PAIRWISE = 12, LONGEST_FINITE = 308 };

typedef struct {
  const char *at;
  size_t size;
} plain_key;

typedef struct {
  json_scan *scan;
  text_buffer *why;
  plain_key *keys;
  size_t count, capacity;
  text_buffer plain; /* keys that were escaped; never moves while keys point into it */
} walk;

static bool same_key(const plain_key *a, const plain_key *b) {
  return a->size == b->size && memcmp(a->at, b->at, a->size) == 0;
}

static int by_bytes(const void *a, const void *b) {
  const plain_key *x = a, *y = b;
  int order = memcmp(x->at, y->at, x->size < y->size ? x->size : y->size);
  return order ? order : (x->size > y->size) - (x->size < y->size);
}

static bool refuse_key(walk *w, const plain_key *key) {
  text_buffer_text(w->why, "key \"");
  shown_text_append(w->why, key->at, key->size, SHOWN_NAME_BYTES);
  text_buffer_text(w->why, "\" is given twice");
  return false;
}

/* The keys from the first on, which are those of one object. */
static bool keys_differ(walk *w, size_t first) {
  size_t count = w->count - first;
  if (count < 2) return true;
  plain_key *keys = w->keys + first;
  if (count <= COMPARED_PAIRWISE) {
    for (size_t i = 1; i < count; i++)
      for (size_t j = 0; j < i; j++)
        if (same_key(&keys[i], &keys[j])) return refuse_key(w, &keys[i]);
    return true;
  }

  qsort(keys, count, sizeof *keys, by_bytes);
  for (size_t i = 1; i < count; i++)
    if (same_key(&keys[i - 1], &keys[i])) return refuse_key(w, &keys[i]);
  return true;
}

static bool out_of_memory(walk *w) {
  text_buffer_fail(w->why);
  return false;
}

static bool push_key(walk *w, json_span key) {
  if (w->count == w->capacity) {
    size_t capacity = w->capacity ? w->capacity * 2 : 64;
    plain_key *keys = realloc(w->keys, capacity * sizeof *keys);
    if (!keys) return out_of_memory(w);
    w->keys = keys;
    w->capacity = capacity;
  }

  plain_key plain = {key.at, key.size};
  if (key.escaped) {
    /* One reservation is enough: all keys together are no longer than the text from here on. */
    if (!w->plain.data && !text_buffer_reserve(&w->plain, (size_t)(w->scan->end - key.at)))
      return out_of_memory(w);
    plain.at = w->plain.data + w->plain.size;
    plain.size = json_unescape(key, w->plain.data + w->plain.size);
    w->plain.size += plain.size;
  }

  w->keys[w->count++] = plain;

  return true;
}

/* A number beyond the largest double has an exponent, or more digits than the largest double. */
static bool number_is_finite(walk *w, json_span value) {
  int64_t integer;
  double real;
  bool suspect = value.size > LONGEST_FINITE || memchr(value.at, 'e', value.size) ||
                 memchr(value.at, 'E', value.size);
  if (!suspect || json_number_parse(value, &integer, &real) != JSON_NUMBER_OVERFLOW) return true;
  text_buffer_text(w->why, "the number ");
  shown_text_append(w->why, value.at, value.size, SHOWN_VALUE_BYTES);
  text_buffer_text(w->why, " is beyond the largest double");

  return false;
}

typedef struct {
  size_t first_key;
  bool is_object;
} level;

/* Reads a scalar, or enters a container. */
static bool read_one(walk *w, level *levels, int *depth) {
  json_type type;
  json_span value;
  if (!json_scan_peek(w->scan, &type)) return false;
  if (type < JSON_OBJECT) {
    if (!json_scan_value(w->scan, &value)) return false;
    return type != JSON_NUMBER || number_is_finite(w, value);
  }

  if (!json_scan_enter(w->scan, type)) return false;
  levels[(*depth)++] = (level){w->count, type == JSON_OBJECT};

  return true;
}

static bool read_all(walk *w) {
  level levels[JSON_MAX_DEPTH + 1];
  int depth = 0;
  if (!read_one(w, levels, &depth)) return false;
  while (depth > 0) {
    const level *top = &levels[depth - 1];
    json_span key;
    if (top->is_object ? json_scan_member(w->scan, &key) : json_scan_element(w->scan)) {
      if ((top->is_object && !push_key(w, key)) || !read_one(w, levels, &depth)) return false;
      continue;
    }

    if (w->scan->error || !keys_differ(w, top->first_key)) return false;
    w->count = top->first_key;
    depth--;
  }

  return true;
}

bool json_faithful_value(json_scan *scan, json_span *value, text_buffer *why) {
  json_type type;
  if (!json_scan_peek(scan, &type)) return false;
  if (type < JSON_OBJECT && type != JSON_NUMBER) return json_scan_value(scan, value);
  walk w = {.scan = scan, .why = why};
  *value = (json_span){.at = scan->at, .type = type};
  bool ok = read_all(&w);
  value->size = (size_t)(scan->at - value->at);
  free(w.keys);
  text_buffer_free(&w.plain);

  return ok;
}
