/* Reads one line of a recording, which is a line of the decision log. See decision_line.h. */
#include "core/recording/decision_line.h"

#include <string.h>

#include "core/text/utf8.h"

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

static bool has_text(const char *text, size_t size, const char *wanted) {
  return memmem(text, size, wanted, strlen(wanted)) != NULL;
}

bool recording_has_decision(const char *text, size_t size) {
  return has_text(text, size, "weir.decision");
}

/* Is this text, which is not a decision line, what is left of one? Its beginning or its end shows,
 * also where the line was quoted. */
static bool is_damaged_line(const char *text, size_t size) {
  static const char beginning[] = "{\"schema\":\"" RECORDING_SCHEMA;
  if (size < sizeof beginning - 1 && size > 0 && memcmp(text, beginning, size) == 0) return true;
  if (has_text(text, size, "weir.decision/") && has_text(text, size, "schema")) return true;
  return has_text(text, size, "\"because") &&
         (has_text(text, size, "\"redacted") || has_text(text, size, "\"eval_us"));
}

/* Text of a log: UTF-8 without control characters, but for tabs and a terminal's colours. */
static bool is_log_text(const char *text, size_t size) {
  for (const char *at = text, *end = text + size; at < end;) {
    unsigned char byte = (unsigned char)*at;
    size_t length = byte < 0x80 ? 1 : utf8_length(at, end);
    bool is_colour = byte == '\033' && at + 1 < end && at[1] == '[';
    bool is_control = byte == 0x7f || (byte < ' ' && byte != '\t' && byte != '\r' && !is_colour);
    if (length == 0 || is_control) return false;
    at += length;
  }

  return true;
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
  json_span schema;
  bool is_decision;
  bool is_shadow;
  size_t taken;           /* members that a decision line has */
  const member *mistyped; /* the first with another type than a decision line's */
  json_span message;      /* of an export record */
  const char *kind;       /* the comma before "kind", while what follows may repeat */
} outline;

