/* Explaining a miss: what explain.c, survey.c and hint.c share. */
#ifndef WEIR_CORE_PATTERN_EXPLAIN_H
#define WEIR_CORE_PATTERN_EXPLAIN_H

#include "core/pattern/impl.h"

enum { SURVEY_VALUES = 8 };

/* What an event has at, and near, one path. Spans point into the event's text. */
typedef struct {
  json_span values[SURVEY_VALUES]; /* the first values there */
  size_t value_count;              /* all of them */
  bool has_object, has_array;      /* an object, or an array, stands there */
  json_span similar_key;           /* a key that could be meant; size 0: none */
  bool similar_in_case;            /* it differs in case only */
  size_t similar_distance;
  text_buffer elsewhere; /* a path with the same last key, where the field is missing */
  text_buffer blocked;   /* a path above where a string stands instead of an object */
} event_survey;

/* Walks a valid event. False when memory is short. */
bool pattern_survey(const char *event, size_t size, const text_buffer *path, event_survey *survey);
void pattern_survey_free(event_survey *survey);

/* Appends a likely cause in plain words, or nothing. */
void pattern_hint(const pattern_set *set, const pattern_condition *condition,
                  const event_survey *survey, text_buffer *hint);

#endif
