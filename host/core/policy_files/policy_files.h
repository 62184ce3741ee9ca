/* A policy directory, read once and completely: the sources that a policy set is made from.
 * Reading is consistent: a directory that changes meanwhile is read again, and refused when it
 * does not come to rest.
 * Memory: policy_files owns every text and is immutable after reading, so threads can share it. */
#ifndef WEIR_CORE_POLICY_FILES_POLICY_FILES_H
#define WEIR_CORE_POLICY_FILES_POLICY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/policy_files/finding.h"
#include "core/text/text_buffer.h"

enum {
  POLICY_FILE_MAX_BYTES = 256 * 1024,
  POLICY_FILES_MAX_BYTES = 1024 * 1024, /* all together: compiling can take seconds a megabyte */
  POLICY_FILES_MAX_COUNT = 256,
  POLICY_FILES_MAX_DEPTH = 8,
};

typedef struct {
  char *path;  /* inside the directory: "routing.lua", "lib/sizes.lua" */
  char *shown; /* with the directory in front, for messages and chunk names */
  char *text;  /* NUL-terminated copy */
  size_t size;
  char digest[72]; /* "sha256:" and 64 hex digits, of this file alone */
  char kind[32];   /* of the policy in it, where a stamp or the build tells; else empty */
} policy_file;

/* What says that a program verified a set: which one, what one decision and one load might use
 * then, and how many examples passed. Without a build nothing says so. */
typedef struct {
  char build[72];
  int64_t instructions, load_instructions;
  int64_t memory, load_memory; /* bytes */
  int64_t examples;
} policy_stamp;

typedef struct {
  char *directory;
  policy_file *items; /* sorted by path */
  size_t count;
  char digest[72];    /* of all paths and digests */
  policy_stamp stamp; /* of the bundle that they are from */
} policy_files;

/* False, with findings, when the directory cannot be read or has no Lua file. */
bool policy_files_read(const char *directory, policy_files *files, finding_list *findings);

/* Appends the paths inside the directory of all files that reading it would read, in order and each
 * with a NUL behind it. Of a directory that cannot be read as a whole, what can be. */
void policy_files_list(const char *directory, text_buffer *paths);

void policy_files_free(policy_files *files);

/* Computes a file's digest; then the set's, of files that are sealed and in order of path. */
void policy_files_seal_one(policy_file *file);
void policy_files_seal(policy_files *files);

/* Whether the files are byte by byte the policies that were there when this program was built, and
 * were verified then. If so, notes which kind is in which file. */
bool policy_files_are_shipped(policy_files *files);

/* Who this program is: "sha256:…" over its sources and its Lua, the same for every processor. */
const char *policy_files_build(void);

/* NULL when there is no such file. */
const policy_file *policy_files_find(const policy_files *files, const char *path);

/* The line of the first such word in the file, or 0. For messages about what Lua keeps no line of:
 * the members of a table, and `return policy {…}`, which is a tail call. */
int policy_files_line_of(const policy_file *file, const char *word, size_t size);

#endif
