/* Runs a program without a shell and collects its standard output, within limits.
 * Used for `credential_process`, so nothing of the output ever reaches a log from here: it is
 * wiped when a run fails, and standard error goes nowhere.
 * Memory: the result owns `output`; release with command_result_free. */
#ifndef WEIR_CORE_SYSTEM_COMMAND_H
#define WEIR_CORE_SYSTEM_COMMAND_H

#include "core/text/text_buffer.h"

typedef enum {
  COMMAND_EXITED,           /* by itself; see exit_status */
  COMMAND_SIGNALLED,        /* by a signal; see exit_status */
  COMMAND_NOT_STARTED,      /* see start_errno */
  COMMAND_TIMEOUT,          /* killed */
  COMMAND_OUTPUT_TOO_LARGE, /* killed */
} command_outcome;

typedef struct {
  command_outcome outcome;
  int exit_status; /* or the signal's number */
  int start_errno;
  text_buffer output;
} command_result;

/* argv ends with NULL; argv[0] is looked up in PATH. Standard input is empty. The whole process
 * group is killed when the time or the output runs over. */
command_result command_run(char *const argv[], int64_t timeout_ms, size_t output_max);

void command_result_free(command_result *result);

#endif
