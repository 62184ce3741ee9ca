/* Any bytes as an event pattern: compiled or refused, never a crash; a compiled one must then
 * handle a few events. Run: ./dev fuzz. */
#include <stdlib.h>
#include <string.h>

#include "core/pattern/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const events[] = {
      "{}", "{\"a\":1,\"b\":{\"c\":[\"x\",null,[{}]]}}",
      "{\"a\":[{\"b\":\"xy\"},{\"b\":10.5}],\"a.b\":\"10.0.0.1\"}"};
  pattern_source source = {(const char *)data, size};
  pattern_error error;
  pattern_set *set = pattern_compile(&source, 1, &error);
  if (!set && error.message.size == 0) abort(); /* refused without a reason */
  text_buffer_free(&error.message);
  if (!set) return 0;
  pattern_scratch *scratch = pattern_scratch_new(set);
  for (size_t i = 0; scratch && i < sizeof events / sizeof events[0]; i++) {
    pattern_result result;
    if (!pattern_match(set, scratch, events[i], strlen(events[i]), &result)) abort();
  }
  pattern_scratch_free(scratch);
  pattern_free(set);
  return 0;
}
