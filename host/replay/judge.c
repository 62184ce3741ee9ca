/* See impl.h. */
#include "replay/impl.h"

#include <string.h>

#include "core/json/diff.h"
#include "core/recording/line_source.h"
#include "policy/kind.h"

static void report_bad_line(replay_judge *judge, replay_verdict *verdict, size_t line,
                            size_t column) {
  verdict->counts.bad_lines++;
  replay_event *event = replay_event_new(verdict, REPLAY_BAD_LINE, line);
  if (!event) return;
  event->place = (int)column;
  event->message = replay_event_buffer(verdict, &judge->error);
}

/* The column of the counts for an action. */
static size_t action_column(const policy_kind *kind, json_span action) {
  for (size_t i = 0; i < policy_kind_action_count(kind); i++) {
    const char *known = policy_kind_action(kind, i);
    if (json_string_equals(action, known, strlen(known))) return i;
  }

  return REPLAY_ACTIONS;
}

/* The column of a decision just made: its action is the kind's own text. */
static size_t answer_column(const policy_kind *kind, const policy_answer *answer) {
  size_t i = 0, count = policy_kind_action_count(kind);
  while (i < count && policy_kind_action(kind, i) != answer->action) i++;
  return i < count ? i : REPLAY_ACTIONS;
}

/* The action of a decision object; canonical ones mostly begin with it. */
static json_span action_of(json_span decision) {
  json_scan scan;
  json_span key, value;
  json_scan_begin(&scan, decision.at, decision.size);
  json_scan_enter(&scan, JSON_OBJECT);
  while (json_scan_member(&scan, &key) && json_scan_value(&scan, &value))
    if (key.size == 6 && memcmp(key.at, "action", 6) == 0 && value.type == JSON_STRING)
      return value;
  return (json_span){.at = ""};
}

static json_span span_of(const text_buffer *buffer, json_type type) {
  size_t quotes = type == JSON_STRING ? 1 : 0;
  return (json_span){.at = buffer->data + quotes,
                     .size = buffer->size - 2 * quotes,
                     .type = type,
                     .escaped = quotes && memchr(buffer->data, '\\', buffer->size)};
}

/* What the new decision is compared with. */
typedef struct {
  json_span decision;
  json_span because;
} earlier;

typedef enum { SAME, OTHER_DECISION, OTHER_BECAUSE } difference;

/* Notes the first differing field in judge->path. */
static difference compare(replay_judge *judge, earlier before) {
  json_span decision = span_of(&judge->answer.decision, JSON_OBJECT);
  json_span because = span_of(&judge->answer.because, JSON_STRING);
  judge->path.size = 0;
  text_buffer_text(&judge->path, "decision");
  if (json_first_difference(before.decision, decision, &judge->path)) return OTHER_DECISION;
  judge->path.size = 0;
  text_buffer_text(&judge->path, "because");

  return json_first_difference(before.because, because, &judge->path) ? OTHER_BECAUSE : SAME;
}

static policy_question question_for(const recording_line *line, policy_sandbox *recorded_by,
                                    bool place) {
  return (policy_question){
      .kind = line->kind.at,
      .kind_size = line->kind.size,
      .facts = line->facts.at,
      .facts_size = line->facts.size,
      .members = &line->members,
      .params = line->params,
      .overrides = line->overrides,
      .recorded_by = recorded_by,
      .place = place,
  };
}

/* Has the place noted, so that events can name file and line: decides once more, unless it was
 * noted at once. Pure policies make this the same decision. */
static void trace(replay_judge *judge, replay_verdict *verdict, const recording_line *line,
                  replay_event *event) {
  if (!judge->placed) {
    policy_question question = question_for(line, judge->old, true);
    policy_sandbox_decide(judge->now, &question, &judge->answer);
    if (judge->answer.outcome == POLICY_OUT_OF_MEMORY) verdict->short_of_memory = true;
  }

  event->place = judge->answer.line;
  memcpy(event->file, judge->answer.file, sizeof event->file);
}

/* Which decision an event is about. */
static void name(const replay_judge *judge, replay_verdict *verdict, const recording_line *line,
                 replay_event *event) {
  event->id = replay_event_text(verdict, line->id);
  event->kind = replay_event_text(verdict, line->kind);
  event->facts = replay_event_span(verdict, line->facts);
  if (judge->details) event->time = replay_event_text(verdict, line->time);
}

static void report_failure(replay_judge *judge, replay_verdict *verdict, const recording_line *line,
                           size_t number, const earlier *before) {
  replay_event *event = replay_event_new(verdict, REPLAY_FAILURE, number);
  if (!event) return;
  trace(judge, verdict, line, event);
  name(judge, verdict, line, event);
  const char *code = policy_outcome_code(judge->answer.outcome);
  event->code = replay_event_copy(verdict, code ? code : "PolicyError");
  event->message = replay_event_buffer(verdict, &judge->answer.error);
  if (!before) return;
  event->was = replay_event_span(verdict, before->decision);
  event->was_because = replay_event_span(verdict, before->because);
}

