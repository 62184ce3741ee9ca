/* The digest of what was decided; docs/replay-digest.md defines it byte by byte.
 *
 * Three steps. A decision's part is one line of text. A file's digest is SHA-256 over the parts of
 * its decisions, in order of its lines. The total is SHA-256 over the files' digests, one a line,
 * in byte order of the files' names relative to their common folder. So files can be replayed
 * apart, on different machines, and their digests still give the total of all.
 *
 * Memory: a list owns its entries and their texts; release it with replay_digest_free. */
#ifndef WEIR_REPLAY_DIGEST_H
#define WEIR_REPLAY_DIGEST_H

#include "core/json/scan.h"
#include "core/system/sha256.h"
#include "core/text/text_buffer.h"

enum { REPLAY_DIGEST_BYTES = 72 }; /* "sha256:", 64 hexadecimal digits, NUL */

/* Appends the part of a decision: KIND TAB DECISION TAB BECAUSE LF, each canonical JSON. `kind` is
 * a string that holds no escapes; `decision` and `because` are canonical JSON already. */
void replay_digest_add_decision(text_buffer *out, json_span kind, const text_buffer *decision,
                                const text_buffer *because);

/* Appends the part of a failure: KIND TAB CODE TAB MESSAGE LF; KIND and MESSAGE are canonical JSON
 * texts, CODE is a bare word. */
void replay_digest_add_failure(text_buffer *out, json_span kind, const char *code,
                               const char *message, size_t message_size);

/* The digest of the parts that were fed to the context, which stays as it is. */
void replay_digest_finish(const sha256_context *parts, char digest[REPLAY_DIGEST_BYTES]);

/* One file; the list owns its texts. */
typedef struct {
  char *path; /* as it was given; "-" is standard input */
  char *name; /* set by replay_digest_sort */
  char digest[REPLAY_DIGEST_BYTES];
} replay_digest_file;

typedef struct {
  replay_digest_file *items;
  size_t count;
} replay_digest_list;

/* Adds a file, with an empty digest; the pointer is good until the next one is added. NULL when
 * memory is short. */
replay_digest_file *replay_digest_add_file(replay_digest_list *list, const char *path);

/* Names every file relative to the folder that all have in common, without a final ".gz", and sorts
 * the list by name, files of one name by digest. False when memory is short. */
bool replay_digest_sort(replay_digest_list *list);

/* The total of a sorted list. */
void replay_digest_total(const replay_digest_list *list, char digest[REPLAY_DIGEST_BYTES]);

void replay_digest_free(replay_digest_list *list);

/* True for "sha256:" and 64 lower-case hexadecimal digits. */
bool replay_digest_is_valid(const char *text, size_t size);

#endif
