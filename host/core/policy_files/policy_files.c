/* See policy_files.h. The directory is walked twice: before and after reading; only when both
 * walks saw the same files, sizes and times is the reading whole. Times are those of the kernel's
 * coarse clock, so a file written in the very tick of the first walk could change again unseen:
 * then the reading is repeated in a later tick. Links in the directory's own path are followed once
 * a walk, and each file read has to be the very one that the walk saw: a link that leads elsewhere
 * for a moment, and back before the second walk, would otherwise mix two sets. */
#include "core/policy_files/policy_files.h"

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

#include "core/system/sha256.h"

enum { READ_ATTEMPTS = 12, REST_NANOSECONDS = 10 * 1000 * 1000 };

typedef enum { READ_WHOLE, READ_FAILED, READ_MOVED } read_result;

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

/* Where the system finds what messages call directory/path: no link there can lead elsewhere by
 * now. */
static void note_unreadable(finding_list *findings, const char *path, int error) {
  if (error == ENOMEM)
    finding_out_of_memory(findings, path);
  else
    finding_error(findings, path, 0, "W001", "cannot be read: %s", strerror(error));
}

static bool real_path(const walk *w, const char *path, char out[PATH_MAX]) {
  return snprintf(out, PATH_MAX, "%s/%s", w->real, path) < PATH_MAX;
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
static bool explain_unseen(walk *w, const char *real, const char *shown) {
  int problem = errno;
  struct stat link;
  if (!has_lua_suffix(shown) || lstat(real, &link) != 0) return true;
  note_unreadable(w->findings, shown, problem);
  if (S_ISLNK(link.st_mode)) finding_hint(w->findings, "it is a link; see where it leads");

  return false;
}

static bool walk_directory(walk *w, const char *inside, int depth);

static bool walk_name(walk *w, const char *inside, const char *name, int depth) {
  if (name[0] == '.') return true; /* editors' swap files, .git */
  char path[PATH_MAX], full[PATH_MAX], real[PATH_MAX];
  int a = snprintf(path, sizeof path, "%s%s%s", inside, *inside ? "/" : "", name);
  int b = snprintf(full, sizeof full, "%s/%s", w->directory, path);
  if (a >= (int)sizeof path || b >= (int)sizeof full || !real_path(w, path, real)) return true;
  struct stat seen;
  if (lstat(real, &seen) != 0) return explain_unseen(w, real, full);
  bool link = S_ISLNK(seen.st_mode);
  if (link && stat(real, &seen) != 0) return explain_unseen(w, real, full);
  bool inside_set = !link || stays_inside(w, real);
  if (S_ISDIR(seen.st_mode)) return inside_set ? walk_directory(w, path, depth + 1) : true;
  if (!has_lua_suffix(name)) return true;
  if (!S_ISREG(seen.st_mode)) {
    finding_error(w->findings, full, 0, "W001", "is not a regular file");
    return false;
  }

  if (!inside_set) {
    finding_error(w->findings, full, 0, "W001", "is a link that leads out of the directory");
    finding_hint(w->findings, "copy the file into %s", w->directory);
    return false;
  }

  return add_entry(w, path, full, &seen);
}

static bool walk_directory(walk *w, const char *inside, int depth) {
  char full[PATH_MAX], real[PATH_MAX];
  int size = snprintf(full, sizeof full, "%s/%s", w->directory, inside);
  if (size >= (int)sizeof full || !real_path(w, inside, real)) return true;
  if (depth > POLICY_FILES_MAX_DEPTH) {
    finding_error(w->findings, full, 0, "W002", "is nested deeper than %d", POLICY_FILES_MAX_DEPTH);
    return false;
  }

  DIR *directory = opendir(real);
  if (!directory) {
    note_unreadable(w->findings, depth ? full : w->directory, errno);
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
    note_unreadable(w->findings, w->directory, errno);
    finding_hint(w->findings, "name the directory that holds the policies");
    return false;
  }

  if (!walk_directory(w, "", 0)) return false;
  if (w->count > 1) qsort(w->items, w->count, sizeof *w->items, by_path);

  return true;
}

void policy_files_list(const char *directory, text_buffer *paths) {
  finding_list findings = {0}; /* reading the directory tells them */
  walk w = {.directory = directory, .findings = &findings};
  if (!walk_all(&w) && w.count > 1) qsort(w.items, w.count, sizeof *w.items, by_path);

  for (size_t i = 0; i < w.count; i++)
    text_buffer_append(paths, w.items[i].path, strlen(w.items[i].path) + 1);
  walk_free(&w);
  finding_list_free(&findings);
}

static int compare_times(const struct timespec *a, const struct timespec *b) {
  if (a->tv_sec != b->tv_sec) return a->tv_sec < b->tv_sec ? -1 : 1;
  return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         compare_times(&a->st_mtim, &b->st_mtim) == 0 &&
         compare_times(&a->st_ctim, &b->st_ctim) == 0;
}

static bool same_state(const walk *a, const walk *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->items[i].path, b->items[i].path) != 0 ||
        !same_file(&a->items[i].seen, &b->items[i].seen))
      return false;
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

