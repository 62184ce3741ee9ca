/* One stream of a round: facts are changed, asked, and kept when they reach code that nothing has
 * reached. What is kept is also asked with the other side of each comparison in place of a fact.
 * See impl.h. */
#include <stdlib.h>
#include <string.h>

#include "explore/impl.h"

enum {
  FRESH_ONE_IN = 8,  /* facts drawn anew instead of changed */
  PARAMS_FOR = 32,   /* facts that are asked with the same parameters */
  PAIRS_MAX = 48,    /* comparisons of one case that are turned into facts */
  SOLVING_MAX = 500, /* facts made of one case */
  FOLLOWED_MAX = 2,  /* comparisons with parameters, of facts with another action */
};

/* What a condition compared; of a number with a parameter, also the parameter's name. */
typedef struct {
  bool is_text;
  const char *parameter;
  double numbers[2];
  value_text texts[2];
} pair;

typedef struct {
  asker *a;
  const stream_task *task;
  stream_outcome *out;
  drawing d;
  value_arena params_arena, solving;
  value *params;
  uint64_t left;
  int64_t credit; /* facts that were drawn or changed, less those made of kept ones */
  size_t solved;  /* of the kept ones */
} stream;

/* ── One case ── */

/* Keeps the failure or difference that was asked last. */
static void note_finding(stream *s, asked_result result) {
  asker *a = s->a;
  explore_finding *known = finding_pool_find(&s->out->findings, a->key.data);
  if (known && a->facts.size + a->params.size > strlen(known->facts) + strlen(known->params)) {
    known->count++;
    return;
  }

  explore_finding made;
  bool ok = asker_finding(a, result, &made) && finding_pool_take(&s->out->findings, &made);
  if (!ok) {
    explore_finding_free(&made);
    s->out->is_short = true;
  }
}

/* The first count that is new in either set; counts of the old set come behind those of the new. */
static bool take_new(asker *a, size_t *first) {
  size_t other = 0;
  size_t news = policy_trace_take_new(a->now.trace, first);
  if (!a->old.trace) return news > 0;
  size_t more = policy_trace_take_new(a->old.trace, &other);
  if (news == 0) *first = other + policy_trace_size(policy_trace_code(a->now.trace));

  return news + more > 0;
}

static void run_case(stream *s, value *facts) {
  asker *a = s->a;
  if (s->left == 0) return;
  asker_write(a, facts, s->params);
  asked_result result = asker_ask(a, true);
  size_t first = 0;
  s->out->tried++;
  s->left--;
  bool is_new = take_new(a, &first);
  switch (result) {
  case ASKED_OUT_OF_MEMORY: s->out->is_short = true; return;
  case ASKED_REFUSED: s->out->refused++; return;
  case ASKED_FAILED: s->out->failed++; break;
  case ASKED_DIFFERS: s->out->differing++; break;
  default: break;
  }

  if (result != ASKED_FINE) note_finding(s, result);
  if (is_new && !case_pool_add(&s->out->kept, facts, s->params, first)) s->out->is_short = true;
  if (a->arena.failed) s->out->is_short = true;
}

/* ── Turning comparisons into facts ── */

static bool is_number(traced_type type) {
  return type == TRACED_INTEGER || type == TRACED_NUMBER;
}

/* Fixed operands stand on the right of a condition. */
static const char *parameter_of(const policy_trace *trace, const traced_comparison *c) {
  const char *name = policy_trace_code(trace)->conditions[c->condition].right.name;
  return name && strncmp(name, "params.", 7) == 0 ? name + 7 : NULL;
}

static bool take_pair(const policy_trace *trace, const traced_comparison *c, value_arena *arena,
                      pair *out) {
  const traced_value *sides[2] = {&c->left, &c->right};
  bool texts = c->left.type == TRACED_TEXT && c->right.type == TRACED_TEXT;
  bool numbers = is_number(c->left.type) && is_number(c->right.type);
  if (!texts && !numbers) return false;
  *out = (pair){.is_text = texts, .parameter = numbers ? parameter_of(trace, c) : NULL};
  for (int i = 0; i < 2; i++) {
    if (texts)
      out->texts[i] =
          value_copy_text(arena, policy_trace_texts(trace) + sides[i]->text, sides[i]->size);
    else
      out->numbers[i] = sides[i]->number;
  }

  return true;
}

/* The comparisons of the last decision, the last first. */
static size_t take_pairs(stream *s, const policy_trace *trace, pair pairs[PAIRS_MAX]) {
  size_t count, lost, taken = 0;
  const traced_comparison *all = policy_trace_comparisons(trace, &count, &lost);
  for (size_t i = count; i-- > 0 && taken < PAIRS_MAX;)
    if (take_pair(trace, &all[i], &s->solving, &pairs[taken])) taken++;
  return taken;
}

static bool is_number_equal(const value *leaf, double number) {
  if (leaf->type == VALUE_INTEGER) return (double)leaf->integer == number;
  return leaf->type == VALUE_NUMBER && leaf->number == number;
}

