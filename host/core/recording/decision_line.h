/* One line of a recording: the decision-log line `weir.decision/1`, bare or inside a line of a log
 * export; docs/recordings.md lists the forms. (Exports that are one document: export.h.)
 * Memory: spans point into the line, or into the caller's scratch buffer for a line that was
 * quoted inside another. */
#ifndef WEIR_CORE_RECORDING_DECISION_LINE_H
#define WEIR_CORE_RECORDING_DECISION_LINE_H

#include "core/json/members.h"
#include "core/text/text_buffer.h"

#define RECORDING_SCHEMA "weir.decision/1"

typedef struct {
  json_span id; /* size 0 when absent; strings still escaped */
  json_span time;
  json_span kind;
  json_span params;     /* object */
  json_span overrides;  /* array of names, or absent */
  json_span facts;      /* object */
  json_span decision;   /* object */
  json_span because;    /* string */
  json_members members; /* of facts */
} recording_line;

typedef enum {
  RECORDING_DECISION, /* the line is filled */
  RECORDING_OTHER,    /* plainly not a decision: START, a metric, other text of a log */
  RECORDING_BAD,      /* `error` says what is wrong and `column` where */
  RECORDING_OUT_OF_MEMORY,
} recording_result;

/* Reads one line (without its newline). */
recording_result recording_read(const char *text, size_t size, recording_line *line,
                                text_buffer *scratch, text_buffer *error, size_t *column);

#endif
