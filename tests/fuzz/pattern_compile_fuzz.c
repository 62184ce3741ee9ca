/* Any bytes as an event pattern: compiled or refused, never a crash; a compiled one must then
 * handle a few events. Run: ./dev fuzz. */
#include <stdlib.h>
#include <string.h>

#include "core/event_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const events[] = {
      "{}", "{\"a\":1,\"b\":{\"c\":[\"x\",null,[{}]]}}",
      "{\"a\":[{\"b\":\"xy\"},{\"b\":10.5}],\"a.b\":\"10.0.0.1\"}"};
  event_pattern_source source = {(const char *)data, size};
  event_pattern_error error;
  event_pattern_set *set = event_pattern_compile(&source, 1, &error);
  if (!set && error.message.size == 0) abort(); /* refused without a reason */
  text_buffer_free(&error.message);
  if (!set) return 0;
  event_pattern_scratch *scratch = event_pattern_scratch_new(set);
  for (size_t i = 0; scratch && i < sizeof events / sizeof events[0]; i++) {
    event_pattern_result result;
    if (!event_pattern_match(set, scratch, events[i], strlen(events[i]), &result)) abort();
  }
  event_pattern_scratch_free(scratch);
  event_pattern_free(set);
  return 0;
}
