/* This process: the time, chance, where its program file is, waiting, and keeping its memory.
 * Memory: results go into the caller's buffers. */
#ifndef WEIR_CORE_SYSTEM_PROCESS_H
#define WEIR_CORE_SYSTEM_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Milliseconds on a clock that is never set back; only differences mean anything. */
int64_t process_clock_ms(void);

/* Milliseconds since 1970, UTC. */
int64_t process_time_ms(void);

/* Microseconds since 1970, UTC. */
int64_t process_time_us(void);

/* Writes a time (milliseconds since 1970) as RFC 3339 has it, in UTC: "2026-11-22T03:04:05.678Z".
 */
enum { PROCESS_TIMESTAMP_BYTES = 32 };
void process_timestamp(int64_t time_ms, char text[PROCESS_TIMESTAMP_BYTES]);

/* Writes all of the texts, one after the other, and changes the list; what two threads write never
 * mingles. 0 or errno. */
int process_write(int descriptor, struct iovec *texts, int count);

/* From now on a write beyond the file-size limit, or to a pipe that nobody reads, fails with EFBIG
 * or EPIPE, where the system would end the process. Programs that are started later are not
 * affected. */
void process_survive_failed_writes(void);

/* Takes that back for pipes. */
void process_end_by_broken_pipe(void);

/* Fills bytes from the system's random source; false when there is none. */
bool process_random(void *bytes, size_t size);

/* 32 hexadecimal digits that no other call anywhere gives; false without a random source. */
enum { PROCESS_ID_BYTES = 33 };
bool process_new_id(char id[PROCESS_ID_BYTES]);

/* Waits; a signal that does not end the process does not shorten it. */
void process_sleep_ms(int64_t milliseconds);

/* From now on no memory of this process leaves it: no core dump, no other process of the user that
 * reads it. Builds with a sanitizer stay readable, as their leak check needs. False when the system
 * refuses. */
bool process_keep_secrets(void);

/* The path of the running program. False when it is unknown or does not fit. */
bool process_executable(char *path, size_t capacity);

#endif
