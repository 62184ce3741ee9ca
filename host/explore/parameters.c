/* Does a parameter change anything? Each is set to its bounds, its choices and drawn values, on
 * facts that reached something and on drawn ones. See impl.h. */
#include <stdlib.h>
#include <string.h>

#include "explore/impl.h"

enum { CASES_MAX = 400, DRAWN_MAX = 1000, VALUES = 8, ENOUGH = 5 };

typedef struct {
  asker *a;
  drawing d;
  text_buffer decision, because; /* with the policy's own parameters */
  policy_outcome outcome;
} probing;

static void keep_base(probing *p) {
  const policy_answer *answer = &p->a->now.answer;
  p->outcome = answer->outcome;
  text_buffer_clear(&p->decision);
  text_buffer_clear(&p->because);
  text_buffer_append(&p->decision, answer->decision.data, answer->decision.size);
  text_buffer_append(&p->because, answer->because.data, answer->because.size);
}

static bool is_equal(const text_buffer *a, const text_buffer *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Counts what the answer differs in from the base. */
static void compare(const probing *p, explore_parameter *out) {
  const policy_answer *answer = &p->a->now.answer;
  out->tried++;
  bool failed = answer->outcome != POLICY_DECIDED;
  if (answer->outcome != p->outcome || (!failed && !is_equal(&answer->decision, &p->decision)))
    out->decisions++;
  else if (!failed && !is_equal(&answer->because, &p->because))
    out->reasons++;
}

/* The value number n that is tried: the ends of what is allowed first. */
static void set_value(probing *p, value *self, int n) {
  const schema_field *field = self->field;
  if (field->type <= SCHEMA_NUMBER && n < 2) {
    draw_set_number(self, n == 0 ? -1e300 : 1e300);
  } else if (field->type == SCHEMA_CHOICE) {
    const schema_choice *choice = &field->values[(size_t)n % field->value_count];
    self->type = VALUE_TEXT;
    self->text = (value_text){choice->text, choice->size};
  } else {
    draw_value(&p->d, self);
  }
}

static bool try_facts(probing *p, const value *facts, size_t param, explore_parameter *out) {
  asker *a = p->a;
  for (int n = -1; n < VALUES && out->decisions < ENOUGH; n++) {
    value_arena_clear(&a->arena);
    value copy = value_copy(&a->arena, facts);
    value *params = value_new_record(&a->arena, a->params_schema);
    p->d.arena = &a->arena;
    p->d.root = NULL;
    if (n >= 0) set_value(p, &params->list.items[param], n);
    asker_write(a, &copy, params);
    asked_result result = asker_ask(a, false);
    if (result == ASKED_OUT_OF_MEMORY) return false;
    if (result == ASKED_REFUSED) continue;
    if (n < 0)
      keep_base(p);
    else
      compare(p, out);
  }

  return true;
}

/* Facts that are a change of kept ones. */
static bool try_drawn(probing *p, const case_pool *cases, size_t param, explore_parameter *out) {
  value_arena arena = {0};
  bool ok = true;
  for (int n = 0; ok && n < DRAWN_MAX && out->decisions < ENOUGH; n++) {
    value_arena_clear(&arena);
    value facts = value_copy(&arena, &cases->items[draw_below(&p->d, cases->count)].facts);
    p->d.arena = &arena;
    p->d.root = &facts;
    draw_change(&p->d);
    draw_repair(&arena, &facts);
    ok = try_facts(p, &facts, param, out) && !arena.failed;
  }

  value_arena_free(&arena);

  return ok;
}

bool parameters_try(asker *a, const dictionary *words, const case_pool *cases, uint64_t seed,
                    explore_results *results) {
  size_t count = a->params_schema->count;
  results->parameters = calloc(count + 1, sizeof *results->parameters);
  if (!results->parameters) return false;
  results->parameter_count = count;
  bool ok = true;
  for (size_t i = 0; ok && i < count; i++) {
    explore_parameter *out = &results->parameters[i];
    probing p = {.a = a, .d = {.state = seed + i, .words = words}};
    out->name = strdup(a->params_schema->items[i].name);
    ok = out->name != NULL;
    for (size_t k = 0; ok && k < cases->count && k < CASES_MAX && out->decisions < ENOUGH; k++)
      ok = try_facts(&p, &cases->items[cases->count - 1 - k].facts, i, out);
    ok = ok && (cases->count == 0 || try_drawn(&p, cases, i, out));
    text_buffer_free(&p.decision);
    text_buffer_free(&p.because);
  }

  return ok;
}
