/* Findings, ordered by their keys. See impl.h. */
#include <stdlib.h>
#include <string.h>

#include "explore/impl.h"

/* Where the key is, or would be. */
static size_t place_of(const finding_pool *self, const char *key) {
  size_t low = 0, high = self->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(self->items[middle].key, key) < 0)
      low = middle + 1;
    else
      high = middle;
  }

  return low;
}

explore_finding *finding_pool_find(finding_pool *self, const char *key) {
  size_t at = place_of(self, key);
  bool found = at < self->count && strcmp(self->items[at].key, key) == 0;
  return found ? &self->items[at] : NULL;
}

/* By size, then by bytes: which one is kept must not depend on the order of finding. */
static bool is_smaller(const explore_finding *a, const explore_finding *b) {
  size_t size_a = strlen(a->facts) + strlen(a->params);
  size_t size_b = strlen(b->facts) + strlen(b->params);
  if (size_a != size_b) return size_a < size_b;
  int order = strcmp(a->facts, b->facts);

  return order < 0 || (order == 0 && strcmp(a->params, b->params) < 0);
}

bool finding_pool_take(finding_pool *self, explore_finding *found) {
  explore_finding *known = finding_pool_find(self, found->key);
  if (known) {
    uint64_t count = known->count + found->count;
    if (is_smaller(found, known)) {
      explore_finding larger = *known;
      *known = *found;
      *found = larger;
    }

    known->count = count;
    explore_finding_free(found);
    return true;
  }

  if (self->count == FINDINGS_MAX) {
    explore_finding_free(found);
    return true;
  }

  if (!self->items) self->items = calloc(FINDINGS_MAX, sizeof *self->items);
  if (!self->items) return false;
  size_t at = place_of(self, found->key);
  memmove(&self->items[at + 1], &self->items[at], (self->count - at) * sizeof *self->items);
  self->items[at] = *found;
  self->count++;
  *found = (explore_finding){0};

  return true;
}

void finding_pool_free(finding_pool *self) {
  for (size_t i = 0; i < self->count; i++) explore_finding_free(&self->items[i]);
  free(self->items);
  *self = (finding_pool){0};
}
