/* weir.recording: the recorded decisions of a file, one after another, in whatever form it comes
 * (docs/recordings.md). Nothing is decided again; for that there is weir.replay.
 *
 *   open(path) → recording; "-" is standard input
 *   recording:next([kind]) → the next decision, of that kind where one is given
 *         {line=, kind=, id=, time=, because=} as texts, {facts=, params=, overrides=,
 *          decision=} as JSON texts
 *       | {line=, column=, message=} for a bad line
 *       | nil at the end
 *   recording:next_record(schema) → {line=, text=} of the next JSON object whose schema begins so:
 *         its line, and the object without what a log puts around it | a bad line | nil, as next
 *   recording:counts() → {lines=, decisions=, bad_lines=, other_lines=} read so far, of every kind
 *   recording:close(); a recording in a <close> variable is closed by its scope
 *
 * open, next and next_record may answer nil, message, code: NotFound, PermissionDenied, … IoError;
 * OutOfMemory. Memory: the userdata owns the source and its buffers, and frees them when it is
 * closed or collected. */
#include <errno.h>
#include <string.h>

#include "binding.h"
#include "core/recording/decision_line.h"
#include "core/recording/source.h"
#include "core/system/files.h"
#include "registry.h"

static const char RECORDING[] = "weir.recording";

enum { BLOCK_BYTES = 256 * 1024 };

/* Filled with zeros, it is closed. */
typedef struct {
  bool open;
  recording_source source;
  text_buffer block; /* of whole lines */
  size_t at;         /* where its next line begins */
  size_t line;       /* number of the line before that */
  recording_reader reader;
  text_buffer error, text;
  lua_Integer lines, decisions, bad_lines, other_lines;
} recording;

/* ── Opening and closing ── */

static void close_recording(lua_State *L, const char *signature) {
  recording *self = binding_argument_self(L, RECORDING, signature);
  if (self->open) recording_source_close(&self->source);
  self->open = false;
  text_buffer_free(&self->block);
  recording_reader_free(&self->reader);
  text_buffer_free(&self->error);
  text_buffer_free(&self->text);
}

static int lua_recording_close(lua_State *L) {
  close_recording(L, "recording:close()");
  return 0;
}

static int lua_recording_gc(lua_State *L) {
  close_recording(L, "a recording");
  return 0;
}

static const char OPEN_SIGNATURE[] = "weir.recording.open(path)";

static int lua_recording_open(lua_State *L) {
  char error[LINE_ERROR_BYTES];
  lua_settop(L, 1);
  const char *path = binding_argument_name(L, 1, OPEN_SIGNATURE);
  binding_expect(L, *path != '\0', OPEN_SIGNATURE);

  recording *self = binding_owner_push(L, RECORDING, sizeof *self, 0);
  self->open = recording_source_open(&self->source, path, error);
  if (self->open) return 1;
  if (self->source.short_of_memory) return binding_fail(L, "OutOfMemory", "not enough memory");

  return binding_fail(L, files_error_code(errno), "%s: %s", path, error);
}

/* ── Reading ── */

/* Pushes nothing for a text that is not there. */
static void set_text(lua_State *L, recording *self, const char *name, json_span string) {
  if (!string.at) return;
  self->text.size = 0;
  binding_expect_memory(L, text_buffer_reserve(&self->text, string.size + 1));
  binding_set_bytes(L, name, self->text.data, json_unescape(string, self->text.data));
}

static void set_json(lua_State *L, const char *name, json_span value) {
  if (value.at) binding_set_bytes(L, name, value.at, value.size);
}

static int push_decision(lua_State *L, recording *self, const recording_line *line) {
  lua_createtable(L, 0, 9);
  binding_set_integer(L, "line", (lua_Integer)self->line);
  set_text(L, self, "kind", line->kind);
  set_text(L, self, "id", line->id);
  set_text(L, self, "time", line->time);
  set_text(L, self, "because", line->because);
  set_json(L, "facts", line->facts);
  set_json(L, "params", line->params);
  set_json(L, "overrides", line->overrides);
  set_json(L, "decision", line->decision);

  return 1;
}

static int push_bad_line(lua_State *L, recording *self, size_t column) {
  self->bad_lines++;
  lua_createtable(L, 0, 3);
  binding_set_integer(L, "line", (lua_Integer)self->line);
  if (column > 0) binding_set_integer(L, "column", (lua_Integer)column);
  binding_set_bytes(L, "message", self->error.data ? self->error.data : "", self->error.size);

  return 1;
}

