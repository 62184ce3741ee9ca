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

typedef struct {
  finding *items;
  size_t count;
  size_t capacity;
  size_t errors;
} finding_list;

void finding_list_free(finding_list *list);

/* Moves every finding to the end of another list and empties the first. */
void finding_list_move(finding_list *from, finding_list *to);

/* Appends an error with a printf message. */
void finding_error(finding_list *list, const char *file, int line, const char *code,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

void finding_warning(finding_list *list, const char *file, int line, const char *code,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Gives the newest finding a hint. */
void finding_hint(finding_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
