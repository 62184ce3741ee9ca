/* See policy_files.h. The directory is walked twice: before and after reading; only when both
 * walks saw the same files, sizes and times is the reading whole. Times are those of the kernel's
 * coarse clock, so a file written in the very tick of the first walk could change again unseen:
 * then the reading is repeated in a later tick. */
#include "core/policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/sha256.h"

enum { READ_ATTEMPTS = 12, REST_NANOSECONDS = 10 * 1000 * 1000 };

/* What tells one state of a file from another. */
typedef struct {
  char *path;
  struct stat seen;
} entry;

typedef struct {
  const char *directory;
  char *real; /* the directory with symbolic links resolved */
  entry *items;
  size_t count;
  size_t bytes; /* of all files */
  finding_list *findings;
} walk;

static void walk_free(walk *w) {
  for (size_t i = 0; i < w->count; i++) free(w->items[i].path);
  free(w->items);
  free(w->real);
}

static bool has_lua_suffix(const char *name) {
  size_t size = strlen(name);
  return size > 4 && strcmp(name + size - 4, ".lua") == 0;
}

/* A link that leads out of the directory would make the set depend on what is not in it. */
static bool stays_inside(const walk *w, const char *full) {
  char resolved[PATH_MAX];
  size_t size = strlen(w->real);
  return realpath(full, resolved) && strncmp(resolved, w->real, size) == 0 &&
         (resolved[size] == '/' || size == 1);
}

static bool add_entry(walk *w, const char *path, const char *full, const struct stat *seen) {
  if (seen->st_size > POLICY_FILE_MAX_BYTES) {
    finding_error(w->findings, full, 0, "W002", "is %lld bytes; a policy file has at most %d",
                  (long long)seen->st_size, POLICY_FILE_MAX_BYTES);
    return false;
  }
  w->bytes += (size_t)seen->st_size;
  if (w->bytes > POLICY_FILES_MAX_BYTES) {
    finding_error(w->findings, w->directory, 0, "W002", "has more than %d bytes of Lua files",
                  POLICY_FILES_MAX_BYTES);
    return false;
  }
  if (w->count == POLICY_FILES_MAX_COUNT) {
    finding_error(w->findings, w->directory, 0, "W002", "has more than %d Lua files",
                  POLICY_FILES_MAX_COUNT);
    return false;
  }
  entry *items = realloc(w->items, (w->count + 1) * sizeof *items);
  char *copy = strdup(path);
  if (items) w->items = items;
  if (!items || !copy) {
    free(copy);
    return false;
  }
  w->items[w->count++] = (entry){copy, *seen};
  return true;
}

/* What is gone meanwhile the second walk tells; a link to nowhere is a mistake. */
static bool explain_unseen(walk *w, const char *full, const char *name) {
  int problem = errno;
  struct stat link;
  if (!has_lua_suffix(name) || lstat(full, &link) != 0) return true;
  finding_error(w->findings, full, 0, "W001", "cannot be read: %s", strerror(problem));
  if (S_ISLNK(link.st_mode)) finding_hint(w->findings, "it is a link; see where it leads");
  return false;
}

static bool walk_directory(walk *w, const char *inside, int depth);

static bool walk_name(walk *w, const char *inside, const char *name, int depth) {
  if (name[0] == '.') return true; /* editors' swap files, .git */
  char path[PATH_MAX], full[PATH_MAX];
  int a = snprintf(path, sizeof path, "%s%s%s", inside, *inside ? "/" : "", name);
  int b = snprintf(full, sizeof full, "%s/%s", w->directory, path);
  if (a >= (int)sizeof path || b >= (int)sizeof full) return true;
  struct stat seen;
  if (stat(full, &seen) != 0) return explain_unseen(w, full, name);
  if (S_ISDIR(seen.st_mode))
    return stays_inside(w, full) ? walk_directory(w, path, depth + 1) : true;
  if (!has_lua_suffix(name)) return true;
  if (!S_ISREG(seen.st_mode)) {
    finding_error(w->findings, full, 0, "W001", "is not a regular file");
    return false;
  }
  if (!stays_inside(w, full)) {
    finding_error(w->findings, full, 0, "W001", "is a link that leads out of the directory");
    finding_hint(w->findings, "copy the file into %s", w->directory);
    return false;
  }
  return add_entry(w, path, full, &seen);
}

static bool walk_directory(walk *w, const char *inside, int depth) {
  char full[PATH_MAX];
  if (snprintf(full, sizeof full, "%s/%s", w->directory, inside) >= (int)sizeof full) return true;
  if (depth > POLICY_FILES_MAX_DEPTH) {
    finding_error(w->findings, full, 0, "W002", "is nested deeper than %d", POLICY_FILES_MAX_DEPTH);
    return false;
  }
  DIR *directory = opendir(full);
  if (!directory) {
    finding_error(w->findings, depth ? full : w->directory, 0, "W001", "cannot be read: %s",
                  strerror(errno));
    return false;
  }
  bool ok = true;
  for (struct dirent *item; ok && (item = readdir(directory));)
    ok = walk_name(w, inside, item->d_name, depth);
  closedir(directory);
  return ok;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const entry *)a)->path, ((const entry *)b)->path);
}

static bool walk_all(walk *w) {
  w->real = realpath(w->directory, NULL);
  if (!w->real) {
    finding_error(w->findings, w->directory, 0, "W001", "cannot be read: %s", strerror(errno));
    finding_hint(w->findings, "name a policy directory with -p DIR");
    return false;
  }
  if (!walk_directory(w, "", 0)) return false;
  if (w->count > 1) qsort(w->items, w->count, sizeof *w->items, by_path);
  return true;
}

