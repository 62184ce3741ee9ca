/* See hash.h. */
#include "core/pattern/hash.h"

#include <stdlib.h>

static void place(pattern_table_slot *slots, uint32_t mask, pattern_table_slot entry) {
  uint32_t at = entry.hash;
  while (slots[at & mask].hash) at++;
  slots[at & mask] = entry;
}

static bool grow(pattern_table *table) {
  uint32_t capacity = table->slots ? (table->mask + 1) * 2 : 16;
  if (capacity == 0) return false;
  pattern_table_slot *slots = calloc(capacity, sizeof *slots);
  if (!slots) return false;
  for (uint32_t i = 0; table->slots && i <= table->mask; i++)
    if (table->slots[i].hash) place(slots, capacity - 1, table->slots[i]);
  free(table->slots);
  table->slots = slots;
  table->mask = capacity - 1;

  return true;
}

bool pattern_table_add(pattern_table *table, uint32_t hash, uint32_t id) {
  /* At most half full: a miss, the common case, ends at the first or second slot. */
  if ((!table->slots || table->used >= (table->mask + 1) / 2) && !grow(table)) return false;
  place(table->slots, table->mask, (pattern_table_slot){hash, id});
  table->used++;

  return true;
}

void pattern_table_free(pattern_table *table) {
  free(table->slots);
  *table = (pattern_table){0};
}