static char *copy_action(replay_verdict *verdict, json_span decision) {
  json_span action = action_of(decision);
  return action.type == JSON_STRING ? replay_event_text(verdict, action) : NULL;
}

static void report_difference(replay_judge *judge, replay_verdict *verdict,
                              const recording_line *line, size_t number, const earlier *before) {
  replay_event *event = replay_event_new(verdict, REPLAY_DIFFERENCE, number);
  if (!event) return;
  event->field = replay_event_buffer(verdict, &judge->path);
  trace(judge, verdict, line, event);
  name(judge, verdict, line, event);
  event->is = replay_event_buffer(verdict, &judge->answer.decision);
  event->is_action = replay_event_copy(verdict, judge->answer.action);
  event->is_because = replay_event_buffer(verdict, &judge->answer.because);
  if (before) {
    event->was = replay_event_span(verdict, before->decision);
    event->was_action = copy_action(verdict, before->decision);
    event->was_because = replay_event_span(verdict, before->because);
    return;
  }

  event->was_failure = true;
  event->was = replay_event_buffer(verdict, &judge->old_answer.error);
}

static void transcribe(replay_judge *judge, const recording_line *line, bool ok, text_buffer *out) {
  const policy_answer *answer = &judge->answer;
  if (ok) {
    replay_digest_add_decision(out, line->kind, &answer->decision, &answer->because);
    return;
  }

  const text_buffer *error = &answer->error;
  replay_digest_add_failure(out, line->kind, policy_outcome_code(answer->outcome), error->data,
                            error->size);
  if (error->failed) out->failed = true;
}

/* Diff: what the old set decides. False when it fails. */
static bool decide_before(replay_judge *judge, const recording_line *line, earlier *before) {
  policy_question question = question_for(line, judge->old, false);
  if (!policy_sandbox_decide(judge->old, &question, &judge->old_answer)) return false;
  before->decision = span_of(&judge->old_answer.decision, JSON_OBJECT);
  before->because = span_of(&judge->old_answer.because, JSON_STRING);

  return true;
}

/* `same`: both decisions are equal, so their actions are. */
static void count_both(replay_judge *judge, replay_counts *counts, const recording_line *line,
                       const earlier *before, bool ok, bool same) {
  const policy_kind *kind = policy_kind_find(judge->now, line->kind.at, line->kind.size);
  if (!kind) return;
  size_t row = policy_kind_index(judge->now, kind);
  size_t is = ok ? answer_column(kind, &judge->answer) : REPLAY_ACTIONS, was = REPLAY_ACTIONS;
  if (same)
    was = is;
  else if (before)
    was = action_column(kind, action_of(before->decision));
  counts->was[row][was]++;
  counts->is[row][is]++;
}

/* As compare; a set that failed before decides otherwise now. */
static difference compare_with(replay_judge *judge, const earlier *before) {
  if (before) return compare(judge, *before);
  judge->path.size = 0;
  text_buffer_text(&judge->path, "decision");
  return OTHER_DECISION;
}

/* Facts that do not fit their kind are the line's fault, not the policy's: nothing was decided. */
static void report_bad_facts(replay_judge *judge, replay_verdict *verdict,
                             const recording_line *line, size_t number) {
  judge->error.size = 0;
  text_buffer_format(&judge->error, "facts of %.*s: ", (int)line->kind.size, line->kind.at);
  text_buffer_append(&judge->error, judge->answer.error.data, judge->answer.error.size);
  report_bad_line(judge, verdict, number, 0);
}

/* A recording may write "\u0072outing": the kind is the text, however it is spelled. */
static bool unescape_kind(replay_judge *judge, recording_line *line) {
  if (!line->kind.escaped) return true;
  judge->kind.size = 0;
  if (!text_buffer_reserve(&judge->kind, line->kind.size + 1)) return false;
  size_t size = json_unescape(line->kind, judge->kind.data);
  line->kind = (json_span){.at = judge->kind.data, .size = size, .type = JSON_STRING};

  return true;
}

static void report_same(replay_judge *judge, replay_verdict *verdict, const recording_line *line,
                        size_t number) {
  replay_event *event = replay_event_new(verdict, REPLAY_SAME, number);
  if (!event) return;
  event->kind = replay_event_text(verdict, line->kind);
  event->time = replay_event_text(verdict, line->time);
  event->is_action = replay_event_copy(verdict, judge->answer.action);
}

