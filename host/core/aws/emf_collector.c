/* See emf_collector.h. A set of dimensions is a text that tells sets apart: for each dimension, in
 * the order of their names, two sizes, the name and the value. */
#include "core/aws/emf_collector.h"

enum { GROUPS_KEPT = 64 };

static const size_t NONE = SIZE_MAX;

struct emf_group {
  text_buffer set; /* without the dimensions of every metric */
  emf_writer emf;
  bool waits;  /* has values */
  size_t next; /* the group that waits after it */
};

typedef struct {
  const char *name, *value;
  size_t name_size, value_size;
} dimension;

void emf_collector_dimension(text_buffer *set, const char *name, size_t name_size,
                             const char *value, size_t value_size) {
  text_buffer_append(set, &name_size, sizeof name_size);
  text_buffer_append(set, &value_size, sizeof value_size);
  text_buffer_append(set, name, name_size);
  text_buffer_append(set, value, value_size);
}

/* Takes the dimension at *at, and moves behind it; false at the end of the set. */
static bool next_dimension(const text_buffer *set, size_t *at, dimension *found) {
  if (*at >= set->size) return false;
  const char *sizes = set->data + *at;
  memcpy(&found->name_size, sizes, sizeof(size_t));
  memcpy(&found->value_size, sizes + sizeof(size_t), sizeof(size_t));
  found->name = sizes + 2 * sizeof(size_t);
  found->value = found->name + found->name_size;
  *at = (size_t)(found->value + found->value_size - set->data);

  return true;
}

static int compare_names(const dimension *left, const dimension *right) {
  size_t least = left->name_size < right->name_size ? left->name_size : right->name_size;
  int order = memcmp(left->name, right->name, least);
  if (order != 0) return order;
  return (left->name_size > right->name_size) - (left->name_size < right->name_size);
}

/* Those of every metric and those of the set, in the order of their names; the set's own win. */
static const char *add_dimensions(const emf_collector *self, const text_buffer *set,
                                  emf_writer *emf) {
  dimension common, own;
  size_t common_at = 0, own_at = 0;
  const char *wrong = NULL;
  bool has_common = next_dimension(&self->dimensions, &common_at, &common);
  bool has_own = next_dimension(set, &own_at, &own);

  while (!wrong && (has_common || has_own)) {
    int order = !has_common ? 1 : !has_own ? -1 : compare_names(&common, &own);
    const dimension *least = order < 0 ? &common : &own;
    wrong = emf_dimension(emf, least->name, least->name_size, least->value, least->value_size);
    if (order <= 0) has_common = next_dimension(&self->dimensions, &common_at, &common);
    if (order >= 0) has_own = next_dimension(set, &own_at, &own);
  }

  return wrong;
}

static const char *begin_writer(const emf_collector *self, const text_buffer *set,
                                emf_writer *emf) {
  const char *wrong = emf_begin(emf, self->name_space.data, self->name_space.size);
  if (wrong) return wrong;

  emf_begin_set(emf);
  wrong = add_dimensions(self, set, emf);
  emf_end_sets(emf);

  const text_buffer *names = &self->properties;
  for (size_t at = 0; !wrong && at < names->size; at += strlen(names->data + at) + 1)
    wrong = emf_property(emf, names->data + at, strlen(names->data + at));

  return wrong ? wrong : emf_end_properties(emf, NULL, 0);
}

static void free_groups(emf_collector *self, size_t kept) {
  for (; self->count > kept; self->count--) {
    text_buffer_free(&self->groups[self->count - 1].set);
    emf_free(&self->groups[self->count - 1].emf);
  }
}

static bool make_room(emf_collector *self) {
  if (self->count < self->capacity) return true;
  size_t capacity = self->capacity ? 2 * self->capacity : 4;
  emf_group *groups = realloc(self->groups, capacity * sizeof *groups);
  if (!groups) return false;
  self->groups = groups;
  self->capacity = capacity;

  return true;
}

