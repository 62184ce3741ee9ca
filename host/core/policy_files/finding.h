/* What loading and verifying a policy set found: `file:line:column: severity[code] message`.
 * Memory: the list owns copies of every text; release with finding_list_free. */
#ifndef WEIR_CORE_POLICY_FILES_FINDING_H
#define WEIR_CORE_POLICY_FILES_FINDING_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { FINDING_ERROR, FINDING_WARNING } finding_severity;

typedef struct {
  char *file; /* as the operator knows it: "policies/routing.lua" */
  int line;   /* from 1; 0 when the whole file or directory is meant */
  int column; /* from 1; 0 when unknown */
  finding_severity severity;
  const char *code; /* static: "W003"; explained in docs/findings/ */
  char *message;
  char *hint; /* what to do next, or NULL */
} finding;

/* Whose fault it is that a set cannot be used; the worst comes last. */
typedef enum {
  FINDING_CAUSE_POLICY, /* its author's */
  FINDING_CAUSE_DIGEST, /* a bundle is not what its digests say */
  FINDING_CAUSE_MEMORY, /* the machine's: memory is short, and nothing is known about the set */
} finding_cause;

typedef struct {
  finding *items;
  size_t count;
  size_t capacity;
  size_t errors;
  finding_cause cause; /* the worst so far; W001 with "not enough memory" notes that one */
} finding_list;

void finding_list_free(finding_list *list);

/* Moves every finding to the end of another list and empties the first. */
void finding_list_move(finding_list *from, finding_list *to);

/* Appends an error with a printf message. */
void finding_error(finding_list *list, const char *file, int line, const char *code,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

void finding_warning(finding_list *list, const char *file, int line, const char *code,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Notes a cause, unless a worse one is noted. */
void finding_list_blame(finding_list *list, finding_cause cause);

/* Appends the error that memory is short, and notes that cause. */
void finding_out_of_memory(finding_list *list, const char *file);

/* Gives the newest finding a hint. */
void finding_hint(finding_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
