/* EventBridge event patterns: many named patterns compiled into one matcher, and events matched
 * as JSON text in one pass.
 *
 * The cost of an event hardly depends on the number of patterns: values are looked up in hash
 * tables, byte tries and interval trees, and a pattern is looked at only when its rarest
 * condition held. Conditions on fields of one array hold within one element of it.
 *
 * Threads: a set never changes after pattern_compile and may be shared; a scratch belongs
 * to one thread at a time.
 * Memory: a set copies what it needs of the patterns; a scratch keeps its buffers from one event
 * to the next. Free the scratch before the set. */
#ifndef WEIR_CORE_PATTERN_PATTERN_H
#define WEIR_CORE_PATTERN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text/text_buffer.h"

typedef struct pattern_set pattern_set;
typedef struct pattern_scratch pattern_scratch;

/* One pattern's JSON text. */
typedef struct {
  const char *text;
  size_t size;
} pattern_source;

/* Why patterns were refused: which one (its index), and EventBridge's message. */
typedef struct {
  size_t index;
  text_buffer message; /* the caller frees it */
} pattern_error;

/* Compiles `count` patterns. NULL when one is refused or memory is short; `error` says why. */
pattern_set *pattern_compile(const pattern_source *sources, size_t count, pattern_error *error);
void pattern_free(pattern_set *set);

/* NULL when memory is short. */
pattern_scratch *pattern_scratch_new(const pattern_set *set);
void pattern_scratch_free(pattern_scratch *scratch);

/* What matched: indices of the patterns, ascending; valid until the scratch is used again.
 * When the event is refused nothing matches, and `error` says why, at `line` and `column`. */
typedef struct {
  const uint32_t *patterns;
  size_t count;
  const char *error; /* static text */
  size_t line, column;
} pattern_result;

/* Matches one event. False when the event is not a valid JSON object, or is too large or too
 * tangled to decide within bounds (see match.c). */
bool pattern_match(const pattern_set *set, pattern_scratch *scratch, const char *event, size_t size,
                   pattern_result *result);

/* One reason for which a pattern does not match. */
typedef struct {
  char *path;   /* "detail.state" */
  char *wanted; /* the pattern's list, as JSON */
  char *found;  /* the event's values at that path, as JSON; "(missing)" when there are none */
  char *hint;   /* a likely cause in plain words, or "" */
} pattern_miss;

typedef struct {
  pattern_miss *misses;
  size_t count;
} pattern_explanation;

/* Says why the only pattern of a set does not match an event, of which pattern_match has just found
 * so with this scratch. False when memory is short; the explanation is empty then. */
bool pattern_explain(const pattern_set *set, pattern_scratch *scratch, const char *event,
                     size_t size, pattern_explanation *explanation);

/* Appends what the explanation of that miss follows from: misses with the same text have the same
 * explanation. False, having appended anything, where it follows from more than the values at the
 * paths of the pattern: where one is missing, or long, or where there are many. */
bool pattern_explain_key(const pattern_set *set, pattern_scratch *scratch, text_buffer *key);

void pattern_explanation_free(pattern_explanation *explanation);

#endif
