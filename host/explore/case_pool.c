/* Cases that are kept. See impl.h. */
#include <stdlib.h>

#include "explore/impl.h"

bool case_pool_add(case_pool *self, const value *facts, const value *params, size_t first_new) {
  if (self->count == self->capacity) {
    size_t capacity = self->capacity ? 2 * self->capacity : 64;
    explore_case *grown = realloc(self->items, capacity * sizeof *grown);
    if (!grown) return false;
    self->items = grown;
    self->capacity = capacity;
  }

  self->items[self->count++] =
      (explore_case){value_copy(&self->arena, facts), value_copy(&self->arena, params), first_new};

  return !self->arena.failed;
}

void case_pool_free(case_pool *self) {
  value_arena_free(&self->arena);
  free(self->items);
  *self = (case_pool){0};
}
