/* The compiler's entry: reads every pattern into a set, then indexes it. See pattern.h. */
#include "core/pattern/impl.h"

static pattern_set *give_up(pattern_set *set, pattern_error *error) {
  if (error->message.size == 0)
    text_buffer_text(&error->message, "Event pattern is not valid. Reason: out of memory");
  pattern_free(set);
  return NULL;
}

pattern_set *pattern_compile(const pattern_source *sources, size_t count, pattern_error *error) {
  *error = (pattern_error){0};
  pattern_set *set = pattern_set_new(count);
  if (!set) return give_up(NULL, error);
  for (size_t i = 0; i < count; i++) {
    error->index = i;
    if (!pattern_parse(set, (uint32_t)i, sources[i], &error->message)) return give_up(set, error);
  }

  return pattern_index(set) ? set : give_up(set, error);
}
