/* See draw.h. */
#include "explore/draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_DRAWN = 4, JOINED_BYTES = 128 };

static const double BOUNDLESS = 1e15; /* as far as numbers without a bound go, mostly */

static bool chance(drawing *d, unsigned one_in) {
  return draw_below(d, one_in) == 0;
}

static double uniform(drawing *d) {
  return (double)(draw_next(d) >> 11) * 0x1p-53;
}

/* ── The dictionary ── */

static void add_constants(dictionary *self, const policy_code *code) {
  for (size_t i = 0; code && i < code->constants.count; i++) {
    const code_constant *c = &code->constants.items[i];
    if (c->is_key)
      self->keys[self->key_count++] = (value_text){c->text, c->size};
    else if (c->is_text)
      self->texts[self->text_count++] = (value_text){c->text, c->size};
    else
      self->numbers[self->number_count++] = c->number;
  }
}

bool draw_dictionary_new(dictionary *self, const policy_code *one, const policy_code *two) {
  static const double numbers[] = {0, 1, -1, 2, 0.5, 100};
  static const value_text texts[] = {{"", 0}, {"x", 1}, {"a/b.c", 5}};
  size_t count = 16 + one->constants.count + (two ? two->constants.count : 0);
  *self = (dictionary){.numbers = malloc(count * sizeof *self->numbers),
                       .texts = malloc(count * sizeof *self->texts),
                       .keys = malloc(count * sizeof *self->keys)};
  if (!self->numbers || !self->texts || !self->keys) return false;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    self->numbers[self->number_count++] = numbers[i];
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    self->texts[self->text_count++] = texts[i];
  add_constants(self, one);
  add_constants(self, two);

  return true;
}

void draw_dictionary_free(dictionary *self) {
  free(self->numbers);
  free(self->texts);
  free(self->keys);
  *self = (dictionary){0};
}

/* ── Numbers ── */

static double lower(const schema_field *field) {
  return field && field->min > -1e300 ? field->min : -BOUNDLESS;
}

static double upper(const schema_field *field) {
  return field && field->max < 1e300 ? field->max : BOUNDLESS;
}

static bool holds_integers(const value *self) {
  return self->field ? self->field->type == SCHEMA_INTEGER : self->type == VALUE_INTEGER;
}

static bool holds_numbers(const value *self) {
  return self->field ? self->field->type <= SCHEMA_NUMBER
                     : self->type == VALUE_INTEGER || self->type == VALUE_NUMBER;
}

bool draw_set_number(value *self, double number) {
  if (!holds_numbers(self) || number != number) return false;
  bool integer = holds_integers(self);
  if (number < lower(self->field)) number = lower(self->field);
  if (number > upper(self->field)) number = upper(self->field);
  if (integer) number = floor(number);
  if (integer && number < lower(self->field)) number++;
  self->type = integer ? VALUE_INTEGER : VALUE_NUMBER;
  if (integer)
    self->integer = (int64_t)number;
  else
    self->number = number == 0 ? 0 : number;

  return true;
}

static double number_of(const value *self) {
  return self->type == VALUE_INTEGER ? (double)self->integer : self->number;
}

/* Another number of the tree, or one of the dictionary. */
static double known_number(drawing *d) {
  if (d->root && chance(d, 3)) {
    value *parent, *found = value_at(d->root, draw_below(d, value_count(d->root)), &parent);
    if (found->type == VALUE_INTEGER || found->type == VALUE_NUMBER) return number_of(found);
  }

  return d->words->numbers[draw_below(d, d->words->number_count)];
}

/* In draw_number and here each draw is a statement of its own: C leaves open which operand of an
 * expression comes first, and every build has to draw the same. */
static double spread_number(drawing *d) {
  int exponent = (int)draw_below(d, 40);
  return ldexp(1 + uniform(d), exponent);
}

static double next_to_known_number(drawing *d) {
  double towards = chance(d, 2) ? -INFINITY : INFINITY;
  return nextafter(known_number(d), towards);
}

static double draw_number(drawing *d, const value *self) {
  double known;
  double low = lower(self->field), high = upper(self->field);
  switch (draw_below(d, 10)) {
  case 0: return chance(d, 2) ? low : high;
  case 1: return (double)draw_below(d, 12);
  case 2: return spread_number(d);
  case 3: return low + uniform(d) * (high - low);
  case 4: return uniform(d);
  case 5: known = known_number(d); return known * (double)(1 + draw_below(d, 4));
  case 6: return next_to_known_number(d);
  default: known = known_number(d); return known + (double)draw_below(d, 3) - 1;
  }
}

