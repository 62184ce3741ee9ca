/* Chooses the instruction set of json_index_text. See index.h. */
#include "core/json/index.h"

#include <stdlib.h>

#include "core/json/impl.h"

static bool make_room(json_index *index, size_t size) {
  size_t words = size / 64 + 1 + INDEX_BATCH; /* a batch is written whole */
  if (words <= index->room) return true;
  words += words / 2;
  uint64_t *grown = realloc(index->words, 3 * words * sizeof *grown);
  if (!grown) return false;
  *index = (json_index){.words = grown,
                        .colons = grown,
                        .opens = grown + words,
                        .closes = grown + 2 * words,
                        .room = words};

  return true;
}

bool json_index_text(json_index *index, const char *text, size_t size) {
#ifdef WEIR_JSON_INDEX
  return json_index_has_avx512() && make_room(index, size) && json_index_avx512(index, text, size);
#else
  (void)make_room, (void)index, (void)text, (void)size;
  return false;
#endif
}

void json_index_free(json_index *index) {
  free(index->words);
  *index = (json_index){0};
}
