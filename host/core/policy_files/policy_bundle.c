/* See policy_bundle.h. */
#include "core/policy_files/policy_bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/members.h"
#include "core/json/writer.h"
#include "core/system/files.h"
#include "core/text/shown_text.h"

static const char SCHEMA[] = "weir.bundle/1";

enum { PATH_MAX_BYTES = 512, STAMP_NUMBERS = 5 };

typedef struct {
  const char *name;
  json_scan scan;
  policy_files *files;
  finding_list *findings;
} reader;

static bool refuse(reader *self, const char *why) {
  finding_error(self->findings, self->name, 0, "W013", "%s", why);
  finding_hint(self->findings, "make it again with weir bundle");
  return false;
}

static bool out_of_memory(reader *self) {
  finding_out_of_memory(self->findings, self->name);
  return false;
}

/* The members of the object that comes next, in the order of names; each once. Those behind the
 * first `needed` may be missing: their values are then without text. */
static bool read_object(reader *self, const char *const *names, size_t needed, size_t count,
                        json_span *values) {
  json_members members;
  json_span object;
  size_t all = 0;
  if (!json_read_members(&self->scan, &members, &object)) return false;
  for (size_t n = 0; n < count; n++) {
    size_t found = 0;
    for (size_t i = 0; i < members.count; i++) {
      if (!json_string_equals(members.items[i].key, names[n], strlen(names[n]))) continue;
      values[n] = members.items[i].value;
      found++;
    }

    if (found > 1 || (found == 0 && n < needed)) return false;
    all += found;
  }

  return members.count == all;
}

/* A copy of a JSON string, unescaped, with a NUL behind; NULL for any other value. */
static char *copy_text(json_span value, size_t *size) {
  if (value.type != JSON_STRING) return NULL;
  char *text = malloc(value.size + 1);
  if (!text) return NULL;
  *size = value.escaped ? json_unescape(value, text) : value.size;
  if (!value.escaped) memcpy(text, value.at, value.size);
  text[*size] = '\0';

  return text;
}

/* Copies a name without escapes, or nothing; false for any other value. */
static bool copy_name(json_span value, char *into, size_t capacity) {
  if (!value.at) return true;
  if (value.type != JSON_STRING || value.escaped || value.size >= capacity) return false;
  memcpy(into, value.at, value.size);
  into[value.size] = '\0';

  return true;
}

/* As policy_files.c walks: below the directory, no hidden names, Lua files only. */
static bool is_policy_path(const char *path, size_t size) {
  int depth = 0;
  if (size < 5 || size > PATH_MAX_BYTES || strcmp(path + size - 4, ".lua") != 0) return false;
  for (const char *part = path; part; depth++) {
    const char *slash = strchr(part, '/');
    size_t length = slash ? (size_t)(slash - part) : strlen(part);
    if (length == 0 || *part == '.') return false;
    part = slash ? slash + 1 : NULL;
  }

  for (size_t i = 0; i < size; i++)
    if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f) return false;
  return depth <= POLICY_FILES_MAX_DEPTH + 1;
}

static bool explain_file(reader *self, const char *path, const char *what) {
  text_buffer message = {0};
  text_buffer_text(&message, "its file '");
  shown_text_append(&message, path, strlen(path), 80);
  text_buffer_format(&message, "' %s", what);
  text_buffer_byte(&message, '\0');
  refuse(self, message.failed ? what : message.data);
  text_buffer_free(&message);

  return false;
}

static bool read_file(reader *self, size_t *bytes) {
  static const char *const names[] = {"path", "digest", "text", "kind"};
  json_span values[4] = {0};
  policy_files *files = self->files;
  if (files->count == POLICY_FILES_MAX_COUNT) return refuse(self, "the bundle has too many files");
  if (!read_object(self, names, 3, 4, values))
    return refuse(self, "a file of the bundle is not {\"path\":…,\"digest\":…,\"text\":…}");
  policy_file *file = &files->items[files->count++];
  size_t path_size = 0;
  file->path = copy_text(values[0], &path_size);
  file->text = copy_text(values[2], &file->size);
  if (!file->path || !file->text || strlen(file->path) != path_size ||
      !is_policy_path(file->path, path_size))
    return refuse(self, "a file of the bundle has no text, or its path is not a policy's");
  if (!copy_name(values[3], file->kind, sizeof file->kind))
    return explain_file(self, file->path, "has a kind that is none");
  if (asprintf(&file->shown, "%s/%s", self->name, file->path) < 0) file->shown = NULL;
  if (!file->shown) return out_of_memory(self);
  if (files->count > 1 && strcmp(file[-1].path, file->path) >= 0)
    return explain_file(self, file->path, "is not in order");
  *bytes += file->size;
  if (file->size > POLICY_FILE_MAX_BYTES || *bytes > POLICY_FILES_MAX_BYTES)
    return explain_file(self, file->path, "makes it larger than a policy set may be");
  policy_files_seal_one(file);
  if (!json_string_equals(values[1], file->digest, strlen(file->digest))) {
    finding_list_blame(self->findings, FINDING_CAUSE_DIGEST);
    return explain_file(self, file->path, "is not what its digest says");
  }

  return true;
}

static bool read_files(reader *self, json_span list) {
  size_t bytes = 0;
  self->files->items = calloc(POLICY_FILES_MAX_COUNT, sizeof *self->files->items);
  self->files->directory = strdup(self->name);
  if (!self->files->items || !self->files->directory) return out_of_memory(self);
  json_scan_begin(&self->scan, list.at, list.size);
  if (list.type != JSON_ARRAY || !json_scan_enter(&self->scan, JSON_ARRAY))
    return refuse(self, "its files are not a list");
  while (json_scan_element(&self->scan))
    if (!read_file(self, &bytes)) return false;
  if (self->scan.error || self->files->count == 0) return refuse(self, "it has no files");
  policy_files_seal(self->files);

  return true;
}

