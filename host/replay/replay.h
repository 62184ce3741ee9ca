/* Decides recorded decisions again, on all cores, and compares: with what was recorded (replay) or
 * with a second policy set (diff).
 *
 * Events, counts and digests do not depend on the number of threads: verdicts are collected in the
 * order of the lines. digest.h says what the digests cover.
 *
 * Memory: a replay owns its threads, its sandboxes and its list of files; events passed to
 * callbacks live until the callback returns. The policy files must outlive it. */
#ifndef WEIR_REPLAY_REPLAY_H
#define WEIR_REPLAY_REPLAY_H

#include "policy/kind.h"
#include "policy/sandbox.h"
#include "replay/digest.h"

enum { REPLAY_MAX_JOBS = 64 };

typedef enum {
  REPLAY_DIFFERENCE, /* another decision, or another because */
  REPLAY_FAILURE,    /* the policy failed, or could not be asked */
  REPLAY_BAD_LINE,   /* the line is not a decision */
  REPLAY_SAME,       /* the same decision for the same reason; only with details */
} replay_event_type;

typedef struct {
  replay_event_type type;
  size_t line; /* from 1, in the recording */
  char *id;    /* NULL without */
  char *kind;
  char *field;       /* of a difference: "decision.weights.blue", "because" */
  char *was;         /* decision before: recorded, or of the old set */
  char *was_because; /* JSON texts, all four */
  char *was_action;  /* of the decision before, as a text; NULL when it has none or failed */
  char *is_action;
  char *is; /* decision now */
  char *is_because;
  char file[POLICY_PLACE_BYTES]; /* where the decision of now was made */
  int place;                     /* line in that file; 0 unknown */
  bool was_failure;              /* diff: the old set failed, `was` is its message */
  char *code;                    /* of a failure or bad line: error code, or NULL */
  char *message;
  char *time;  /* with details, of every decision: as recorded; NULL without */
  char *facts; /* of a difference or failure: JSON text */
} replay_event;

enum { REPLAY_ACTIONS = POLICY_ACTIONS_MAX, REPLAY_KINDS = POLICY_KINDS_MAX };

typedef struct {
  uint64_t lines;     /* read, blank ones not counted */
  uint64_t decisions; /* decided, failures included */
  uint64_t identical;
  uint64_t changed;  /* another decision */
  uint64_t reworded; /* the same decision, another because */
  uint64_t failed;
  uint64_t bad_lines;
  uint64_t other_lines; /* log records that are not decisions */
  uint64_t was[REPLAY_KINDS]
              [REPLAY_ACTIONS + 1]; /* by kind and action; the last: unknown, failed */
  uint64_t is[REPLAY_KINDS][REPLAY_ACTIONS + 1];
} replay_counts;

typedef struct {
  const policy_files *files;     /* the set that decides now */
  const policy_files *old_files; /* diff: the set it is compared with; NULL: what was recorded */
  policy_limits limits;
  const char *overrides; /* JSON object for policy_sandbox_override, or NULL */
  size_t overrides_size;
  size_t jobs;  /* 1 to REPLAY_MAX_JOBS */
  bool details; /* an event for every decision, with its time and facts */
} replay_options;

typedef struct {
  void *context;
  void (*event)(void *context, const char *file, const replay_event *event);
  /* Now and then; bytes of the current file. */
  void (*progress)(void *context, const char *file, size_t done, size_t total, uint64_t decisions);
} replay_listener;

typedef struct replay replay;

/* NULL, with the reason in `why`, when memory or threads are short. The sets were loaded before,
 * from the same files and with the same overrides, so nothing else can fail. */
replay *replay_new(const replay_options *options, replay_listener listener, text_buffer *why);

typedef enum {
  REPLAY_READ,       /* to its end */
  REPLAY_UNREADABLE, /* `why` says why; what was read before counts, but the file has no digest */
  REPLAY_OUT_OF_MEMORY, /* the counts must not be used */
} replay_result;

/* Replays one recording; may be called for several in turn, until memory is short. */
replay_result replay_file(replay *r, const char *path, text_buffer *why);

const replay_counts *replay_counts_of(const replay *r);

/* After the last file: every file with its name and its digest, in the order in which the total
 * takes them. The digest is empty where a file was not read to its end, and then the total is empty
 * too: a digest of a part would look like one of the whole. NULL when memory is short. */
const replay_digest_list *replay_finish(replay *r, char total[REPLAY_DIGEST_BYTES]);

void replay_free(replay *r);

#endif
