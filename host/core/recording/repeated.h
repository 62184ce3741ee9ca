/* Members that line after line of a recording has alike: kind, policy, host, parameters. They are
 * read once; a line that has the same bytes in the same place says the same.
 * Memory: owns a copy of the bytes; its spans are places in that copy. */
#ifndef WEIR_CORE_RECORDING_REPEATED_H
#define WEIR_CORE_RECORDING_REPEATED_H

#include "core/recording/recording_line.h"
#include "core/text/text_buffer.h"

typedef struct {
  text_buffer text; /* from the comma before "kind" up to and with the comma before "facts" */
  json_span kind, params, overrides;
} recording_repeated;

/* Keeps what the line has from `begin` to `end`, which are those commas in its text. Nothing is
 * kept when one of the three stands elsewhere. */
void recording_repeated_keep(recording_repeated *repeated, const recording_line *line,
                             const char *begin, const char *end);

/* Passes over the kept members where they come next, and fills the line's; false: they do not. */
bool recording_repeated_pass(const recording_repeated *repeated, json_scan *scan,
                             recording_line *line);

#endif