static int compare_times(const struct timespec *a, const struct timespec *b) {
  if (a->tv_sec != b->tv_sec) return a->tv_sec < b->tv_sec ? -1 : 1;
  return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

static bool same_state(const walk *a, const walk *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++) {
    const struct stat *x = &a->items[i].seen, *y = &b->items[i].seen;
    if (strcmp(a->items[i].path, b->items[i].path) != 0 || x->st_ino != y->st_ino ||
        x->st_size != y->st_size || compare_times(&x->st_mtim, &y->st_mtim) != 0 ||
        compare_times(&x->st_ctim, &y->st_ctim) != 0)
      return false;
  }
  return true;
}

/* Was every file last changed in an earlier tick than `start`? Times from the future (the clock was
 * set back) say nothing about now. The change time, unlike the others, no program can set. */
static bool is_at_rest(const walk *w, const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  for (size_t i = 0; i < w->count; i++) {
    const struct timespec *changed = &w->items[i].seen.st_ctim;
    if (compare_times(changed, start) >= 0 && compare_times(changed, &now) <= 0) return false;
  }
  return true;
}

static bool read_text(policy_file *file, size_t expected) {
  int descriptor = open(file->shown, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO by now? */
  if (descriptor < 0) return false;
  file->text = malloc(expected + 1);
  ssize_t size = 0;
  while (file->text && file->size < expected &&
         (size = read(descriptor, file->text + file->size, expected - file->size)) > 0)
    file->size += (size_t)size;
  close(descriptor);
  if (!file->text || size < 0) return false;
  file->text[file->size] = '\0';
  return true;
}

static bool read_file(policy_files *files, const entry *e, finding_list *findings) {
  policy_file *file = &files->items[files->count++];
  file->path = strdup(e->path);
  if (asprintf(&file->shown, "%s/%s", files->directory, e->path) < 0) file->shown = NULL;
  if (!file->path || !file->shown) return false;
  if (!read_text(file, (size_t)e->seen.st_size)) {
    finding_error(findings, file->shown, 0, "W001", "cannot be read: %s", strerror(errno));
    return false;
  }
  policy_file_seal(file);
  return true;
}

void policy_file_seal(policy_file *file) {
  memcpy(file->digest, "sha256:", 8);
  sha256_text(file->text, file->size, file->digest + 7);
}

void policy_files_seal(policy_files *files) {
  sha256_context context;
  uint8_t out[SHA256_SIZE];
  sha256_start(&context);
  for (size_t i = 0; i < files->count; i++) {
    const policy_file *file = &files->items[i];
    sha256_update(&context, file->path, strlen(file->path) + 1);
    sha256_update(&context, file->digest, strlen(file->digest) + 1);
  }
  sha256_finish(&context, out);
  memcpy(files->digest, "sha256:", 8);
  sha256_hex(out, files->digest + 7);
}

static bool read_all(policy_files *files, const walk *w, finding_list *findings) {
  files->directory = strdup(w->directory);
  files->items = calloc(w->count ? w->count : 1, sizeof *files->items);
  if (!files->directory || !files->items) return false;
  for (size_t i = 0; i < w->count; i++)
    if (!read_file(files, &w->items[i], findings)) return false;
  policy_files_seal(files);
  return true;
}

typedef enum { READ_WHOLE, READ_FAILED, READ_MOVED } read_result;

static read_result read_once(const char *directory, policy_files *files, finding_list *findings) {
  walk before = {.directory = directory, .findings = findings};
  walk after = {.directory = directory, .findings = findings};
  read_result result = READ_FAILED;
  struct timespec start;
  clock_gettime(CLOCK_REALTIME_COARSE, &start);
  if (walk_all(&before)) {
    bool whole = read_all(files, &before, findings);
    bool rested = walk_all(&after) && same_state(&before, &after) && is_at_rest(&before, &start);
    result = !rested ? READ_MOVED : whole ? READ_WHOLE : READ_FAILED;
  }
  walk_free(&before);
  walk_free(&after);
  return result;
}

bool policy_files_read(const char *directory, policy_files *files, finding_list *findings) {
  for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
    finding_list found = {0};
    *files = (policy_files){0};
    read_result result = read_once(directory, files, &found);
    if (result == READ_WHOLE && files->count > 0) return true;
    bool empty = result == READ_WHOLE;
    policy_files_free(files);
    if (result == READ_FAILED) {
      finding_list_move(&found, findings);
      return false;
    }
    finding_list_free(&found);
    if (empty) {
      finding_error(findings, directory, 0, "W001", "has no policy: no file ends in .lua");
      return false;
    }
    nanosleep(&(struct timespec){.tv_nsec = REST_NANOSECONDS}, NULL);
  }
  finding_error(findings, directory, 0, "W001", "kept changing while it was read");
  finding_hint(findings, "write the files to a new directory, then rename it into place");
  return false;
}

void policy_files_free(policy_files *files) {
  for (size_t i = 0; i < files->count; i++) {
    free(files->items[i].path);
    free(files->items[i].shown);
    free(files->items[i].text);
  }
  free(files->items);
  free(files->directory);
  *files = (policy_files){0};
}

const policy_file *policy_files_find(const policy_files *files, const char *path) {
  for (size_t i = 0; i < files->count; i++)
    if (strcmp(files->items[i].path, path) == 0) return &files->items[i];
  return NULL;
}