/* A number beside the one that is there. */
static double move_number(drawing *d, double from) {
  switch (draw_below(d, 6)) {
  case 0: return from + 1;
  case 1: return from - 1;
  case 2: return from * 2;
  case 3: return from / 2;
  case 4: return from + known_number(d);
  default: return from * (0.9 + 0.2 * uniform(d));
  }
}

/* ── Texts ── */

static bool fits(const value *self, size_t size) {
  return !self->field || (size >= self->field->min_size && size <= self->field->max_size);
}

static bool holds_texts(const value *self) {
  return self->field ? self->field->type == SCHEMA_TEXT : self->type == VALUE_TEXT;
}

bool draw_set_text(drawing *d, value *self, value_text text) {
  if (!holds_texts(self) || !fits(self, text.size)) return false;
  self->type = VALUE_TEXT;
  self->text = value_copy_text(d->arena, text.at, text.size);
  return true;
}

static value_text known_text(drawing *d) {
  if (d->root && chance(d, 2)) {
    value *parent, *found = value_at(d->root, draw_below(d, value_count(d->root)), &parent);
    if (found->type == VALUE_TEXT) return found->text;
  }

  return d->words->texts[draw_below(d, d->words->text_count)];
}

/* The name of a member: one that the code reads, or any text. */
static value_text known_key(drawing *d) {
  if (d->words->key_count == 0 || chance(d, 3)) return known_text(d);
  return d->words->keys[draw_below(d, d->words->key_count)];
}

static value_text two_texts(drawing *d) {
  value_text a = known_text(d), b = known_text(d);
  if (a.size + b.size > JOINED_BYTES) return b;
  char *both = value_arena_take(d->arena, a.size + b.size + 1);
  if (d->arena->failed) return (value_text){"x", 1};
  memcpy(both, a.at, a.size);
  memcpy(both + a.size, b.at, b.size);
  return (value_text){both, a.size + b.size};
}

/* Letters and digits: what is only hashed is to differ. */
static value_text fresh_text(drawing *d) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  size_t size = 1 + draw_below(d, 8);
  char *made = value_arena_take(d->arena, size + 1);
  if (d->arena->failed) return (value_text){"x", 1};
  for (size_t i = 0; i < size; i++) made[i] = letters[draw_below(d, sizeof letters - 1)];
  return (value_text){made, size};
}

static void draw_text(drawing *d, value *self) {
  value_text text = chance(d, 8) ? fresh_text(d) : chance(d, 4) ? two_texts(d) : known_text(d);
  self->type = VALUE_TEXT;
  if (fits(self, text.size)) {
    self->text = value_copy_text(d->arena, text.at, text.size);
    return;
  }

  size_t size = self->field && self->field->min_size > 1 ? self->field->min_size : 1;
  char *filled = value_arena_take(d->arena, size + 1);
  if (d->arena->failed) return;
  memset(filled, 'x', size);
  self->text = (value_text){filled, size};
}

/* ── Any JSON ── */

static void draw_any(drawing *d, value *self) {
  value_text text = known_text(d); /* before the value is half of another type */
  double number = known_number(d);
  switch (draw_below(d, 6)) {
  case 0: self->type = VALUE_NULL; return;
  case 1:
    self->type = VALUE_FLAG;
    self->flag = chance(d, 2);
    return;
  case 2:
    self->type = VALUE_INTEGER;
    self->integer = (int64_t)fmax(-BOUNDLESS, fmin(BOUNDLESS, number));
    return;
  case 3:
    self->type = chance(d, 2) ? VALUE_LIST : VALUE_OBJECT;
    self->list.items = NULL;
    self->list.count = 0;
    return;
  default: self->type = VALUE_TEXT; self->text = text;
  }
}

/* ── Values of a schema ── */

void draw_record(drawing *d, value *self, bool optional) {
  for (size_t i = 0; i < self->list.count; i++) {
    value *child = &self->list.items[i];
    if (child->required || (optional && chance(d, 2))) draw_value(d, child);
  }
}

static void draw_children(drawing *d, value *self) {
  size_t most = self->field->max_size < ITEMS_DRAWN ? self->field->max_size : ITEMS_DRAWN;
  size_t count = draw_below(d, most + 1);
  if (count < self->field->min_size) count = self->field->min_size;
  self->type = self->field->type == SCHEMA_LIST ? VALUE_LIST : VALUE_OBJECT;
  self->list.items = NULL;
  self->list.count = 0;
  for (size_t i = 0; i < count; i++) {
    value *child = value_add(d->arena, self);
    if (!child) return;
    if (self->type == VALUE_OBJECT) child->key = known_key(d);
    draw_value(d, child);
  }
}

