/* `weir emulate`: Lambda on this machine. Listens on 127.0.0.1 for the invoke API that AWS's SDKs
 * and command line speak, starts environments (a process of the runtime, each with a Runtime API on
 * a port of its own), hands out invocations, and reports as Lambda does.
 *
 * One thread and one loop: nothing here is locked, and nothing blocks but poll and the log.
 * Memory: the emulator owns all it makes; what the options point to must outlive it. */
#ifndef WEIR_EMULATOR_EMULATOR_H
#define WEIR_EMULATOR_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  const char *program;           /* the file to run */
  const char *argv0;             /* the name it is told */
  const char *handler;           /* _HANDLER */
  const char *function_name;     /* AWS_LAMBDA_FUNCTION_NAME */
  const char *task_root;         /* LAMBDA_TASK_ROOT, and where it runs */
  const char *layer;             /* LAMBDA_RUNTIME_DIR; its bin and lib come to the search paths */
  const char *const *variables;  /* "NAME=VALUE" each, a NULL at the end */
  const char *const *qualifiers; /* versions and aliases besides $LATEST, a NULL at the end */
  int port;                      /* 0: a free one */
  int timeout_s;
  int memory_mb;
  int concurrency;  /* environments at most */
  int managed;      /* 0, or invocations at a time in one environment */
  bool json_logs;   /* platform lines as Lambda's JSON format */
  bool json_events; /* stdout holds nothing but one JSON object a line */
} emulator_options;

typedef struct emulator_host emulator_host;

/* Listens, and blocks the signals that emulator_run takes until emulator_free. NULL with errno set
 * when that fails: EADDRINUSE, EACCES, ENOMEM… */
emulator_host *emulator_new(const emulator_options *options);

/* Where it listens, on 127.0.0.1 and, if it can, on ::1. */
int emulator_port_number(const emulator_host *emulator);

/* Serves until SIGINT, SIGTERM or SIGHUP; then every environment has ended. False when the log
 * cannot be written (errno says why). */
bool emulator_run(emulator_host *emulator);

/* Kills what still runs. NULL is fine. */
void emulator_free(emulator_host *emulator);

#endif