/* Counts the new decision, and reports it when it is another. */
static void report_decision(replay_judge *judge, replay_verdict *verdict,
                            const recording_line *line, size_t number, const earlier *before,
                            difference found) {
  replay_counts *counts = &verdict->counts;
  switch (found) {
  case SAME:
    counts->identical++;
    if (judge->details) report_same(judge, verdict, line, number);
    return;
  case OTHER_DECISION: counts->changed++; break;
  case OTHER_BECAUSE: counts->reworded++; break;
  }

  report_difference(judge, verdict, line, number, before);
}

/* A lack of memory says nothing about the policy: the whole replay fails. */
static bool is_out_of_memory(const replay_judge *judge) {
  return judge->answer.outcome == POLICY_OUT_OF_MEMORY ||
         (judge->old && judge->old_answer.outcome == POLICY_OUT_OF_MEMORY);
}

/* What the new set decides. Lines that differ come in rows: behind one, the place is noted. Of a
 * failure it would be in the message, which the digest has without it. */
static bool decide_now(replay_judge *judge, const recording_line *line,
                       policy_sandbox *checked_by) {
  policy_question question = question_for(line, judge->old, judge->placed);
  question.checked_by = checked_by;
  if (policy_sandbox_decide(judge->now, &question, &judge->answer)) return true;
  if (!judge->placed) return false;

  judge->placed = question.place = false;
  return policy_sandbox_decide(judge->now, &question, &judge->answer);
}

static void judge_decision(replay_judge *judge, recording_line *line, size_t number,
                           replay_verdict *verdict) {
  earlier recorded = {line->decision, line->because};
  const earlier *before = &recorded;
  if (judge->old && !decide_before(judge, line, &recorded)) before = NULL;

  bool ok = decide_now(judge, line, before ? judge->old : NULL);
  if (is_out_of_memory(judge)) {
    verdict->short_of_memory = true;
    return;
  }

  if (judge->answer.outcome == POLICY_INVALID_FACTS) {
    report_bad_facts(judge, verdict, line, number);
    return;
  }

  difference found = ok ? compare_with(judge, before) : OTHER_DECISION;
  verdict->counts.decisions++;
  count_both(judge, &verdict->counts, line, before, ok, found != OTHER_DECISION);
  transcribe(judge, line, ok, &verdict->transcript);
  if (ok) {
    report_decision(judge, verdict, line, number, before, found);
    judge->placed = found != SAME;
    return;
  }

  verdict->counts.failed++;
  report_failure(judge, verdict, line, number, before);
}

static bool is_blank(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') return false;
  return true;
}

static void judge_line(replay_judge *judge, const char *text, size_t size, size_t number,
                       replay_verdict *verdict) {
  recording_line line;
  size_t column;
  verdict->counts.lines++;
  if (size > LINE_MAX_BYTES) {
    judge->error.size = 0;
    text_buffer_format(&judge->error, "longer than %d bytes", LINE_MAX_BYTES);
    report_bad_line(judge, verdict, number, 0);
    return;
  }

  switch (recording_read(&judge->reader, text, size, &line, &judge->error, &column)) {
  case RECORDING_DECISION:
    if (unescape_kind(judge, &line))
      judge_decision(judge, &line, number, verdict);
    else
      verdict->short_of_memory = true;
    break;
  case RECORDING_OTHER: verdict->counts.other_lines++; break;
  case RECORDING_BAD: report_bad_line(judge, verdict, number, column); break;
  case RECORDING_OUT_OF_MEMORY: verdict->short_of_memory = true; break;
  }
}

void replay_judge_block(replay_judge *judge, const char *text, size_t size, size_t first,
                        replay_verdict *verdict) {
  const char *end = text + size;
  for (size_t number = first; text < end && !verdict->short_of_memory; number++) {
    const char *newline = memchr(text, '\n', (size_t)(end - text));
    const char *stop = newline ? newline : end;
    size_t length = (size_t)(stop - text);
    if (!is_blank(text, length)) judge_line(judge, text, length, number, verdict);
    text = stop + 1;
  }

  bool failed = verdict->transcript.failed || judge->reader.scratch.failed ||
                judge->reader.repeated.text.failed || judge->error.failed || judge->kind.failed ||
                judge->path.failed;
  if (failed) verdict->short_of_memory = true;
}

void replay_judge_free(replay_judge *judge) {
  policy_sandbox_free(judge->now);
  policy_sandbox_free(judge->old);
  policy_answer_free(&judge->answer);
  policy_answer_free(&judge->old_answer);
  recording_reader_free(&judge->reader);
  text_buffer_free(&judge->error);
  text_buffer_free(&judge->kind);
  text_buffer_free(&judge->path);
}
