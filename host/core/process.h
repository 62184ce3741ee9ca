/* This process: how long it has run, where its program file is, and waiting.
 * Memory: results go into the caller's buffers. Callers: bindings/process.c. */
#ifndef WEIR_PROCESS_H
#define WEIR_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds on a clock that is never set back; only differences mean anything. */
int64_t process_clock_ms(void);

/* Waits; a signal that does not end the process does not shorten it. */
void process_sleep_ms(int64_t milliseconds);

/* The path of the running program. False when it is unknown or does not fit. */
bool process_executable(char *path, size_t capacity);

#endif
