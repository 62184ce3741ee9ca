/* Asking one or two policy sets for a decision, and telling ways to fail or to differ apart. See
 * impl.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "explore/impl.h"

/* ── Making ── */

static explore_outcome open_set(asked_set *self, const explore_set *set,
                                const explore_options *options) {
  finding_list findings = {0};
  text_buffer why = {0};
  self->sandbox = policy_sandbox_new(set->files, set->limits, &findings);
  bool ok = self->sandbox && findings.errors == 0;
  if (ok && set->overrides)
    ok = policy_sandbox_override(self->sandbox, set->overrides, set->overrides_size, &why);
  finding_list_free(&findings);
  text_buffer_free(&why);
  if (!ok) return EXPLORE_OUT_OF_MEMORY; /* it loaded before */

  const policy_kind *kind = policy_kind_find(self->sandbox, options->kind, options->kind_size);
  if (!kind || !policy_kind_policy(kind)) return EXPLORE_UNKNOWN_KIND;
  self->trace = policy_trace_new(self->sandbox, options->kind, options->kind_size);

  return self->trace ? EXPLORE_DONE : EXPLORE_OUT_OF_MEMORY;
}

explore_outcome asker_new(asker *self, const explore_options *options) {
  *self = (asker){.options = options};
  explore_outcome outcome = open_set(&self->now, &options->set, options);
  if (outcome == EXPLORE_DONE && options->old.files)
    outcome = open_set(&self->old, &options->old, options);
  if (outcome != EXPLORE_DONE) return outcome;
  const policy_kind *kind = policy_kind_find(self->now.sandbox, options->kind, options->kind_size);
  self->facts_schema = policy_kind_facts(kind);
  self->params_schema = policy_kind_params(kind);

  return EXPLORE_DONE;
}

static void close_set(asked_set *self) {
  policy_trace_free(self->trace);
  policy_answer_free(&self->answer);
  policy_sandbox_free(self->sandbox);
}

void asker_free(asker *self) {
  close_set(&self->now);
  close_set(&self->old);
  value_arena_free(&self->arena);
  text_buffer_free(&self->facts);
  text_buffer_free(&self->params);
  text_buffer_free(&self->key);
}

void asker_write(asker *self, value *facts, const value *params) {
  draw_repair(&self->arena, facts);
  text_buffer_clear(&self->facts);
  text_buffer_clear(&self->params);
  value_write(facts, &self->facts);
  value_write(params, &self->params);
}

/* ── Asking ── */

static bool decide(asker *self, asked_set *set, bool traced, bool place) {
  policy_question question = {
      .kind = self->options->kind,
      .kind_size = self->options->kind_size,
      .facts = self->facts.data,
      .facts_size = self->facts.size,
      .params = {.at = self->params.data, .size = self->params.size, .type = JSON_OBJECT},
      .trace = traced ? set->trace : NULL,
      .place = place,
  };
  return policy_sandbox_decide(set->sandbox, &question, &set->answer);
}

static bool is_refusal(policy_outcome outcome) {
  return outcome == POLICY_INVALID_FACTS || outcome == POLICY_INVALID_PARAMS;
}

static bool is_same(const policy_answer *a, const policy_answer *b) {
  if (a->outcome != POLICY_DECIDED || b->outcome != POLICY_DECIDED) return a->outcome == b->outcome;
  return a->decision.size == b->decision.size &&
         memcmp(a->decision.data, b->decision.data, a->decision.size) == 0;
}

