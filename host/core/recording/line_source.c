/* See line_source.h. zlib reads plain files as they are, so there is one path for both. */
#include "core/recording/line_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* zlib reads plain files straight into our buffer when that holds two of its own. */
enum { READ_BYTES = 256 * 1024, ZLIB_BYTES = READ_BYTES / 2 };

struct line_source {
  gzFile file;
  text_buffer pending; /* bytes after the last newline of the block before */
  size_t total;
  bool ended;
  bool short_of_memory;
  char error[LINE_ERROR_BYTES];
};

static int open_descriptor(const char *path, char error[LINE_ERROR_BYTES]) {
  bool is_input = strcmp(path, "-") == 0;
  int descriptor = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
  struct stat seen;
  int failure = descriptor < 0 ? errno : 0;
  if (descriptor >= 0 && fstat(descriptor, &seen) == 0 && S_ISDIR(seen.st_mode)) {
    close(descriptor);
    failure = EISDIR;
  }

  if (!failure) return descriptor;
  snprintf(error, LINE_ERROR_BYTES, "cannot be read: %s", strerror(failure));
  errno = failure;

  return -1;
}

line_source *line_source_open(const char *path, char error[LINE_ERROR_BYTES]) {
  int descriptor = open_descriptor(path, error);
  if (descriptor < 0) return NULL;
  line_source *source = calloc(1, sizeof *source);
  struct stat seen;
  if (source && fstat(descriptor, &seen) == 0 && S_ISREG(seen.st_mode))
    source->total = (size_t)seen.st_size;
  if (source) source->file = gzdopen(descriptor, "rb");
  if (!source || !source->file) {
    snprintf(error, LINE_ERROR_BYTES, "cannot be read: not enough memory");
    close(descriptor);
    free(source);
    errno = ENOMEM;

    return NULL;
  }

  gzbuffer(source->file, ZLIB_BYTES);

  return source;
}

static void note_shortage(line_source *source) {
  source->short_of_memory = true;
  snprintf(source->error, sizeof source->error, "not enough memory");
}

static void note_error(line_source *source) {
  int code;
  const char *text = gzerror(source->file, &code);
  if (code == Z_OK || code == Z_STREAM_END) return;
  if (code == Z_MEM_ERROR)
    text = "not enough memory";
  else if (code == Z_BUF_ERROR)
    text = "the compressed data ends early";
  else if (code == Z_DATA_ERROR)
    text = "the compressed data is damaged";
  else if (code == Z_ERRNO)
    text = strerror(errno);
  source->short_of_memory = code == Z_MEM_ERROR;
  snprintf(source->error, sizeof source->error, "%s", text);
}

/* Appends what one read gives to pending; false at the end. */
static bool read_more(line_source *source) {
  if (source->ended || !text_buffer_reserve(&source->pending, READ_BYTES)) {
    if (source->pending.failed) note_shortage(source);
    source->ended = true;
    return false;
  }

  int size = gzread(source->file, source->pending.data + source->pending.size, READ_BYTES);
  if (size > 0) source->pending.size += (size_t)size;
  if (size < READ_BYTES) note_error(source);
  if (size <= 0) source->ended = true;

  return size > 0;
}

/* Gives the first `size` pending bytes away: the block and pending swap their buffers, and only
 * the unfinished line is copied. */
static bool hand_over(line_source *source, text_buffer *block, size_t size) {
  text_buffer whole = source->pending;
  source->pending = *block;
  source->pending.size = 0;
  text_buffer_append(&source->pending, whole.data + size, whole.size - size);
  if (source->pending.failed) note_shortage(source);
  *block = whole;
  block->size = size;

  return size > 0;
}

/* The unfinished line that begins at `start` is too long: keeps a little more of it than a line may
 * have, so that its reader sees that, and passes over the rest. Its newline and what follows stay.
 * False at the end of the file. */
static bool cut_line(line_source *source, size_t start) {
  text_buffer *pending = &source->pending;
  size_t kept = start + LINE_MAX_BYTES + 1;
  const char *newline = NULL;
  pending->size = kept;
  while (!newline && read_more(source)) {
    newline = memchr(pending->data + kept, '\n', pending->size - kept);
    size_t rest = newline ? pending->size - (size_t)(newline - pending->data) : 0;
    if (newline) memmove(pending->data + kept, newline, rest);
    pending->size = kept + rest;
  }

  return newline != NULL;
}

bool line_source_next(line_source *source, text_buffer *block, size_t wanted) {
  text_buffer *pending = &source->pending;
  size_t searched = 0, whole = 0; /* whole: bytes up to the last newline found */
  block->size = 0;
  for (;;) {
    const char *newline = pending->size > searched
                              ? memrchr(pending->data + searched, '\n', pending->size - searched)
                              : NULL;
    if (newline) whole = (size_t)(newline - pending->data) + 1;
    searched = pending->size;
    if (whole >= wanted) return hand_over(source, block, whole);
    if (pending->size - whole > LINE_MAX_BYTES) {
      searched = whole + LINE_MAX_BYTES + 1;
      if (!cut_line(source, whole)) break;
      continue;
    }

    if (!read_more(source)) break;
  }

  /* An unfinished last line of a damaged file is not handed out: it would look like a bad line. */
  size_t rest = source->error[0] ? whole : pending->size;

  return rest > 0 && hand_over(source, block, rest);
}

const char *line_source_error(const line_source *source) {
  return source->error[0] ? source->error : NULL;
}

bool line_source_is_short_of_memory(const line_source *source) {
  return source->short_of_memory;
}

void line_source_progress(line_source *source, size_t *done, size_t *total) {
  z_off_t at = gzoffset(source->file);
  *done = at > 0 ? (size_t)at : 0;
  *total = source->total;
}

void line_source_close(line_source *source) {
  if (!source) return;
  gzclose_r(source->file);
  text_buffer_free(&source->pending);
  free(source);
}
