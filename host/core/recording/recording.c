/* See recording.h. */
#include "core/recording/recording.h"

#include <string.h>

enum { UNWRAP_DEPTH = 3 };

static bool is_key(json_span key, const char *name) {
  return json_string_equals(key, name, strlen(name));
}

typedef enum { UNUSED, SCHEMA, MESSAGE, TAKEN } member_use;

typedef struct {
  const char *name;
  size_t size; /* of the name */
  member_use use;
  json_type type; /* of what is taken */
  size_t slot;    /* where it goes in recording_line */
} member;

#define MEMBER(field, type)                                                                        \
  { #field, sizeof #field - 1, TAKEN, type, offsetof(recording_line, field) }
#define OTHER(name, use)                                                                           \
  { name, sizeof name - 1, use, JSON_NULL, 0 }

/* In the order in which policy/decision_log.c writes them: a member is mostly found at the first
 * look. */
static const member members[] = {
    OTHER("schema", SCHEMA),     MEMBER(id, JSON_STRING),       MEMBER(time, JSON_STRING),
    OTHER("request_id", UNUSED), MEMBER(kind, JSON_STRING),     OTHER("policy", UNUSED),
    OTHER("host", UNUSED),       MEMBER(params, JSON_OBJECT),   MEMBER(overrides, JSON_ARRAY),
    MEMBER(facts, JSON_OBJECT),  MEMBER(decision, JSON_OBJECT), MEMBER(because, JSON_STRING),
    OTHER("redacted", UNUSED),   OTHER("eval_us", UNUSED),      OTHER("message", MESSAGE),
    OTHER("@message", MESSAGE),
};

enum { MEMBER_COUNT = sizeof members / sizeof *members };

/* A log holds much that only looks like JSON; a damaged decision line still begins like one. */
static bool is_other_text(const json_scan *scan, int depth) {
  static const char mark[] = "weir.decision/";
  size_t size = (size_t)(scan->end - scan->begin);
  return depth > 0 && !memmem(scan->begin, size, mark, sizeof mark - 1);
}

static recording_result bad(const json_scan *scan, const char *what, text_buffer *error,
                            size_t *column) {
  size_t line;
  text_buffer_text(error, scan->error ? scan->error : what);
  json_scan_place(scan, &line, column);
  return RECORDING_BAD;
}

/* The member of that name, or NULL. The search begins at *guess and moves it behind the find. */
static const member *find_member(json_span key, size_t *guess) {
  for (size_t i = 0, at = *guess; i < MEMBER_COUNT; i++, at++) {
    const member *m = &members[at % MEMBER_COUNT];
    if (!json_string_equals(key, m->name, m->size)) continue;
    *guess = at + 1;
    return m;
  }
  return NULL;
}

/* What a line's members said about what kind of line it is. */
typedef struct {
  bool has_schema;
  bool is_decision;
  const member *mistyped; /* the first with another type than a decision line's */
  json_span message;      /* of an export record */
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

static bool read_value(json_scan *scan, const member *m, recording_line *line, json_span *value) {
  json_type type;
  bool is_facts = m && m->slot == offsetof(recording_line, facts) && !line->facts.at;
  if (is_facts && json_scan_peek(scan, &type) && type == JSON_OBJECT)
    return json_read_members(scan, &line->members, value);
  return json_scan_value(scan, value);
}

/* Keeps what a decision line needs of the member m, which is NULL for an unknown one. */
static bool take_member(const member *m, json_span value, recording_line *line, outline *seen,
                        text_buffer *error) {
  if (!m || m->use == UNUSED) return true;
  if (m->use == SCHEMA) return value.type != JSON_STRING || read_schema(value, seen, error);
  if (m->use == MESSAGE) {
    seen->message = value;
    return true;
  }
  json_span *slot = (json_span *)((char *)line + m->slot);
  if (slot->at) {
    text_buffer_format(error, "\"%s\" is given twice", m->name);
    return false;
  }
  *slot = value;
  /* Wrong only if the line turns out to be a decision. */
  if (value.type != m->type && !seen->mistyped) seen->mistyped = m;
  return true;
}

static bool complete(const recording_line *line, const outline *seen, text_buffer *error) {
  if (seen->mistyped) {
    text_buffer_format(error, "\"%s\" has the wrong type", seen->mistyped->name);
    return false;
  }
  const char *missing = !line->kind.at       ? "kind"
                        : !line->facts.at    ? "facts"
                        : !line->decision.at ? "decision"
                        : !line->because.at  ? "because"
                                             : NULL;
  if (missing) text_buffer_format(error, "\"%s\" is missing", missing);
  return !missing;
}

/* All but the list of members, which counts only together with facts. */
static void clear(recording_line *line) {
  memset(line, 0, offsetof(recording_line, members));
  line->members.count = 0;
}

static recording_result read_at(const char *text, size_t size, int depth, recording_line *line,
                                text_buffer *scratch, text_buffer *error, size_t *column);

/* The decision line is a JSON text in a text, or an object as it is. What was unescaped into the
 * scratch buffer for the level above is unescaped once more in place: it never grows. */
static recording_result read_message(json_span message, int depth, recording_line *line,
                                     text_buffer *scratch, text_buffer *error, size_t *column) {
  if (message.type == JSON_OBJECT)
    return read_at(message.at, message.size, depth + 1, line, scratch, error, column);
  if (message.type != JSON_STRING) return RECORDING_OTHER;
  if (!message.escaped)
    return read_at(message.at, message.size, depth + 1, line, scratch, error, column);
  bool is_first = scratch->size == 0;
  if (is_first && !text_buffer_reserve(scratch, message.size + 1)) {
    text_buffer_text(error, "not enough memory to unwrap it");
    return RECORDING_BAD;
  }
  char *text = is_first ? scratch->data : (char *)message.at;
  size_t size = json_unescape(message, text);
  if (is_first) scratch->size = size;
  return read_at(text, size, depth + 1, line, scratch, error, column);
}

static recording_result read_object(const char *text, size_t size, int depth, recording_line *line,
                                    text_buffer *scratch, text_buffer *error, size_t *column) {
  json_scan scan;
  json_span key, value;
  outline seen = {0};
  json_scan_begin(&scan, text, size);
  json_scan_enter(&scan, JSON_OBJECT);
  for (size_t guess = 0; json_scan_member(&scan, &key);) {
    const member *m = find_member(key, &guess);
    if (!read_value(&scan, m, line, &value)) break;
    if (!take_member(m, value, line, &seen, error)) return bad(&scan, "", error, column);
  }
  if (scan.error || !json_scan_finish(&scan))
    return is_other_text(&scan, depth) ? RECORDING_OTHER : bad(&scan, "", error, column);
  if (!seen.is_decision) {
    clear(line);
    if (seen.message.at && depth < UNWRAP_DEPTH)
      return read_message(seen.message, depth, line, scratch, error, column);
    if (depth > 0 || seen.has_schema) return RECORDING_OTHER;
    return bad(&scan, "no \"schema\":\"" RECORDING_SCHEMA "\": not a decision line", error, column);
  }
  if (complete(line, &seen, error)) return RECORDING_DECISION;
  *column = 1;
  return RECORDING_BAD;
}

/* "2026-11-22T03:04:05.678Z " before the message, as CloudWatch Logs exports to S3 have it. */
static size_t timestamp_size(const char *text, size_t size) {
  size_t at = 0;
  while (at < size && at < 40 && strchr("0123456789-:.TZ+", text[at]) && text[at]) at++;
  return at >= 20 && at < size && (text[at] == ' ' || text[at] == '\t') ? at + 1 : 0;
}

/* The name of a log stream before the message, as `aws logs tail` has it after the time. */
static size_t stream_size(const char *text, size_t size) {
  const char *blank = size && *text != '{' ? memchr(text, ' ', size) : NULL;
  if (!blank || blank + 1 == text + size || blank[1] != '{') return 0;
  return (size_t)(blank + 1 - text);
}

static recording_result read_at(const char *text, size_t size, int depth, recording_line *line,
                                text_buffer *scratch, text_buffer *error, size_t *column) {
  while (size && strchr(" \t\r\n", text[size - 1]) && text[size - 1]) size--;
  size_t stamp = timestamp_size(text, size);
  if (stamp) {
    depth++;
    stamp += stream_size(text + stamp, size - stamp);
  }
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
  clear(line);
  scratch->size = error->size = 0;
  *column = 0;
  return read_at(text, size, 0, line, scratch, error, column);
}
