/* Fuzzes string.format of the policies against stock Lua: a format, a newline, a text. The text
 * is also read as a number, so that every conversion gets arguments it accepts. */
#include <stddef.h>
#include <stdint.h>

#include "support/sandbox_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static sandbox_pair pair;
  if (!pair.stock) pair_open(&pair);
  const uint8_t *newline = memchr(data, '\n', size);
  if (!newline || size > sizeof(pair_argument){0}.text) return 0;
  size_t format_size = (size_t)(newline - data), text_size = size - format_size - 1;
  pair_case test = {.body = "return collect(string.format(...))"};
  uint64_t bits = 0;
  memcpy(&bits, newline + 1, text_size < sizeof bits ? text_size : sizeof bits);
  lua_Number number;
  memcpy(&number, &bits, sizeof number);
  if (isnan(number)) number = 0.5; /* stock Lua prints a NaN's sign */
  pair_add_text(&test, (const char *)data, format_size);
  pair_add_number(&test, number);
  pair_add_integer(&test, (lua_Integer)bits);
  pair_add_text(&test, (const char *)newline + 1, text_size);
  pair_add_number(&test, number);
  /* %a and %p are refused on purpose. */
  if (strstr(pair_run_sandbox(&pair, &test), "differs between")) return 0;
  if (!pair_agrees(&pair, &test)) {
    pair_print(&pair, &test);
    abort();
  }
  return 0;
}
