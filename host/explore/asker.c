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

/* Whether the word is a text of the facts. */
static bool is_of_facts(const text_buffer *facts, const char *word, size_t size) {
  if (!facts) return false;
  const char *end = facts->data + facts->size;
  for (const char *at = facts->data; (at = memmem(at, (size_t)(end - at), word, size)); at++)
    if (at[-1] == '"' && at[size] == '"') return true;
  return false;
}

/* The message without what differs from facts to facts: numbers behind the place that Lua puts in
 * front, and, when facts are given, their texts. */
static void append_message(text_buffer *out, const text_buffer *error, const text_buffer *facts) {
  int colons = 0;
  for (size_t at = 0; at < error->size;) {
    size_t size = 0;
    while (at + size < error->size && is_word_byte(error->data[at + size])) size++;
    if (size == 0) {
      if (error->data[at] == ':') colons++;
      text_buffer_byte(out, error->data[at++]);
      continue;
    }

    bool varies = isdigit((unsigned char)error->data[at])
                      ? colons >= 2
                      : is_of_facts(facts, error->data + at, size);
    if (varies)
      text_buffer_text(out, "…");
    else
      text_buffer_append(out, error->data + at, size);
    at += size;
  }
}

/* Where the decision was made and what it is; a failure's code and message. */
static void append_way(text_buffer *out, const policy_answer *answer, const text_buffer *facts) {
  if (answer->outcome == POLICY_DECIDED) {
    text_buffer_format(out, "%s:%d %s", answer->file, answer->line, answer->action);
    return;
  }

  text_buffer_format(out, "%s ", policy_outcome_code(answer->outcome));
  /* What a policy says is a way of its own; what a kind's rule says names the values. */
  append_message(out, &answer->error, answer->outcome == POLICY_INVARIANT_BROKEN ? facts : NULL);
}

/* Two sets are told apart by what each does, and where. */
static void write_key(asker *self) {
  text_buffer_clear(&self->key);
  if (self->old.sandbox) {
    decide(self, &self->now, false, true);
    decide(self, &self->old, false, true);
    append_way(&self->key, &self->old.answer, &self->facts);
    text_buffer_text(&self->key, " | ");
  }

  append_way(&self->key, &self->now.answer, &self->facts);
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
