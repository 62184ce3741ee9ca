/* JSON that holds no secret, and nothing that may be one: most events and facts. Everything else
 * needs a closer look (lua/weir/redact.lua).
 * Memory: the caller's. */
#ifndef WEIR_SECRET_CLEAN_H
#define WEIR_SECRET_CLEAN_H

#include <lua.h>

#include "core/json/scan.h"
#include "core/secret/redact.h"

/* Whether JSON holds nothing that is a secret, or may hold one. False of what needs a closer look.
 */
bool secret_clean_is(json_span text, const secret_value *known, size_t count);

/* Names that are not those of secrets: all events of a file have much the same. Zeros are ready. */
enum { SECRET_CLEAN_NAMES = 64 };

typedef struct {
  unsigned char size;
  char text[31];
} secret_clean_name;

typedef struct {
  secret_clean_name known[SECRET_CLEAN_NAMES];
} secret_clean_names;

/* The same of valid JSON, with no secret known: looks for strings in its bytes first, which most
 * events pass. */
bool secret_clean_is_event(json_span event, secret_clean_names *names);

/* Whether a list of tags in the event, {"Key": "TaskToken", "Value": …}, names a secret. Of an
 * event that is clean. */
bool secret_clean_has_secret_tag(json_span event);

/* Appends the value at index as JSON; whether that is clean. parts: index of a table with the JSON
 * of tables inside the value, which is clean; 0: none. */
bool secret_clean_encode(lua_State *L, int index, int parts, const secret_value *known,
                         size_t count, secret_clean_names *names, text_buffer *out);

#endif
