/* CloudWatch's embedded metric format: metrics as JSON lines in a log.
 *
 * A writer has what is the same for every line (namespace, dimensions, properties) as text made
 * once, and the values that wait for the next line. One line holds at most 100 metrics of at most
 * 100 values each; what is more goes into further lines. Every name is a top-level member of the
 * line, so a name has one use: a property never hides a metric, a dimension or `_aws`.
 * Memory: a zeroed emf_writer is ready for emf_begin; release with emf_free. */
#ifndef WEIR_CORE_AWS_EMF_H
#define WEIR_CORE_AWS_EMF_H

#include "core/text/text_buffer.h"

enum {
  EMF_METRICS = 100,          /* in a line */
  EMF_VALUES = 100,           /* of a metric in a line */
  EMF_DIMENSIONS = 30,        /* in a set */
  EMF_NAME = 255,             /* characters of a metric's name or a namespace */
  EMF_DIMENSION_NAME = 250,   /* characters */
  EMF_DIMENSION_VALUE = 1024, /* characters */
  EMF_CONTEXT = 256 * 1024,   /* bytes of dimensions and properties; keeps a line below 1 MB */
};

typedef enum { EMF_DIMENSION, EMF_PROPERTY, EMF_METRIC } emf_use;

typedef struct {
  size_t name, name_size; /* places in emf_writer.names */
  emf_use use;
  int unit, resolution;               /* of a metric */
  size_t definition, definition_size; /* of a metric: {"Name":…,"Unit":…}, in names */
  size_t value, value_size;           /* of a dimension, in names */
  double *values;                     /* of a metric: [first, count) wait to be written */
  size_t first, count, capacity;
  size_t taken; /* values in the line made last */
} emf_member;

typedef struct {
  text_buffer head;    /* after the timestamp: ,"CloudWatchMetrics":[{"Namespace":… "Metrics":[ */
  text_buffer context; /* dimensions and properties: ,"name":value … */
  text_buffer names;
  emf_member *members;
  size_t member_count, member_capacity, fixed_count; /* fixed: dimensions and properties */
  uint32_t *slots;                                   /* open addressing: member number + 1, or 0 */
  size_t slot_count;
  size_t set_size, set_count; /* of dimensions, while they are added */
  bool failed;                /* memory was short */
} emf_writer;

/* Each answers NULL or what is wrong with the argument. Order of calls: begin; then for each set
 * emf_begin_set and its dimensions; emf_end_sets; properties and emf_end_properties; then metrics
 * and lines. */
const char *emf_begin(emf_writer *writer, const char *name_space, size_t size);
void emf_begin_set(emf_writer *writer);
const char *emf_dimension(emf_writer *writer, const char *name, size_t name_size, const char *value,
                          size_t value_size);
void emf_end_sets(emf_writer *writer);
/* First the name of each property, those of single lines too; then as one JSON object what every
 * line has. */
const char *emf_property(emf_writer *writer, const char *name, size_t size);
const char *emf_end_properties(emf_writer *writer, const char *json, size_t size);
bool emf_has_property(const emf_writer *writer, const char *name, size_t size);
void emf_free(emf_writer *writer);

/* The number of a unit's name, or -1. */
int emf_unit(const char *name);

/* Finds or makes the metric; unit from emf_unit, resolution 1 or 60 seconds. On success *metric
 * is its number, for emf_value. */
const char *emf_metric(emf_writer *writer, const char *name, size_t size, int unit, int resolution,
                       size_t *metric);

/* Finds a metric that was made before, of this unit and resolution. */
bool emf_find_metric(const emf_writer *writer, const char *name, size_t size, int unit,
                     int resolution, size_t *metric);

/* Adds a finite value. */
void emf_value(emf_writer *writer, size_t metric, double value);

/* Makes the next line, newline included; false when no values wait or memory is short. The
 * values wait on until emf_taken says that the line was written. properties: those of this line
 * alone, as one JSON object whose names are known by emf_property; size 0: none. */
bool emf_line(emf_writer *writer, int64_t timestamp, const char *properties, size_t size,
              text_buffer *line);

void emf_taken(emf_writer *writer);

/* Writes a line to a file descriptor with one write(2), unless the system takes less. 0 or errno.
 */
int emf_write(int descriptor, const text_buffer *line);

#endif