static bool is_text_equal(const value *leaf, value_text text) {
  return leaf->type == VALUE_TEXT && leaf->text.size == text.size &&
         memcmp(leaf->text.at, text.at, text.size) == 0;
}

/* Asks the facts with one value replaced. */
static void try_number(stream *s, const value *facts, size_t at, double number) {
  value *parent;
  value_arena_clear(&s->a->arena);
  value copy = value_copy(&s->a->arena, facts);
  if (draw_set_number(value_at(&copy, at, &parent), number)) run_case(s, &copy);
}

static void try_text(stream *s, const value *facts, size_t at, value_text text) {
  value *parent;
  value_arena_clear(&s->a->arena);
  value copy = value_copy(&s->a->arena, facts);
  s->d.arena = &s->a->arena;
  if (draw_set_text(&s->d, value_at(&copy, at, &parent), text)) run_case(s, &copy);
}

static value *parameter_named(value *params, const char *name) {
  for (size_t i = 0; i < params->list.count; i++)
    if (strcmp(params->list.items[i].field->name, name) == 0) return &params->list.items[i];
  return NULL;
}

/* Asks the facts with the parameter beside the number that it was compared with. */
static void try_parameter(stream *s, value *facts, const pair *p) {
  value *params = s->params;
  for (int beside = -1; beside <= 1 && p->parameter; beside++) {
    value_arena_clear(&s->a->arena);
    value copy = value_copy(&s->a->arena, params);
    value *changed = parameter_named(&copy, p->parameter);
    if (!changed || !draw_set_number(changed, p->numbers[0] + beside)) break;
    s->params = &copy;
    run_case(s, facts);
  }

  s->params = params;
}

static void try_pair(stream *s, value *facts, const pair *p, uint64_t least) {
  size_t count = value_count(facts);
  for (size_t at = 1; at < count && s->left > least; at++) {
    value *parent;
    const value *leaf = value_at(facts, at, &parent);
    for (int side = 0; side < 2; side++) {
      if (p->is_text && is_text_equal(leaf, p->texts[side])) {
        try_text(s, facts, at, p->texts[1 - side]);
      } else if (!p->is_text && is_number_equal(leaf, p->numbers[side])) {
        for (int beside = -1; beside <= 1; beside++)
          try_number(s, facts, at, p->numbers[1 - side] + beside);
      }
    }
  }
}

/* ── One change after another ── */

/* Choice or flag number n of the value, which it becomes; n = -1 leaves it out, or draws it where
 * it is absent. False when there is no such. */
static bool set_alternative(stream *s, value *self, int n) {
  if (n < 0 && self->type == VALUE_ABSENT) {
    s->d.arena = &s->a->arena;
    draw_value(&s->d, self);
    return true;
  }

  if (n < 0) {
    bool may = !self->required;
    if (may) self->type = VALUE_ABSENT;
    return may;
  }

  const schema_field *field = self->field;
  if (!field || self->type == VALUE_ABSENT) return false;
  if (field->type == SCHEMA_FLAG) {
    self->flag = !self->flag;
    return n == 0;
  }

  if (field->type != SCHEMA_CHOICE || (size_t)n >= field->value_count) return false;
  self->text = (value_text){field->values[n].text, field->values[n].size};

  return true;
}

/* Facts that have another action than those they were made of get further, perhaps, with another
 * parameter where they were last compared with one. */
static void follow(stream *s, const value *facts) {
  pair pairs[PAIRS_MAX];
  value copy = value_copy(&s->solving, facts);
  policy_trace_keep(s->a->now.trace, true);
  run_case(s, &copy);
  size_t count = take_pairs(s, s->a->now.trace, pairs), followed = 0;
  policy_trace_keep(s->a->now.trace, false);
  for (size_t i = 0; i < count && followed < FOLLOWED_MAX; i++) {
    try_parameter(s, &copy, &pairs[i]);
    if (pairs[i].parameter) followed++;
  }
}

/* Of the case that was asked last; NULL without one. */
static const char *last_action(const stream *s) {
  const policy_answer *answer = &s->a->now.answer;
  return answer->outcome == POLICY_DECIDED ? answer->action : NULL;
}

/* Asks the facts, which have that action (NULL: none), without each value that may be absent, with
 * each that is, and with each other choice. */
static void try_alternatives(stream *s, const value *facts, const char *action) {
  size_t count = value_count(facts);
  s->d.root = NULL;
  for (size_t at = 1; at < count; at++) {
    bool more = true;
    for (int n = -1; (n < 0 || more) && s->left > 0; n++) {
      value *parent;
      value_arena_clear(&s->a->arena);
      value copy = value_copy(&s->a->arena, facts);
      more = set_alternative(s, value_at(&copy, at, &parent), n);
      if (!more) continue;
      run_case(s, &copy);
      const char *other = last_action(s);
      if (other && other != action) follow(s, &copy);
    }
  }
}