static bool is_word_byte(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool names_field(const schema_record *record, const char *name, size_t size) {
  for (size_t i = 0; i < record->count; i++) {
    const schema_field *field = &record->items[i];
    bool same = field->name_size == size && memcmp(field->name, name, size) == 0;
    if (same || names_field(&field->fields, name, size)) return true;
    for (field = field->of; field; field = field->of)
      if (names_field(&field->fields, name, size)) return true;
  }

  return false;
}

/* How long the longest text of the JSON is that stands at this place, up to the end of a word; 0
 * without. The names of fields are not texts; those with escapes are not looked for. */
static size_t text_at(const text_buffer *json, const schema_record *record, const char *at,
                      const char *end) {
  size_t longest = 0;
  const char *stop = json->data + json->size;
  for (const char *p = json->data; p < stop; p++) {
    if (*p != '"') continue;
    const char *begin = ++p;
    while (p < stop && *p != '"') p += *p == '\\' ? 2 : 1;
    size_t size = (size_t)(p - begin);
    bool stands = size <= (size_t)(end - at) && memcmp(begin, at, size) == 0 &&
                  (at + size == end || !is_word_byte(at[size]));
    bool is_name = p + 1 < stop && p[1] == ':';
    if (stands && size > longest && !(is_name && names_field(record, begin, size))) longest = size;
  }

  return longest;
}

/* Of the facts, or of the parameters in force. */
static size_t text_of_case(const asker *self, const char *at, const char *end) {
  const policy_kind *kind =
      policy_kind_find(self->now.sandbox, self->options->kind, self->options->kind_size);
  size_t of_facts = text_at(&self->facts, self->facts_schema, at, end);
  size_t of_params = text_at(policy_kind_params_json(kind), self->params_schema, at, end);
  return of_facts > of_params ? of_facts : of_params;
}

/* The message without what differs from case to case: numbers behind the place that Lua puts in
 * front, and, when a case is given, its texts. */
static void append_message(text_buffer *out, const text_buffer *error, const asker *of_case) {
  int colons = 0;
  const char *end = error->data + error->size;
  for (const char *at = error->data; at < end;) {
    size_t size = of_case ? text_of_case(of_case, at, end) : 0;
    bool varies = size > 0;
    if (!varies) {
      while (at + size < end && is_word_byte(at[size])) size++;
      varies = size > 0 && isdigit((unsigned char)*at) && colons >= 2;
      varies = varies || (of_case && size == 1); /* an article, and a name as short */
    }

    if (size == 0) {
      if (*at == ':') colons++;
      text_buffer_byte(out, *at++);
      continue;
    }

    if (varies)
      text_buffer_text(out, "…");
    else
      text_buffer_append(out, at, size);
    at += size;
  }
}

/* Where the decision was made and what it is; a failure's code and message. */
static void append_way(text_buffer *out, const policy_answer *answer, const asker *self) {
  if (answer->outcome == POLICY_DECIDED) {
    text_buffer_format(out, "%s:%d %s", answer->file, answer->line, answer->action);
    return;
  }

  text_buffer_format(out, "%s ", policy_outcome_code(answer->outcome));
  /* What a policy says is a way of its own; what a kind's rule says names the values. */
  append_message(out, &answer->error, answer->outcome == POLICY_INVARIANT_BROKEN ? self : NULL);
}

/* Two sets are told apart by what each does, and where. */
static void write_key(asker *self) {
  text_buffer_clear(&self->key);
  if (self->old.sandbox) {
    decide(self, &self->now, false, true);
    decide(self, &self->old, false, true);
    append_way(&self->key, &self->old.answer, self);
    text_buffer_text(&self->key, " | ");
  }

  append_way(&self->key, &self->now.answer, self);
  text_buffer_byte(&self->key, '\0');
}

asked_result asker_ask(asker *self, bool traced) {
  decide(self, &self->now, traced, false);
  policy_outcome now = self->now.answer.outcome;
  if (now == POLICY_OUT_OF_MEMORY) return ASKED_OUT_OF_MEMORY;
  if (is_refusal(now)) return ASKED_REFUSED;
  asked_result result = ASKED_FINE;
  if (self->old.sandbox) {
    decide(self, &self->old, traced, false);
    policy_outcome old = self->old.answer.outcome;
    if (old == POLICY_OUT_OF_MEMORY) return ASKED_OUT_OF_MEMORY;
    if (is_refusal(old)) return ASKED_REFUSED;
    if (!is_same(&self->now.answer, &self->old.answer)) result = ASKED_DIFFERS;
  } else if (now != POLICY_DECIDED) {
    result = ASKED_FAILED;
  }

  if (result != ASKED_FINE) write_key(self);

  return result;
}

/* ── Findings ── */

static char *copy(const text_buffer *text) {
  return strndup(text->data ? text->data : "", text->size);
}

static bool take_verdict(const policy_answer *answer, explore_verdict *out) {
  bool decided = answer->outcome == POLICY_DECIDED;
  *out = (explore_verdict){
      .outcome = answer->outcome,
      .action = decided ? strdup(answer->action) : NULL,
      .text = copy(decided ? &answer->because : &answer->error),
      .file = strdup(answer->file),
      .line = answer->line,
  };

  return out->text && out->file && (out->action || !decided);
}

bool asker_finding(asker *self, asked_result result, explore_finding *found) {
  *found = (explore_finding){.count = 1};
  if (result == ASKED_FAILED) decide(self, &self->now, false, true);
  found->key = self->key.failed ? NULL : strdup(self->key.data);
  found->facts = copy(&self->facts);
  found->params = copy(&self->params);
  bool ok = take_verdict(&self->now.answer, &found->now);
  if (self->old.sandbox) ok = take_verdict(&self->old.answer, &found->old) && ok;

  return ok && found->key && found->facts && found->params;
}

static void free_verdict(explore_verdict *verdict) {
  free(verdict->action);
  free(verdict->text);
  free(verdict->file);
}

void explore_finding_free(explore_finding *found) {
  free(found->key);
  free(found->facts);
  free(found->params);
  free_verdict(&found->now);
  free_verdict(&found->old);
  *found = (explore_finding){0};
}
