/* See digest.h. */
#include "replay/digest.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/json/write.h"

static const char PREFIX[] = "sha256:";

enum { PREFIX_SIZE = sizeof PREFIX - 1 };

void replay_digest_add_decision(text_buffer *out, json_span kind, const text_buffer *decision,
                                const text_buffer *because) {
  json_write_string(out, kind.at, kind.size);
  text_buffer_byte(out, '\t');
  text_buffer_append(out, decision->data, decision->size);
  text_buffer_byte(out, '\t');
  text_buffer_append(out, because->data, because->size);
  text_buffer_byte(out, '\n');
}

void replay_digest_add_failure(text_buffer *out, json_span kind, const char *code,
                               const char *message, size_t message_size) {
  json_write_string(out, kind.at, kind.size);
  text_buffer_byte(out, '\t');
  text_buffer_text(out, code);
  text_buffer_byte(out, '\t');
  json_write_string(out, message, message_size);
  text_buffer_byte(out, '\n');
}

void replay_digest_finish(const sha256_context *parts, char digest[REPLAY_DIGEST_BYTES]) {
  sha256_context copy = *parts;
  uint8_t bytes[SHA256_SIZE];

  sha256_finish(&copy, bytes);
  memcpy(digest, PREFIX, PREFIX_SIZE);
  sha256_hex(bytes, digest + PREFIX_SIZE);
}

bool replay_digest_is_valid(const char *text, size_t size) {
  if (size != REPLAY_DIGEST_BYTES - 1 || memcmp(text, PREFIX, PREFIX_SIZE) != 0) return false;
  return strspn(text + PREFIX_SIZE, "0123456789abcdef") == size - PREFIX_SIZE;
}

static bool is_standard_input(const char *path) {
  return strcmp(path, "-") == 0;
}

/* Appends "/" and each component of the path; "." and "" are left out, ".." takes one away. */
static void append_components(text_buffer *out, const char *path) {
  while (*path) {
    size_t size = strcspn(path, "/");

    if (size == 2 && memcmp(path, "..", 2) == 0) {
      while (out->size > 0 && out->data[--out->size] != '/')
        ;
    } else if (size > 0 && !(size == 1 && *path == '.')) {
      text_buffer_byte(out, '/');
      text_buffer_append(out, path, size);
    }

    path += size + (path[size] == '/');
  }
}

/* Removes every ".gz" from the end of the last component, unless nothing would be left of it. */
static void drop_gz(text_buffer *path) {
  while (path->size > 4 && memcmp(path->data + path->size - 3, ".gz", 3) == 0 &&
         path->data[path->size - 4] != '/')
    path->size -= 3;
}

/* The path from the root, as text: no symbolic link is followed. NULL when memory is short. */
static char *absolute_path(const char *path) {
  text_buffer out = {0};
  char working[PATH_MAX];

  if (*path != '/' && getcwd(working, sizeof working)) append_components(&out, working);
  append_components(&out, path);
  drop_gz(&out);
  if (out.size == 0) text_buffer_byte(&out, '/');
  text_buffer_byte(&out, '\0');
  if (!out.failed) return out.data;
  text_buffer_free(&out);

  return NULL;
}

/* The bytes of `path` up to and with the last '/' among its first `size`. */
static size_t folder_size(const char *path, size_t size) {
  while (size > 0 && path[size - 1] != '/') size--;
  return size;
}

/* The size of the common folder of all files but standard input, its '/' included. */
static size_t common_folder(const replay_digest_list *list) {
  const char *first = NULL;
  size_t common = 0;

  for (size_t i = 0; i < list->count; i++) {
    const char *path = list->items[i].name;
    if (is_standard_input(path)) continue;
    if (!first) {
      first = path;
      common = folder_size(path, strlen(path));
    }

    size_t same = 0;
    while (same < common && path[same] == first[same]) same++;
    common = folder_size(first, same);
  }

  return common;
}

static int by_name(const void *a, const void *b) {
  const replay_digest_file *left = a, *right = b;
  int order = strcmp(left->name, right->name);

  return order ? order : strcmp(left->digest, right->digest);
}

replay_digest_file *replay_digest_add_file(replay_digest_list *list, const char *path) {
  replay_digest_file *items = realloc(list->items, (list->count + 1) * sizeof *items);
  if (!items) return NULL;
  list->items = items;

  char *copy = strdup(path);
  if (!copy) return NULL;
  replay_digest_file *file = &items[list->count++];
  *file = (replay_digest_file){.path = copy};
  return file;
}

bool replay_digest_sort(replay_digest_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    replay_digest_file *file = &list->items[i];
    free(file->name);
    file->name = is_standard_input(file->path) ? strdup(file->path) : absolute_path(file->path);
    if (!file->name) return false;
  }

  size_t common = common_folder(list);
  for (size_t i = 0; i < list->count; i++) {
    char *name = list->items[i].name;
    if (!is_standard_input(name)) memmove(name, name + common, strlen(name + common) + 1);
  }

  if (list->count > 0) qsort(list->items, list->count, sizeof *list->items, by_name);

  return true;
}

void replay_digest_total(const replay_digest_list *list, char digest[REPLAY_DIGEST_BYTES]) {
  sha256_context context;

  sha256_start(&context);
  for (size_t i = 0; i < list->count; i++) {
    sha256_update(&context, list->items[i].digest, REPLAY_DIGEST_BYTES - 1);
    sha256_update(&context, "\n", 1);
  }

  replay_digest_finish(&context, digest);
}

void replay_digest_free(replay_digest_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    free(list->items[i].path);
    free(list->items[i].name);
  }

  free(list->items);
  *list = (replay_digest_list){0};
}