/* The next line with anything on it; false at the end. */
static bool next_line(recording *self, json_span *line) {
  for (;;) {
    if (self->at >= self->block.size) {
      if (!recording_source_next(&self->source, &self->block, BLOCK_BYTES)) return false;
      self->at = 0;
    }

    const char *begin = self->block.data + self->at, *end = self->block.data + self->block.size;
    const char *newline = memchr(begin, '\n', (size_t)(end - begin));
    *line = (json_span){.at = begin, .size = (size_t)((newline ? newline : end) - begin)};
    self->at += line->size + 1;
    self->line++;
    size_t blanks = 0;
    while (blanks < line->size && strchr(" \t\r", begin[blanks]) && begin[blanks]) blanks++;
    if (blanks < line->size) return true;
  }
}

static int at_end(lua_State *L, recording *self) {
  const char *failure = recording_source_error(&self->source);
  if (recording_source_is_short_of_memory(&self->source))
    return binding_fail(L, "OutOfMemory", "not enough memory");
  if (failure) return binding_fail(L, "IoError", "after line %d: %s", (int)self->line, failure);
  lua_pushnil(L);

  return 1;
}

/* Reads the next line; → the result, with a line that is too long as a bad one, or -1 at the end.
 */
static int read_line(recording *self, recording_line *line, size_t *column) {
  json_span text;
  *column = 0;
  if (!next_line(self, &text)) return -1;
  self->lines++;
  self->error.size = 0;
  if (text.size > LINE_MAX_BYTES) {
    text_buffer_format(&self->error, "longer than %d bytes", LINE_MAX_BYTES);
    return RECORDING_BAD;
  }

  recording_result result =
      recording_read(&self->reader, text.at, text.size, line, &self->error, column);
  if (result == RECORDING_DECISION) self->decisions++;
  if (result == RECORDING_OTHER) self->other_lines++;

  return (int)result;
}

/* What ends the search for a line that is wanted: a bad line, the end, a lack of memory. */
static int push_stop(lua_State *L, recording *self, int result, size_t column) {
  if (result == RECORDING_BAD) return push_bad_line(L, self, column);
  if (result == RECORDING_OUT_OF_MEMORY) return binding_fail(L, "OutOfMemory", "not enough memory");
  return at_end(L, self);
}

static const char NEXT_SIGNATURE[] = "recording:next([kind]) on an open recording";

static int lua_recording_next(lua_State *L) {
  size_t size = 0, column = 0;
  recording *self = binding_argument_self(L, RECORDING, NEXT_SIGNATURE);
  lua_settop(L, 2);
  const char *kind = lua_isnil(L, 2) ? NULL : binding_argument_text(L, 2, &size, NEXT_SIGNATURE);
  binding_expect(L, self->open, NEXT_SIGNATURE);

  recording_line line;
  int result = read_line(self, &line, &column);
  while (result == RECORDING_DECISION || result == RECORDING_OTHER) {
    bool wanted =
        result == RECORDING_DECISION && (!kind || json_string_equals(line.kind, kind, size));
    if (wanted) return push_decision(L, self, &line);
    result = read_line(self, &line, &column);
  }

  return push_stop(L, self, result, column);
}

static const char NEXT_RECORD_SIGNATURE[] = "recording:next_record(schema) on an open recording";

static int lua_recording_next_record(lua_State *L) {
  size_t size, column;
  recording *self = binding_argument_self(L, RECORDING, NEXT_RECORD_SIGNATURE);
  lua_settop(L, 2);
  const char *schema = binding_argument_text(L, 2, &size, NEXT_RECORD_SIGNATURE);
  binding_expect(L, self->open, NEXT_RECORD_SIGNATURE);

  recording_line line;
  int result = read_line(self, &line, &column);
  while (result == RECORDING_DECISION || result == RECORDING_OTHER) {
    bool wanted =
        line.schema.at && line.schema.size >= size && memcmp(line.schema.at, schema, size) == 0;
    if (wanted) {
      lua_createtable(L, 0, 2);
      binding_set_integer(L, "line", (lua_Integer)self->line);
      set_json(L, "text", line.record);
      return 1;
    }

    result = read_line(self, &line, &column);
  }

  return push_stop(L, self, result, column);
}

static int lua_recording_counts(lua_State *L) {
  recording *self = binding_argument_self(L, RECORDING, "recording:counts()");
  lua_createtable(L, 0, 4);
  binding_set_integer(L, "lines", self->lines);
  binding_set_integer(L, "decisions", self->decisions);
  binding_set_integer(L, "bad_lines", self->bad_lines);
  binding_set_integer(L, "other_lines", self->other_lines);

  return 1;
}

int luaopen_weir_recording(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(recording, gc),
                                         BINDING_METAMETHOD(recording, close), BINDING_END};
  static const luaL_Reg methods[] = {
      BINDING_FUNCTION(recording, next), BINDING_FUNCTION(recording, next_record),
      BINDING_FUNCTION(recording, counts), BINDING_FUNCTION(recording, close), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(recording, open), BINDING_END};
  binding_type_register(L, RECORDING, metamethods, methods);
  luaL_newlib(L, functions);

  return 1;
}
