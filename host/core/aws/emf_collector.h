/* The metrics of a program as lines, one for each set of dimensions.
 *
 * What the lines of one set have in common is made once: the writer of each set is kept, unless
 * there are so many sets that an id must be among their dimensions.
 * Memory: a zeroed emf_collector is ready for its names; release with emf_collector_free. */
#ifndef WEIR_CORE_AWS_EMF_COLLECTOR_H
#define WEIR_CORE_AWS_EMF_COLLECTOR_H

#include "core/aws/emf.h"

typedef struct emf_group emf_group;

typedef struct {
  text_buffer name_space;
  text_buffer dimensions; /* of every metric, by emf_collector_dimension */
  text_buffer properties; /* names that lines may bring, each with its NUL */
  emf_group *groups;      /* the first has no dimensions of its own, and is always there */
  size_t count, capacity;
  size_t first, last; /* of those with values, in the order in which these came */
  size_t forgotten;   /* how often groups were given up */
  text_buffer line;
} emf_collector;

/* A metric of a set of dimensions, once it was found. */
typedef struct {
  size_t group, metric, forgotten;
} emf_place;

/* Appends to a set of dimensions: call it in the order of their names. */
void emf_collector_dimension(text_buffer *set, const char *name, size_t name_size,
                             const char *value, size_t value_size);

/* Once the names are there. NULL, or what CloudWatch would not take. False in *ok: memory is short.
 */
const char *emf_collector_begin(emf_collector *self, bool *ok);

/* Finds or makes the metric of a set of dimensions; unit from emf_unit. NULL, or why CloudWatch
 * would not take it. False in *ok: memory is short. */
const char *emf_collector_find(emf_collector *self, const text_buffer *set, const char *name,
                               size_t size, int unit, emf_place *place, bool *ok);

/* Whether the place is the metric's still: of very many sets not all are kept. */
bool emf_collector_keeps(const emf_collector *self, const emf_place *place);

/* Adds a value to the metric at a place that is kept. False when memory is short. */
bool emf_collector_add_at(emf_collector *self, const emf_place *place, double value);

/* Adds a value to a metric of a set of dimensions: what find and add_at do. */
const char *emf_collector_add(emf_collector *self, const text_buffer *set, const char *name,
                              size_t size, int unit, double value, bool *ok);

/* The same, where the set of dimensions and the metric are known from before. False, with nothing
 * added, where they are not, or memory is short. */
bool emf_collector_add_again(emf_collector *self, const text_buffer *set, const char *name,
                             size_t size, int unit, double value);

/* Whether the name is among the properties. */
bool emf_collector_has_property(const emf_collector *self, const char *name, size_t size);

/* Appends the lines of all values, each with its newline. properties: one JSON object with names
 * that emf_collector_has_property knows; size 0: none. False when memory is short. */
bool emf_collector_lines(emf_collector *self, int64_t time_ms, const char *properties, size_t size,
                         text_buffer *out);

void emf_collector_free(emf_collector *self);

#endif
