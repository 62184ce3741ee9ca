/* What the command line asks of the file system: read, list, describe, make directories. Every call
 * answers 0 or an errno value; EFBIG means "more than the limit", which is never silent.
 *
 * Memory: results go into text_buffers that the caller owns. */
#ifndef WEIR_CORE_SYSTEM_FILES_H
#define WEIR_CORE_SYSTEM_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/text/text_buffer.h"

typedef enum { FILES_FILE, FILES_DIRECTORY, FILES_OTHER } files_type;

typedef struct {
  files_type type;
  bool executable; /* by anybody */
  int64_t size;
  int64_t modified_ns; /* since 1970 */
} files_status;

/* Opens for reading; "-" is standard input. A directory is EISDIR here, not at the first read. */
int files_open(const char *path, int *descriptor);

/* Appends what one read gives, at most `most` bytes; nothing appended means the end. Short reads
 * are passed on, so that a pipe's lines arrive as they are written. */
int files_read_some(int descriptor, size_t most, text_buffer *out);

/* Appends the whole file; EFBIG as soon as it is known to be longer than limit. */
int files_read(const char *path, size_t limit, text_buffer *out);

/* Appends the names in a directory, each with its NUL, without "." and "..", in any order. */
int files_list(const char *path, text_buffer *out);

/* Follows symbolic links. */
int files_stat(const char *path, files_status *status);

/* Appends the path as it is from anywhere: whole, without links, "." and "..". */
int files_absolute(const char *path, text_buffer *out);

/* Makes the directory, and those above it, where they are missing. */
int files_make_directory(const char *path);

/* A stable word for an errno value: "NotFound", "PermissionDenied", … "IoError". */
const char *files_error_code(int error);

/* A sentence for people: "no such file or directory". */
const char *files_error_text(int error);

#endif