/* The case is asked again to learn what it compares, and then with what is near to it. */
static void solve(stream *s, const explore_case *kept) {
  asker *a = s->a;
  pair pairs[PAIRS_MAX];
  uint64_t before = s->left;
  uint64_t least = s->left > SOLVING_MAX ? s->left - SOLVING_MAX : 0;
  value_arena_clear(&s->solving);
  value_arena_clear(&a->arena);
  value facts = value_copy(&s->solving, &kept->facts);
  value params = value_copy(&s->solving, &kept->params);
  s->params = &params;
  policy_trace_keep(a->now.trace, true);
  if (a->old.trace) policy_trace_keep(a->old.trace, true);
  run_case(s, &facts);
  const char *action = last_action(s);
  size_t count = take_pairs(s, a->now.trace, pairs);
  policy_trace_keep(a->now.trace, false);
  if (a->old.trace) policy_trace_keep(a->old.trace, false);
  try_alternatives(s, &facts, action);
  for (size_t i = 0; i < count && s->left > least; i++) try_parameter(s, &facts, &pairs[i]);
  for (size_t i = 0; i < count && s->left > least; i++) try_pair(s, &facts, &pairs[i], least);
  s->params = NULL;
  s->credit -= (int64_t)(before - s->left);
}

/* ── Making cases ── */

static const explore_case *choose(stream *s) {
  const case_pool *begin = s->task->begin, *kept = &s->out->kept;
  size_t total = begin->count + kept->count;
  if (total == 0) return NULL;
  size_t at = draw_below(&s->d, total);
  if (draw_below(&s->d, 2)) { /* what was found later, more often */
    size_t other = draw_below(&s->d, total);
    if (other > at) at = other;
  }

  return at < begin->count ? &begin->items[at] : &kept->items[at - begin->count];
}

/* Parameters for the next facts: the policy's own half of the time, else some of them changed. */
static void choose_params(stream *s) {
  const explore_case *parent = choose(s);
  value_arena_clear(&s->params_arena);
  s->d.arena = &s->params_arena;
  s->d.root = NULL;
  s->params = value_new_record(&s->params_arena, s->a->params_schema);
  if (s->params->list.count == 0 || draw_below(&s->d, 2)) return;
  if (parent && draw_below(&s->d, 2)) *s->params = value_copy(&s->params_arena, &parent->params);
  for (uint64_t n = draw_below(&s->d, 3); n-- > 0;)
    draw_value(&s->d, &s->params->list.items[draw_below(&s->d, s->params->list.count)]);
}

static value *make_facts(stream *s) {
  drawing *d = &s->d;
  const explore_case *parent = draw_below(d, FRESH_ONE_IN) ? choose(s) : NULL;
  value_arena_clear(&s->a->arena);
  d->arena = &s->a->arena;
  if (!parent) {
    d->root = value_new_record(d->arena, s->a->facts_schema);
    draw_record(d, d->root, draw_below(d, 4) > 0);
    return d->root;
  }

  d->root = value_arena_take(d->arena, sizeof(value));
  *d->root = value_copy(d->arena, &parent->facts);
  do draw_change(d);
  while (draw_below(d, 3) == 0);

  return d->root;
}

/* In the first round each stream takes its part of the seeds. */
static void solve_seeds(stream *s) {
  const stream_task *task = s->task;
  if (task->number > EXPLORE_STREAMS) return;
  for (size_t i = (size_t)task->number - 1; i < task->begin->count; i += EXPLORE_STREAMS)
    if (s->left > 0) solve(s, &task->begin->items[i]);
}

static uint64_t *copy_counts(const policy_trace *trace, bool *is_short) {
  size_t size = policy_trace_size(policy_trace_code(trace)) + 1;
  uint64_t *copy = malloc(size * sizeof *copy);
  if (copy)
    memcpy(copy, policy_trace_counts(trace), (size - 1) * sizeof *copy);
  else
    *is_short = true;
  return copy;
}

void stream_run(asker *a, const stream_task *task, stream_outcome *outcome) {
  stream s = {.a = a, .task = task, .out = outcome, .left = task->end - task->first};
  s.d = (drawing){.state = task->options->seed, .words = task->words};
  s.d.state = draw_next(&s.d) + task->number;
  s.d.state = draw_next(&s.d);
  policy_trace_start(a->now.trace, task->counts);
  if (a->old.trace) policy_trace_start(a->old.trace, task->old_counts);

  solve_seeds(&s);
  for (uint64_t n = 0; s.left > 0 && !outcome->is_short; n++) {
    if (n % PARAMS_FOR == 0 || !s.params) choose_params(&s);
    run_case(&s, make_facts(&s));
    s.credit++;
    while (s.solved < outcome->kept.count && s.left > 0 && s.credit >= 0)
      solve(&s, &outcome->kept.items[s.solved++]);
  }

  outcome->counts = copy_counts(a->now.trace, &outcome->is_short);
  if (a->old.trace) outcome->old_counts = copy_counts(a->old.trace, &outcome->is_short);
  value_arena_free(&s.params_arena);
  value_arena_free(&s.solving);
}