static const char *add_group(emf_collector *self, const text_buffer *set, bool *ok) {
  *ok = make_room(self);
  if (!*ok) return NULL;

  emf_group *made = &self->groups[self->count++];
  *made = (emf_group){0};
  text_buffer_append(&made->set, set->data, set->size);
  const char *wrong = begin_writer(self, set, &made->emf);
  *ok = !made->set.failed && !made->emf.failed;
  if (wrong || !*ok) free_groups(self, self->count - 1);

  return wrong;
}

/* The number of the set's group, or count. */
static size_t find_group(const emf_collector *self, const text_buffer *set) {
  for (size_t i = 1; i < self->count; i++) {
    const text_buffer *known = &self->groups[i].set;
    if (known->size == set->size && memcmp(known->data, set->data, set->size) == 0) return i;
  }

  return set->size == 0 ? 0 : self->count;
}

const char *emf_collector_begin(emf_collector *self, bool *ok) {
  self->first = NONE;
  *ok = !self->name_space.failed && !self->dimensions.failed && !self->properties.failed;
  return *ok ? add_group(self, &(text_buffer){0}, ok) : NULL;
}

static void note_values(emf_collector *self, size_t number) {
  emf_group *group = &self->groups[number];
  if (group->waits) return;
  if (self->first == NONE)
    self->first = number;
  else
    self->groups[self->last].next = number;
  self->last = number;
  group->waits = true;
  group->next = NONE;
}

const char *emf_collector_find(emf_collector *self, const text_buffer *set, const char *name,
                               size_t size, int unit, emf_place *place, bool *ok) {
  const char *wrong = NULL;
  *place = (emf_place){.group = find_group(self, set), .forgotten = self->forgotten};
  *ok = !set->failed;
  if (*ok && place->group == self->count) wrong = add_group(self, set, ok);
  if (wrong || !*ok) return wrong;

  emf_writer *emf = &self->groups[place->group].emf;
  wrong = emf_metric(emf, name, size, unit, 60, &place->metric);
  *ok = !emf->failed;

  return wrong;
}

bool emf_collector_keeps(const emf_collector *self, const emf_place *place) {
  return place->forgotten == self->forgotten;
}

bool emf_collector_add_at(emf_collector *self, const emf_place *place, double value) {
  emf_writer *emf = &self->groups[place->group].emf;
  emf_value(emf, place->metric, value);
  note_values(self, place->group);

  return !emf->failed;
}

const char *emf_collector_add(emf_collector *self, const text_buffer *set, const char *name,
                              size_t size, int unit, double value, bool *ok) {
  emf_place place;
  const char *wrong = emf_collector_find(self, set, name, size, unit, &place, ok);
  if (!wrong && *ok) *ok = emf_collector_add_at(self, &place, value);

  return wrong;
}

bool emf_collector_add_again(emf_collector *self, const text_buffer *set, const char *name,
                             size_t size, int unit, double value) {
  size_t metric, number = find_group(self, set);
  if (set->failed || number == self->count) return false;

  emf_writer *emf = &self->groups[number].emf;
  if (!emf_find_metric(emf, name, size, unit, 60, &metric)) return false;
  emf_value(emf, metric, value);
  if (emf->failed) return false;
  note_values(self, number);

  return true;
}

bool emf_collector_has_property(const emf_collector *self, const char *name, size_t size) {
  return emf_has_property(&self->groups[0].emf, name, size);
}

bool emf_collector_lines(emf_collector *self, int64_t time_ms, const char *properties, size_t size,
                         text_buffer *out) {
  for (; self->first != NONE; self->first = self->groups[self->first].next) {
    emf_group *group = &self->groups[self->first];
    while (emf_line(&group->emf, time_ms, properties, size, &self->line)) {
      text_buffer_append(out, self->line.data, self->line.size);
      emf_taken(&group->emf);
    }

    if (group->emf.failed) return false;
    group->waits = false;
  }

  if (self->count > GROUPS_KEPT) {
    free_groups(self, 1);
    self->forgotten++;
  }

  return !out->failed;
}

void emf_collector_free(emf_collector *self) {
  free_groups(self, 0);
  free(self->groups);
  text_buffer_free(&self->name_space);
  text_buffer_free(&self->dimensions);
  text_buffer_free(&self->properties);
  text_buffer_free(&self->line);
  *self = (emf_collector){0};
}