void draw_value(drawing *d, value *self) {
  const schema_field *field = self->field;
  if (!field) {
    draw_any(d, self);
    return;
  }

  switch (field->type) {
  case SCHEMA_INTEGER:
  case SCHEMA_NUMBER:
    if (!draw_set_number(self, draw_number(d, self))) draw_set_number(self, 0);
    return;
  case SCHEMA_TEXT: draw_text(d, self); return;
  case SCHEMA_FLAG:
    self->type = VALUE_FLAG;
    self->flag = chance(d, 2);
    return;
  case SCHEMA_CHOICE: {
    const schema_choice *choice = &field->values[draw_below(d, field->value_count)];
    self->type = VALUE_TEXT;
    self->text = (value_text){choice->text, choice->size};
    return;
  }
  case SCHEMA_LIST:
  case SCHEMA_MAP: draw_children(d, self); return;
  case SCHEMA_RECORD: {
    value *record = value_new_record(d->arena, &field->fields);
    self->type = VALUE_RECORD;
    self->list = record->list;
    draw_record(d, self, true);
    return;
  }
  default: draw_any(d, self);
  }
}

/* ── Changing ── */

static void change_list(drawing *d, value *self) {
  size_t count = self->list.count, least = self->field ? self->field->min_size : 0;
  size_t most = self->field ? self->field->max_size : 100;
  bool is_long = count > ITEMS_DRAWN && !chance(d, 8);
  bool remove = count > least && (count >= most || is_long || chance(d, 2));
  if (remove) {
    value_remove(self, draw_below(d, count));
  } else if (count < most) {
    value *source = count && chance(d, 2) ? &self->list.items[draw_below(d, count)] : NULL;
    value copy = source ? value_copy(d->arena, source) : (value){0};
    value *added = value_add(d->arena, self);
    if (!added) return;
    if (source)
      *added = copy;
    else
      draw_value(d, added);
    if (self->type == VALUE_OBJECT) added->key = known_key(d);
  }
}

static void change_value(drawing *d, value *self) {
  bool is_number = self->type == VALUE_INTEGER || self->type == VALUE_NUMBER;
  if (is_number && chance(d, 2)) {
    draw_set_number(self, move_number(d, number_of(self)));
  } else if ((self->type == VALUE_LIST || self->type == VALUE_OBJECT) && !chance(d, 4)) {
    change_list(d, self);
  } else if (self->type == VALUE_TEXT && !self->field && !chance(d, 4)) {
    draw_text(d, self);
  } else {
    draw_value(d, self);
  }
}

void draw_change(drawing *d) {
  value *parent, *self = value_at(d->root, draw_below(d, value_count(d->root)), &parent);
  if (!parent) self = &d->root->list.items[draw_below(d, d->root->list.count)];
  bool in_object = parent && parent->type == VALUE_OBJECT;
  if (self->type != VALUE_ABSENT && !self->required && chance(d, 4))
    self->type = VALUE_ABSENT;
  else if (in_object && chance(d, 8))
    value_remove(parent, (size_t)(self - parent->list.items));
  else
    change_value(d, self);
}

/* ── Repairing ── */

static value *member(value *record, const char *name) {
  for (size_t i = 0; record->type == VALUE_RECORD && i < record->list.count; i++)
    if (strcmp(record->list.items[i].field->name, name) == 0) return &record->list.items[i];
  return NULL;
}

static bool is_taken(value *list, size_t before, const char *name, value_text text) {
  for (size_t i = 0; i < before; i++) {
    const value *other = member(&list->list.items[i], name);
    bool same = other && other->type == VALUE_TEXT && other->text.size == text.size &&
                memcmp(other->text.at, text.at, text.size) == 0;
    if (same) return true;
  }

  return false;
}

static void make_unique(value_arena *arena, value *list) {
  const char *name = list->field->unique_by;
  for (size_t i = 1; i < list->list.count; i++) {
    value *own = member(&list->list.items[i], name);
    char text[16];
    for (int n = 1; own && own->type == VALUE_TEXT && is_taken(list, i, name, own->text); n++) {
      int size = snprintf(text, sizeof text, "x%d", n);
      own->text = value_copy_text(arena, text, (size_t)size);
    }
  }
}

/* An object has each key once. */
static void drop_repeated_keys(value *self) {
  for (size_t i = self->list.count; i-- > 1;) {
    value_text key = self->list.items[i].key;
    for (size_t k = 0; k < i; k++) {
      value_text other = self->list.items[k].key;
      if (key.size != other.size || memcmp(key.at, other.at, key.size) != 0) continue;
      value_remove(self, i);
      break;
    }
  }
}

void draw_repair(value_arena *arena, value *self) {
  if (!value_has_children(self)) return;
  if (self->type == VALUE_OBJECT) drop_repeated_keys(self);
  if (self->field && self->field->unique_by) make_unique(arena, self);
  for (size_t i = 0; i < self->list.count; i++) draw_repair(arena, &self->list.items[i]);
}
