/* Deciding and comparing the lines of one block: what a worker thread of a replay does.
 * Memory: a judge owns its sandboxes and buffers; a verdict owns its transcript, its events and
 * their texts until replay_verdict_reset. */
#ifndef WEIR_REPLAY_IMPL_H
#define WEIR_REPLAY_IMPL_H

#include "core/recording/decision_line.h"
#include "replay/replay.h"

/* Texts of events lie one behind the other in chunks. */
typedef struct replay_chunk replay_chunk;

typedef struct {
  replay_counts counts;
  replay_chunk *texts; /* the newest chunk, which leads to the others */
  replay_event *events;
  size_t event_count;
  size_t event_capacity;
  text_buffer transcript; /* what the digest is taken over */
  bool short_of_memory;
} replay_verdict;

typedef struct {
  policy_sandbox *now;
  policy_sandbox *old; /* diff only */
  policy_answer answer;
  policy_answer old_answer;
  recording_reader reader;
  text_buffer error;
  text_buffer kind; /* of a line that escapes it */
  text_buffer path; /* of the first difference */
  bool details;     /* as in replay_options */
  bool placed;      /* the line before differed: where this one is decided is noted at once */
} replay_judge;

/* Judges the lines of a block, which ends with a newline or with the file; `first` is the number
 * of its first line. */
void replay_judge_block(replay_judge *judge, const char *text, size_t size, size_t first,
                        replay_verdict *verdict);

void replay_judge_free(replay_judge *judge);

/* A new event of the verdict; NULL, noted in the verdict, when memory is short. */
replay_event *replay_event_new(replay_verdict *verdict, replay_event_type type, size_t line);

/* Copies for an event: a text, a JSON value as it stands in its line, what a string says, a buffer.
 * NULL for none, and, noted in the verdict, when memory is short: an event that lacks a text would
 * say something else. */
char *replay_event_copy(replay_verdict *verdict, const char *text);
char *replay_event_span(replay_verdict *verdict, json_span span);
char *replay_event_text(replay_verdict *verdict, json_span string);
char *replay_event_buffer(replay_verdict *verdict, const text_buffer *buffer);

void replay_verdict_reset(replay_verdict *verdict);
void replay_verdict_free(replay_verdict *verdict);

#endif
