/* The decision log: one line a decision, written before its effects run, never edited. Each line
 * is itself a recording (core/recording/decision_line.h reads it).
 * Memory: lines go into the caller's buffer. */
#ifndef WEIR_POLICY_DECISION_LOG_H
#define WEIR_POLICY_DECISION_LOG_H

#include "policy/kind.h"

typedef struct {
  const char *id;   /* NULL-able texts; UTF-8 */
  const char *time; /* "2026-11-22T03:04:05.678Z" */
  const char *request_id;
  const char *redacted; /* JSON: the list of the facts' places that were taken out; NULL: none */
  int64_t eval_us;
} decision_origin;

/* Appends the line, without newline, for an answer that is a decision. False when memory is short
 * or a text of the origin is not UTF-8. */
bool decision_log_line(const policy_kind *kind, const policy_question *question,
                       const policy_answer *answer, const decision_origin *origin,
                       text_buffer *out);

/* Appends line and newline to the file with one write. False, with errno set, when it fails. */
bool decision_log_append(const char *path, text_buffer *line);

#endif
