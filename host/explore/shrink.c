/* The smallest facts of a finding: values are left out, or made simpler, one after another, as long
 * as the set fails or differs in the same way. See impl.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explore/impl.h"

enum { DECISIONS_MAX = 3000, HALVINGS = 64 };

typedef struct {
  asker *a;
  const char *key;
  value_arena arena; /* of the best so far */
  value facts, params;
  uint64_t decisions;
} shrinking;

/* ── Trying ── */

/* Is it the same finding with these? */
static bool holds(shrinking *s, value *facts, const value *params) {
  if (s->decisions >= DECISIONS_MAX) return false;
  s->decisions++;
  asker_write(s->a, facts, params);
  asked_result result = asker_ask(s->a, false);
  bool found = result == ASKED_FAILED || result == ASKED_DIFFERS;

  return found && strcmp(s->a->key.data, s->key) == 0;
}

/* The value with this number in facts or parameters, in a copy of the best, which is in *facts and
 * *params. */
static value *copy_at(shrinking *s, bool of_params, size_t number, value *facts, value *params,
                      value **parent) {
  value_arena *arena = &s->a->arena;
  value_arena_clear(arena);
  *facts = value_copy(arena, &s->facts);
  *params = value_copy(arena, &s->params);
  return value_at(of_params ? params : facts, number, parent);
}

/* Takes the copy over when it is the same finding. */
static bool keep_if(shrinking *s, value *facts, const value *params) {
  if (!holds(s, facts, params)) return false;
  value_arena fresh = {0};
  s->facts = value_copy(&fresh, facts);
  s->params = value_copy(&fresh, params);
  value_arena_free(&s->arena);
  s->arena = fresh;

  return true;
}

/* ── Simpler values ── */

static bool leave_out(shrinking *s, bool of_params, size_t number) {
  value facts, params, *parent;
  value *self = copy_at(s, of_params, number, &facts, &params, &parent);
  if (!parent || self->type == VALUE_ABSENT) return false;
  bool in_list = parent->type == VALUE_LIST || parent->type == VALUE_OBJECT;
  if (in_list) {
    size_t least = parent->field ? parent->field->min_size : 0;
    if (parent->list.count <= least) return false;
    value_remove(parent, (size_t)(self - parent->list.items));
  } else if (self->required && !of_params) {
    return false;
  } else {
    self->type = VALUE_ABSENT;
  }

  return keep_if(s, &facts, &params);
}

static double number_of(const value *self) {
  return self->type == VALUE_INTEGER ? (double)self->integer : self->number;
}

static bool set_number(shrinking *s, bool of_params, size_t number, double to) {
  value facts, params, *parent;
  value *self = copy_at(s, of_params, number, &facts, &params, &parent);
  double from = number_of(self);
  if (!draw_set_number(self, to) || number_of(self) == from) return false;

  return keep_if(s, &facts, &params);
}

/* A whole number, 0 or 1, or the one nearest to 0 that still does. */
static void simplify_number(shrinking *s, bool of_params, size_t number, double from) {
  if (from == 0 || set_number(s, of_params, number, 0)) return;
  if (from == 1 || set_number(s, of_params, number, 1)) return;
  if (from != floor(from) && set_number(s, of_params, number, floor(from))) from = floor(from);
  double low = 0, high = from; /* high does, low does not */
  for (int i = 0; i < HALVINGS && fabs(high - low) > 1; i++) {
    double middle = trunc(low + (high - low) / 2);
    if (middle == low || middle == high) break;
    if (set_number(s, of_params, number, middle))
      high = middle;
    else
      low = middle;
  }
}

static bool set_text(shrinking *s, bool of_params, size_t number, value_text text) {
  value facts, params, *parent;
  value *self = copy_at(s, of_params, number, &facts, &params, &parent);
  drawing d = {.arena = &s->a->arena};
  if (text.size >= self->text.size || !draw_set_text(&d, self, text)) return false;

  return keep_if(s, &facts, &params);
}

static void simplify_text(shrinking *s, bool of_params, size_t number, value_text text) {
  if (set_text(s, of_params, number, (value_text){"", 0})) return;
  if (set_text(s, of_params, number, (value_text){"x", 1})) return;
  for (size_t size = text.size / 2; size > 1; size /= 2)
    if (set_text(s, of_params, number, (value_text){text.at, size})) return;
}

static bool simplify_flag(shrinking *s, bool of_params, size_t number) {
  value facts, params, *parent;
  value *self = copy_at(s, of_params, number, &facts, &params, &parent);
  if (!self->flag) return false;
  self->flag = false;

  return keep_if(s, &facts, &params);
}

static void simplify(shrinking *s, bool of_params, size_t number) {
  value *parent;
  const value *self = value_at(of_params ? &s->params : &s->facts, number, &parent);
  if (!self) return;
  bool is_choice = self->field && self->field->type == SCHEMA_CHOICE;
  if (self->type == VALUE_INTEGER || self->type == VALUE_NUMBER)
    simplify_number(s, of_params, number, number_of(self));
  else if (self->type == VALUE_TEXT && !is_choice)
    simplify_text(s, of_params, number, self->text);
  else if (self->type == VALUE_FLAG)
    simplify_flag(s, of_params, number);
}

/* ── The whole ── */

/* From the last value to the first, so that the numbers of those to come stay the same. */
static bool pass(shrinking *s, bool of_params) {
  uint64_t before = s->decisions;
  bool changed = false;
  for (size_t at = value_count(of_params ? &s->params : &s->facts); at-- > 1;)
    changed = leave_out(s, of_params, at) || changed;
  if (changed) return s->decisions > before;
  for (size_t at = value_count(of_params ? &s->params : &s->facts); at-- > 1;)
    simplify(s, of_params, at);
  return false;
}

static bool begin(shrinking *s, const explore_finding *found) {
  return value_read(&s->arena, s->a->facts_schema, found->facts, strlen(found->facts), &s->facts) &&
         value_read(&s->arena, s->a->params_schema, found->params, strlen(found->params),
                    &s->params);
}

/* Asks the best once more, and makes it the finding. */
static void finish(shrinking *s, explore_finding *found) {
  explore_finding smaller;
  value_arena_clear(&s->a->arena);
  asker_write(s->a, &s->facts, &s->params);
  asked_result result = asker_ask(s->a, false);
  bool same = result != ASKED_FINE && result != ASKED_REFUSED && result != ASKED_OUT_OF_MEMORY &&
              strcmp(s->a->key.data, found->key) == 0;
  if (!same) return;
  if (!asker_finding(s->a, result, &smaller)) {
    explore_finding_free(&smaller);
    return;
  }

  smaller.count = found->count;
  explore_finding_free(found);
  *found = smaller;
}

uint64_t shrink_finding(asker *a, explore_finding *found) {
  shrinking s = {.a = a, .key = found->key};
  if (begin(&s, found)) {
    while (pass(&s, true)) {
    }

    while (pass(&s, false)) {
    }

    finish(&s, found);
  }

  value_arena_free(&s.arena);

  return s.decisions;
}