/* A file that is gone, or is another, was moved since the walk. */
static read_result read_text(policy_file *file, const char *real, const struct stat *seen) {
  struct stat opened;
  size_t expected = (size_t)seen->st_size;
  int descriptor = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO by now? */
  if (descriptor < 0) return errno == ENOENT ? READ_MOVED : READ_FAILED;
  bool same = fstat(descriptor, &opened) == 0 && same_file(&opened, seen);
  file->text = same ? malloc(expected + 1) : NULL;
  ssize_t size = 0;
  while (file->text && file->size < expected &&
         (size = read(descriptor, file->text + file->size, expected - file->size)) > 0)
    file->size += (size_t)size;
  close(descriptor);
  if (!same) return READ_MOVED;
  if (!file->text || size < 0) return READ_FAILED;
  file->text[file->size] = '\0';

  return READ_WHOLE;
}

static read_result read_file(policy_files *files, const walk *w, const entry *e) {
  policy_file *file = &files->items[files->count++];
  char real[PATH_MAX];
  file->path = strdup(e->path);
  if (asprintf(&file->shown, "%s/%s", files->directory, e->path) < 0) file->shown = NULL;
  if (!file->path || !file->shown || !real_path(w, e->path, real)) return READ_FAILED;
  read_result result = read_text(file, real, &e->seen);
  if (result == READ_FAILED) note_unreadable(w->findings, file->shown, errno);
  if (result == READ_WHOLE) policy_files_seal_one(file);

  return result;
}

void policy_files_seal_one(policy_file *file) {
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

static read_result read_all(policy_files *files, const walk *w) {
  files->directory = strdup(w->directory);
  files->items = calloc(w->count ? w->count : 1, sizeof *files->items);
  if (!files->directory || !files->items) return READ_FAILED;
  for (size_t i = 0; i < w->count; i++) {
    read_result result = read_file(files, w, &w->items[i]);
    if (result != READ_WHOLE) return result;
  }

  policy_files_seal(files);

  return READ_WHOLE;
}

static read_result read_once(const char *directory, policy_files *files, finding_list *findings) {
  walk before = {.directory = directory, .findings = findings};
  walk after = {.directory = directory, .findings = findings};
  read_result result = READ_FAILED;
  struct timespec start;
  clock_gettime(CLOCK_REALTIME_COARSE, &start);
  if (walk_all(&before)) {
    result = read_all(files, &before);
    if (!walk_all(&after) || !same_state(&before, &after) || !is_at_rest(&before, &start))
      result = READ_MOVED;
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

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

int policy_files_line_of(const policy_file *file, const char *word, size_t size) {
  int line = 1;
  bool inside = false; /* a longer word */
  for (const char *at = file->text, *end = at + file->size; at + size <= end; at++) {
    if (!inside && memcmp(at, word, size) == 0 && !is_letter(at[size])) return line;
    line += *at == '\n';
    inside = is_letter(*at);
  }

  return 0;
}
