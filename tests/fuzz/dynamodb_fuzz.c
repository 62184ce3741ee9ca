/* Fuzzes the DynamoDB codec: whatever decodes must encode, and then decode and encode to the same
 * size again. The text is also read as a whole reply and as a number. */
#include <lauxlib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "registry.h"
#include "script/state.h"

static const char script[] =
    "local dynamodb = require('weir.dynamodb')\n"
    "return function(text)\n"
    "  dynamodb.decode_reply(text, { secret = { 'a' } })\n"
    "  local number = dynamodb.number(text)\n"
    "  if number then assert(number == dynamodb.number(tostring(number))) end\n"
    "  local item = dynamodb.decode(text)\n"
    "  if not item then return end\n"
    "  local first, message, code = dynamodb.encode(item)\n"
    "  if not first then return assert(code == 'ItemTooLarge' or code == 'InvalidName', message) "
    "end\n"
    "  local again = assert(dynamodb.decode(first))\n"
    "  assert(dynamodb.size(item) == dynamodb.size(again), first)\n"
    "  assert(#dynamodb.encode(again) == #first, first)\n"
    "end\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  if (!L) {
    L = script_state_new(registry_bindings);
    if (luaL_dostring(L, script)) abort();
  }
  lua_pushvalue(L, -1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, 0)) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  return 0;
}
