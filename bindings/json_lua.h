/* JSON text to Lua values and back: the two halves of the `weir.json` binding.
 *
 * null is a light userdata of NULL, so every binding can push and know it on its own. Arrays
 * carry the metatable JSON_ARRAY, which keeps [] apart from {}.
 * Memory: values belong to the Lua state; the buffer to the caller. */
#ifndef WEIR_JSON_LUA_H
#define WEIR_JSON_LUA_H

#include <lua.h>
#include <stdbool.h>

#include "core/json/scan.h"
#include "core/text/text_buffer.h"

#define JSON_ARRAY_METATABLE "weir.json.array"

/* Reads the next value of the text and pushes it. False with scan->error set and nothing pushed
 * when the text is refused or a number is beyond a double. Raises only when memory is short. */
bool json_decode_push(lua_State *L, json_scan *scan);

/* Which strings become secrets (binding.h) without ever being Lua strings. */
typedef enum {
  JSON_SECRETS_NONE,
  JSON_SECRETS_TAGS,  /* in an object such as {"Key": "TaskToken", "Value": "…"}, by its Key */
  JSON_SECRETS_NAMES, /* those, and every string in a member whose name is a secret's */
} json_secrets;

bool json_decode_push_hiding(lua_State *L, json_scan *scan, json_secrets secrets);

typedef struct {
  bool sort;  /* members in byte order of their names; otherwise in the table's order */
  bool ascii; /* everything outside printable ASCII escaped */
  int indent; /* spaces a level; 0 is compact */
  /* NULL, or asked about every table and userdata: writes the value on top of the stack and
   * answers true, or leaves it alone. It may raise. */
  bool (*special)(lua_State *L, text_buffer *out, void *context);
  void *context;
} json_style;

/* Appends the value at index. Raises, naming the place, for what JSON cannot hold; the buffer
 * stays the caller's, so keep it where the collector frees it. */
void json_encode_value(lua_State *L, int index, json_style style, text_buffer *out);

/* Makes the metatable JSON_ARRAY_METATABLE known and pushes it. */
void json_decode_push_array_metatable(lua_State *L);

#endif