static bool read_schema(json_span value, outline *seen, text_buffer *error) {
  static const char family[] = "weir.decision/";
  seen->schema = value;
  seen->is_decision = is_key(value, RECORDING_SCHEMA);
  seen->is_shadow = is_key(value, RECORDING_SHADOW_SCHEMA);
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

static bool is_slot(const member *m, size_t slot) {
  return m && m->use == TAKEN && m->slot == slot;
}

/* Has the members from "kind" to "facts" kept for the lines to come, if there are no others among
 * them than those that lines have alike. The member m, behind `before`, is not yet taken. */
static void note_repeated(outline *seen, const member *m, const char *before,
                          const recording_line *line, recording_repeated *repeated) {
  if (is_slot(m, offsetof(recording_line, kind))) {
    seen->kind = before;
  } else if (is_slot(m, offsetof(recording_line, facts))) {
    if (seen->kind && !seen->mistyped) recording_repeated_keep(repeated, line, seen->kind, before);
    seen->kind = NULL;
  } else if (m && m->use != UNUSED && !is_slot(m, offsetof(recording_line, params)) &&
             !is_slot(m, offsetof(recording_line, overrides))) {
    seen->kind = NULL;
  }
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
                                recording_reader *reader, text_buffer *error, size_t *column);

/* The decision line is a JSON text in a text, or an object as it is. What was unescaped into the
 * scratch buffer for the level above is unescaped once more in place: it never grows. */
static recording_result read_message(json_span message, int depth, recording_line *line,
                                     recording_reader *reader, text_buffer *error, size_t *column) {
  if (message.type == JSON_OBJECT)
    return read_at(message.at, message.size, depth + 1, line, reader, error, column);
  if (message.type != JSON_STRING) return RECORDING_OTHER;
  if (!message.escaped)
    return read_at(message.at, message.size, depth + 1, line, reader, error, column);
  text_buffer *scratch = &reader->scratch;
  bool is_first = scratch->size == 0;
  if (is_first && !text_buffer_reserve(scratch, message.size + 1)) return RECORDING_OUT_OF_MEMORY;
  char *text = is_first ? scratch->data : (char *)message.at;
  size_t size = json_unescape(message, text);
  if (is_first) scratch->size = size;

  return read_at(text, size, depth + 1, line, reader, error, column);
}

static json_span whole(const json_scan *scan) {
  return (json_span){
      .at = scan->begin, .size = (size_t)(scan->end - scan->begin), .type = JSON_OBJECT};
}

/* What an object is that is not JSON to its end, or has a member twice. */
static recording_result judge_broken(const json_scan *scan, int depth, text_buffer *error,
                                     size_t *column) {
  const char *text = scan->begin;
  size_t size = (size_t)(scan->end - scan->begin);
  /* A log holds much that only looks like JSON, such as Python's {'key': 1}. */
  bool is_other =
      (depth > 0 || has_text(text, size < 2 ? size : 2, "{'")) && !is_damaged_line(text, size);
  return is_other ? RECORDING_OTHER : bad(scan, "", error, column);
}

/* An object that does not say it is a decision: a record of a log, or one around a decision line.
 */
static recording_result read_record(const json_scan *scan, const outline *seen, int depth,
                                    recording_line *line, recording_reader *reader,
                                    text_buffer *error, size_t *column) {
  bool is_like_decision = line->decision.at && (line->facts.at || line->because.at);
  clear(line);
  if (seen->message.at && depth < UNWRAP_DEPTH)
    return read_message(seen->message, depth, line, reader, error, column);
  line->schema = seen->schema;
  line->record = whole(scan);
  if (!is_like_decision || seen->schema.at) return RECORDING_OTHER;

  return bad(scan, "no \"schema\":\"" RECORDING_SCHEMA "\": not a decision line", error, column);
}

static recording_result read_object(const char *text, size_t size, int depth, recording_line *line,
                                    recording_reader *reader, text_buffer *error, size_t *column) {
  json_scan scan;
  json_span key, value;
  outline seen = {0};
  json_scan_begin(&scan, text, size);
  json_scan_enter(&scan, JSON_OBJECT);

  for (size_t guess = 0;;) {
    bool repeats = recording_repeated_pass(&reader->repeated, &scan, line);
    const char *before = scan.at;
    if (!json_scan_member(&scan, &key)) break;
    const member *m = find_member(key, &guess);
    if (!repeats) note_repeated(&seen, m, before, line, &reader->repeated);
    if (!read_value(&scan, m, line, &value)) break;
    if (!take_member(m, value, line, &seen, error)) return bad(&scan, "", error, column);
  }

  if (scan.error || !json_scan_finish(&scan)) return judge_broken(&scan, depth, error, column);
  bool is_decision = seen.is_decision || (seen.is_shadow && !reader->decision_seen);
  if (!is_decision) return read_record(&scan, &seen, depth, line, reader, error, column);
  line->schema = seen.schema;
  line->record = whole(&scan);
  if (complete(line, &seen, error)) return RECORDING_DECISION;
  *column = 1;
  return RECORDING_BAD;
}

/* A line that is not an object: a decision line as a JSON text, or text of a log. */
static recording_result read_text(const char *text, size_t size, int depth, recording_line *line,
                                  recording_reader *reader, text_buffer *error, size_t *column) {
  json_scan scan;
  json_span message;
  json_scan_begin(&scan, text, size);
  if (depth == 0 && size > 0 && *text == '"' && json_scan_value(&scan, &message) &&
      json_scan_finish(&scan))
    return read_message(message, depth, line, reader, error, column);

  bool is_other = depth > 0 || is_log_text(text, size);
  if (is_other && !is_damaged_line(text, size)) return RECORDING_OTHER;
  json_scan_begin(&scan, text, size);
  json_scan_validate(&scan);

  return bad(&scan, "a decision line is a JSON object", error, column);
}

/* The size of a terminal's colour sequence, or 0. */
static size_t colour_size(const char *text, size_t size) {
  size_t at = 2;
  if (size < 3 || text[0] != '\033' || text[1] != '[') return 0;
  while (at < size && (text[at] == ';' || (text[at] >= '0' && text[at] <= '9'))) at++;
  return at < size && text[at] == 'm' ? at + 1 : 0;
}

/* The size of one word in front of a message, with the blank behind it and its colours. */
static size_t word_size(const char *text, size_t size, bool (*is_word)(const char *, size_t)) {
  size_t begin = colour_size(text, size), end = begin;
  while (end < size && text[end] != ' ' && text[end] != '\t' && text[end] != '\033') end++;
  if (!is_word(text + begin, end - begin)) return 0;
  end += colour_size(text + end, size - end);

  return end < size && (text[end] == ' ' || text[end] == '\t') ? end + 1 : 0;
}

/* "2026-11-22T03:04:05.678Z", as exports to S3 and `aws logs tail` have it. */
static bool is_time(const char *word, size_t size) {
  static const char shortest[] = "2026-11-22T03:04:05";
  if (size < sizeof shortest - 1 || size > 40 || word[10] != 'T') return false;
  for (size_t i = 0; i < size; i++)
    if (!word[i] || !strchr("0123456789-:.TZ+", word[i])) return false;
  return true;
}

/* The name of a log stream, as `aws logs tail` has it after the time. */
static bool is_stream(const char *word, size_t size) {
  return size > 0 && *word != '{' && *word != '"';
}

/* The size of what `aws logs … --output text` has in front of the message, or 0; *end is set to the
 * end of the message. */
static size_t columns_size(const char *text, size_t size, size_t *end) {
  bool is_row = (size > 7 && memcmp(text, "EVENTS\t", 7) == 0) ||
                (size > 8 && memcmp(text, "RESULTS\t", 8) == 0);
  const char *begin = is_row ? memmem(text, size, "\t{", 2) : NULL;
  const char *last = begin ? memrchr(begin, '}', size - (size_t)(begin - text)) : NULL;
  if (!last) return 0;
  *end = (size_t)(last + 1 - text);
  return (size_t)(begin + 1 - text);
}

/* The size of any other words in front of a decision, as `sam logs` and the logs of containers have
 * them, or 0. */
static size_t words_size(const char *text, size_t size) {
  if (size == 0 || strchr("{[\"", *text) || !has_text(text, size, RECORDING_SCHEMA)) return 0;
  const char *object = memmem(text, size, " {", 2), *cell = memmem(text, size, "\t{", 2);
  if (!object || (cell && cell < object)) object = cell;
  return object && text[size - 1] == '}' ? (size_t)(object + 1 - text) : 0;
}

/* The size of what a log puts in front of a message, or 0. A line that begins as JSON has nothing
 * there, and is not searched. */
static size_t prefix_size(const char *text, size_t size, size_t *end) {
  if (size == 0 || *text == '{' || *text == '"') return 0;
  size_t time = word_size(text, size, is_time);
  size_t columns = time == 0 ? columns_size(text, size, end) : 0;
  if (columns > 0) return columns;
  if (time == 0) return words_size(text, size);
  size_t stream = word_size(text + time, size - time, is_stream);
  bool is_before_object = time + stream < size && text[time + stream] == '{';

  return is_before_object ? time + stream : time;
}

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static recording_result read_at(const char *text, size_t size, int depth, recording_line *line,
                                recording_reader *reader, text_buffer *error, size_t *column) {
  size_t begin = 0, end = size;
  while (end > 0 && is_blank(text[end - 1])) end--;
  begin = prefix_size(text, end, &end);
  if (begin > 0) depth++;
  while (begin < end && is_blank(text[begin])) begin++;

  text += begin;
  size = end - begin;
  if (size > 0 && *text == '{') return read_object(text, size, depth, line, reader, error, column);
  return read_text(text, size, depth, line, reader, error, column);
}

recording_result recording_read(recording_reader *reader, const char *text, size_t size,
                                recording_line *line, text_buffer *error, size_t *column) {
  clear(line);
  reader->scratch.size = error->size = 0;
  *column = 0;
  recording_result result = read_at(text, size, 0, line, reader, error, column);
  if (!reader->decision_seen) reader->decision_seen = recording_has_decision(text, size);

  return reader->scratch.failed || error->failed ? RECORDING_OUT_OF_MEMORY : result;
}

void recording_reader_free(recording_reader *reader) {
  text_buffer_free(&reader->scratch);
  text_buffer_free(&reader->repeated.text);
}