static const char *const stamp_names[STAMP_NUMBERS + 1] = {
    "build", "instructions", "load_instructions", "memory", "load_memory", "examples"};

static void stamp_numbers(policy_stamp *stamp, int64_t *numbers[STAMP_NUMBERS]) {
  numbers[0] = &stamp->instructions;
  numbers[1] = &stamp->load_instructions;
  numbers[2] = &stamp->memory;
  numbers[3] = &stamp->load_memory;
  numbers[4] = &stamp->examples;
}

static bool read_count(json_span value, int64_t *count) {
  double real;
  return value.type == JSON_NUMBER &&
         json_number_parse(value, count, &real) == JSON_NUMBER_INTEGER && *count >= 0;
}

static bool read_stamp(reader *self, json_span text) {
  json_span values[STAMP_NUMBERS + 1];
  policy_stamp stamp = {0};
  int64_t *numbers[STAMP_NUMBERS];
  if (!text.at) return true;
  json_scan_begin(&self->scan, text.at, text.size);
  bool ok = read_object(self, stamp_names, STAMP_NUMBERS + 1, STAMP_NUMBERS + 1, values) &&
            copy_name(values[0], stamp.build, sizeof stamp.build);
  stamp_numbers(&stamp, numbers);
  for (size_t i = 0; ok && i < STAMP_NUMBERS; i++) ok = read_count(values[i + 1], numbers[i]);
  if (!ok) return refuse(self, "its member 'stamp' is not one that weir bundle writes");
  self->files->stamp = stamp;

  return true;
}

static bool parse(reader *self, const char *text, size_t size) {
  static const char *const names[] = {"schema", "digest", "files", "stamp", "checked"};
  json_span values[5] = {0};
  if (size > POLICY_BUNDLE_MAX_BYTES) return refuse(self, "it is larger than a bundle may be");
  json_scan_begin(&self->scan, text, size);
  if (!read_object(self, names, 3, 5, values) || !json_scan_finish(&self->scan) ||
      values[0].type != JSON_STRING || !json_string_equals(values[0], SCHEMA, strlen(SCHEMA)))
    return refuse(self, "it is not a whole policy bundle of schema weir.bundle/1");
  json_span digest = values[1];
  if (!read_files(self, values[2]) || !read_stamp(self, values[3])) return false;
  if (digest.type != JSON_STRING ||
      !json_string_equals(digest, self->files->digest, strlen(self->files->digest))) {
    finding_list_blame(self->findings, FINDING_CAUSE_DIGEST);
    return refuse(self, "its files are not what its digest says");
  }

  return true;
}

bool policy_bundle_parse(const char *name, const char *text, size_t size, policy_files *files,
                         finding_list *findings) {
  reader self = {.name = name, .files = files, .findings = findings};
  *files = (policy_files){0};
  if (parse(&self, text, size)) return true;
  policy_files_free(files);

  return false;
}

bool policy_bundle_read(const char *path, policy_files *files, finding_list *findings) {
  text_buffer text = {0};
  int problem = files_read(path, POLICY_BUNDLE_MAX_BYTES, &text);
  bool ok = !problem;
  if (ok)
    ok = policy_bundle_parse(path, text.data ? text.data : "", text.size, files, findings);
  else if (problem == ENOMEM)
    finding_out_of_memory(findings, path);
  else
    finding_error(findings, path, 0, "W001", "cannot be read: %s", files_error_text(problem));
  text_buffer_free(&text);

  return ok;
}

static void write_stamp(json_writer *writer, const policy_stamp *stamp) {
  policy_stamp copy = *stamp;
  int64_t *numbers[STAMP_NUMBERS];
  stamp_numbers(&copy, numbers);

  json_writer_object(writer, "stamp");
  json_writer_text(writer, stamp_names[0], copy.build);
  for (size_t i = 0; i < STAMP_NUMBERS; i++)
    json_writer_integer(writer, stamp_names[i + 1], *numbers[i]);
  json_writer_end(writer);
}

static bool write_file(text_buffer *out, const policy_file *file, bool stamped) {
  json_writer writer = json_writer_to(out);
  json_writer_object(&writer, NULL);
  if (!json_writer_exact(&writer, "path", file->path, strlen(file->path))) return false;
  if (stamped && file->kind[0]) json_writer_text(&writer, "kind", file->kind);
  json_writer_text(&writer, "digest", file->digest);
  if (!json_writer_exact(&writer, "text", file->text, file->size)) return false;
  json_writer_end(&writer);

  return true;
}

bool policy_bundle_write(const policy_files *files, const policy_stamp *stamp, text_buffer *out,
                         const policy_file **culprit) {
  json_writer writer = json_writer_to(out);
  json_writer_object(&writer, NULL);
  json_writer_text(&writer, "schema", SCHEMA);
  json_writer_text(&writer, "digest", files->digest);
  if (stamp) write_stamp(&writer, stamp);

  json_writer_array(&writer, "files"); /* a line a file */
  for (size_t i = 0; i < files->count; i++) {
    *culprit = &files->items[i];
    json_writer_member(&writer, NULL);
    text_buffer_byte(out, '\n');
    if (!write_file(out, &files->items[i], stamp != NULL)) return false;
  }

  *culprit = NULL;
  text_buffer_byte(out, '\n');
  json_writer_end(&writer);
  json_writer_end(&writer);
  text_buffer_byte(out, '\n');

  return !out->failed;
}
