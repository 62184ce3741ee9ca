/* One line of a recording: the decision-log line `weir.decision/1`, bare or inside a line of a log
 * export; docs/recordings.md lists the forms. (Exports that are one document: export.h.)
 * Memory: spans point into the line, or into the reader's scratch buffer for a line that was quoted
 * inside another. A reader is the caller's: zero at first, recording_reader_free at the end. */
#ifndef WEIR_CORE_RECORDING_DECISION_LINE_H
#define WEIR_CORE_RECORDING_DECISION_LINE_H

#include "core/recording/repeated.h"

#define RECORDING_SCHEMA "weir.decision/1"

/* A decision line beside which another set decided otherwise. In a log it follows the line of the
 * decision itself, which must not count twice: it is a decision only in a recording that has no
 * decision line before it. */
#define RECORDING_SHADOW_SCHEMA "weir.shadow/1"

typedef enum {
  RECORDING_DECISION, /* the line is filled */
  RECORDING_OTHER,    /* plainly not a decision: START, a metric, other text of a log */
  RECORDING_BAD,      /* `error` says what is wrong and `column` where */
  RECORDING_OUT_OF_MEMORY,
} recording_result;

/* What serves line after line. */
typedef struct {
  text_buffer scratch;
  recording_repeated repeated;
  bool decision_seen; /* in this recording, so far */
} recording_reader;

/* Whether a decision line stands in the text, however it is quoted. */
bool recording_has_decision(const char *text, size_t size);

/* Reads one line (without its newline). */
recording_result recording_read(recording_reader *reader, const char *text, size_t size,
                                recording_line *line, text_buffer *error, size_t *column);

void recording_reader_free(recording_reader *reader);

#endif
