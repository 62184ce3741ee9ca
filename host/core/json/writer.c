/* See writer.h. */
#include "core/json/writer.h"

#include "core/json/write.h"
#include "core/text/utf8.h"

/* The bit of the innermost container; 0 where there is none, or where it lies too deep. */
static uint64_t level(const json_writer *self) {
  bool kept = self->depth > 0 && self->depth <= JSON_WRITER_DEPTH_MAX;
  return kept ? UINT64_C(1) << (self->depth - 1) : 0;
}

void json_writer_member(json_writer *self, const char *name) {
  if (self->occupied & level(self)) text_buffer_byte(self->out, ',');
  self->occupied |= level(self);
  if (!name) return;
  text_buffer_byte(self->out, '"');
  text_buffer_text(self->out, name);
  text_buffer_append(self->out, "\":", 2);
}

static void open_container(json_writer *self, const char *name, bool array) {
  json_writer_member(self, name);
  if (++self->depth > JSON_WRITER_DEPTH_MAX) self->out->failed = true;
  self->occupied &= ~level(self);
  self->arrays = array ? self->arrays | level(self) : self->arrays & ~level(self);
  text_buffer_byte(self->out, array ? '[' : '{');
}

void json_writer_object(json_writer *self, const char *name) {
  open_container(self, name, false);
}

void json_writer_array(json_writer *self, const char *name) {
  open_container(self, name, true);
}

void json_writer_end(json_writer *self) {
  text_buffer_byte(self->out, self->arrays & level(self) ? ']' : '}');
  self->depth--;
}

bool json_writer_exact(json_writer *self, const char *name, const char *bytes, size_t size) {
  json_writer_member(self, name);
  return json_write_string(self->out, bytes, size);
}

/* Appends the bytes with each byte that is not UTF-8 replaced. */
static void append_repaired(text_buffer *out, const char *bytes, size_t size) {
  static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
  const char *end = bytes + size;
  for (const char *at = bytes; at < end;) {
    size_t length = (unsigned char)*at < 0x80 ? 1 : utf8_length(at, end);
    if (length > 0)
      text_buffer_append(out, at, length);
    else
      text_buffer_append(out, replacement, sizeof replacement - 1);
    at += length > 0 ? length : 1;
  }
}

void json_writer_bytes(json_writer *self, const char *name, const char *bytes, size_t size) {
  json_writer_member(self, name);
  size_t start = self->out->size;
  if (json_write_string(self->out, bytes, size)) return;

  text_buffer repaired = {0};
  append_repaired(&repaired, bytes, size);
  self->out->size = start;
  self->out->failed |= repaired.failed;
  json_write_string(self->out, repaired.data, repaired.size);
  text_buffer_free(&repaired);
}

void json_writer_text(json_writer *self, const char *name, const char *text) {
  if (text) json_writer_bytes(self, name, text, strlen(text));
}

void json_writer_integer(json_writer *self, const char *name, int64_t value) {
  json_writer_member(self, name);
  json_write_integer(self->out, value);
}

void json_writer_boolean(json_writer *self, const char *name, bool value) {
  json_writer_member(self, name);
  text_buffer_text(self->out, value ? "true" : "false");
}

void json_writer_null(json_writer *self, const char *name) {
  json_writer_member(self, name);
  text_buffer_text(self->out, "null");
}

void json_writer_decimal(json_writer *self, const char *name, double value, int digits) {
  json_writer_member(self, name);
  text_buffer_format(self->out, "%.*f", digits, value);
}

void json_writer_json(json_writer *self, const char *name, const char *json, size_t size) {
  json_writer_member(self, name);
  text_buffer_append(self->out, json, size);
}
