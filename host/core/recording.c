/* See recording.h. */
#include "core/recording.h"

#include <string.h>

enum { UNWRAP_DEPTH = 3 };

static bool is_key(json_span key, const char *name) {
  return json_string_equals(key, name, strlen(name));
}

typedef struct {
  const char *name;
  size_t size;   /* of the name */
  size_t offset; /* in recording_line */
  json_type type;
} member;

#define MEMBER(field, type)                                                                        \
  { #field, sizeof #field - 1, offsetof(recording_line, field), type }

static const member members[] = {
    MEMBER(id, JSON_STRING),       MEMBER(time, JSON_STRING),     MEMBER(kind, JSON_STRING),
    MEMBER(params, JSON_OBJECT),   MEMBER(overrides, JSON_ARRAY), MEMBER(facts, JSON_OBJECT),
    MEMBER(decision, JSON_OBJECT), MEMBER(because, JSON_STRING),
};

static recording_result bad(const json_scan *scan, const char *what, text_buffer *error,
                            size_t *column) {
  size_t line;
  text_buffer_text(error, scan->error ? scan->error : what);
  json_scan_place(scan, &line, column);
  return RECORDING_BAD;
}

static const member *find_member(json_span key) {
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    if (members[i].size == key.size && memcmp(members[i].name, key.at, key.size) == 0)
      return &members[i];
  return NULL;
}

/* What a line's members said about what kind of line it is. */
typedef struct {
  bool has_schema;
  bool is_decision;
  json_span message; /* of an export record */
} outline;

static bool read_schema(json_span value, outline *seen, text_buffer *error) {
  static const char family[] = "weir.decision/";
  seen->has_schema = true;
  seen->is_decision = is_key(value, RECORDING_SCHEMA);
  if (seen->is_decision || value.size < sizeof family ||
      strncmp(value.at, family, sizeof family - 1))
    return true;
  text_buffer_format(error, "schema %.*s is not one this program knows (%s)", (int)value.size,
                     value.at, RECORDING_SCHEMA);
  return false;
}

static bool read_member(json_span key, json_span value, recording_line *line, outline *seen,
                        text_buffer *error) {
  const member *m = find_member(key);
  if (m) {
    json_span *slot = (json_span *)((char *)line + m->offset);
    if (slot->at) {
      text_buffer_format(error, "\"%s\" is given twice", m->name);
      return false;
    }
    *slot = value;
    return true; /* its type is checked once the line is known to be a decision */
  }
  if (is_key(key, "schema") && value.type == JSON_STRING) return read_schema(value, seen, error);
  if (is_key(key, "message") || is_key(key, "@message")) {
    seen->message = value;
  }
  return true;
}

static bool complete(const recording_line *line, text_buffer *error) {
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    const json_span *slot = (const json_span *)((const char *)line + members[i].offset);
    if (slot->at && slot->type != members[i].type) {
      text_buffer_format(error, "\"%s\" has the wrong type", members[i].name);
      return false;
    }
  }
  const struct {
    const char *name;
    const json_span *slot;
  } required[] = {{"kind", &line->kind},
                  {"facts", &line->facts},
                  {"decision", &line->decision},
                  {"because", &line->because}};
  for (size_t i = 0; i < sizeof required / sizeof *required; i++)
    if (!required[i].slot->at) {
      text_buffer_format(error, "\"%s\" is missing", required[i].name);
      return false;
    }
  return true;
}

static recording_result read_at(const char *text, size_t size, int depth, recording_line *line,
                                text_buffer *scratch, text_buffer *error, size_t *column);

/* The decision line is a JSON text in a text, or an object as it is. */
static recording_result read_message(json_span message, int depth, recording_line *line,
                                     text_buffer *scratch, text_buffer *error, size_t *column) {
  if (message.type == JSON_OBJECT)
    return read_at(message.at, message.size, depth + 1, line, scratch, error, column);
  if (message.type != JSON_STRING) return RECORDING_OTHER;
  if (!message.escaped)
    return read_at(message.at, message.size, depth + 1, line, scratch, error, column);
  /* An inner message may be quoted, too. It is no longer than this one, and what it is read from
   * lies in scratch, which must not move then. */
  if (scratch->size == 0 && !text_buffer_reserve(scratch, UNWRAP_DEPTH * (message.size + 1))) {
    text_buffer_text(error, "not enough memory");
    return RECORDING_BAD;
  }
  char *text = scratch->data + scratch->size;
  size_t size = json_unescape(message, text);
  scratch->size += size;
  return read_at(text, size, depth + 1, line, scratch, error, column);
}

static recording_result read_object(const char *text, size_t size, int depth, recording_line *line,
                                    text_buffer *scratch, text_buffer *error, size_t *column) {
  json_scan scan;
  json_span key, value;
  outline seen = {0};
  json_scan_begin(&scan, text, size);
  json_scan_enter(&scan, JSON_OBJECT);
  while (json_scan_member(&scan, &key) && json_scan_value(&scan, &value))
    if (!read_member(key, value, line, &seen, error)) return bad(&scan, "", error, column);
  if (scan.error || !json_scan_finish(&scan)) return bad(&scan, "", error, column);
  if (!seen.is_decision) {
    *line = (recording_line){0};
    if (seen.message.at && depth < UNWRAP_DEPTH)
      return read_message(seen.message, depth, line, scratch, error, column);
    if (depth > 0 || seen.has_schema) return RECORDING_OTHER;
    return bad(&scan, "no \"schema\":\"" RECORDING_SCHEMA "\": not a decision line", error, column);
  }
  if (complete(line, error)) return RECORDING_DECISION;
  *column = 1;
  return RECORDING_BAD;
}

/* "2026-11-22T03:04:05.678Z " before the message, as CloudWatch Logs exports to S3 have it. */
static size_t timestamp_size(const char *text, size_t size) {
  size_t at = 0;
  while (at < size && at < 40 && strchr("0123456789-:.TZ+", text[at]) && text[at]) at++;
  return at >= 20 && at < size && (text[at] == ' ' || text[at] == '\t') ? at + 1 : 0;
}

static recording_result read_at(const char *text, size_t size, int depth, recording_line *line,
                                text_buffer *scratch, text_buffer *error, size_t *column) {
  while (size && strchr(" \t\r\n", text[size - 1]) && text[size - 1]) size--;
  size_t stamp = timestamp_size(text, size);
  if (stamp) depth++;
  text += stamp;
  size -= stamp;
  size_t blank = 0;
  while (blank < size && (text[blank] == ' ' || text[blank] == '\t')) blank++;
  if (blank < size && text[blank] == '{')
    return read_object(text, size, depth, line, scratch, error, column);
  if (depth > 0) return RECORDING_OTHER; /* START, END, REPORT and other text of a log */
  json_scan scan;
  json_scan_begin(&scan, text, size);
  json_scan_validate(&scan);
  return bad(&scan, "a decision line is a JSON object", error, column);
}

recording_result recording_read(const char *text, size_t size, recording_line *line,
                                text_buffer *scratch, text_buffer *error, size_t *column) {
  *line = (recording_line){0};
  scratch->size = error->size = 0;
  *column = 0;
  return read_at(text, size, 0, line, scratch, error, column);
}

static void each_event(json_scan *scan, text_buffer *scratch,
                       void (*each)(void *, const char *, size_t), void *context) {
  json_span key, value;
  json_scan_enter(scan, JSON_OBJECT);
  while (json_scan_member(scan, &key) && json_scan_value(scan, &value)) {
    if (!is_key(key, "message") || value.type != JSON_STRING) continue;
    scratch->size = 0;
    if (!text_buffer_reserve(scratch, value.size + 1)) continue;
    scratch->size = json_unescape(value, scratch->data);
    each(context, scratch->data, scratch->size);
  }
}

bool recording_export(const char *text, size_t size,
                      void (*each)(void *context, const char *message, size_t size),
                      void *context) {
  json_scan scan;
  json_span key, value;
  json_type type;
  bool found = false;
  text_buffer scratch = {0};
  json_scan_begin(&scan, text, size);
  if (json_scan_peek(&scan, &type) && type == JSON_OBJECT && json_scan_enter(&scan, JSON_OBJECT))
    while (json_scan_member(&scan, &key)) {
      bool is_list = is_key(key, "events") || is_key(key, "logEvents");
      if (!is_list || !json_scan_peek(&scan, &type) || type != JSON_ARRAY) {
        if (!json_scan_value(&scan, &value)) break;
        continue;
      }
      found = true;
      json_scan_enter(&scan, JSON_ARRAY);
      while (json_scan_element(&scan)) {
        if (json_scan_peek(&scan, &type) && type == JSON_OBJECT)
          each_event(&scan, &scratch, each, context);
        else
          json_scan_value(&scan, &value);
      }
    }
  text_buffer_free(&scratch);
  return found && !scan.error && json_scan_finish(&scan);
}
