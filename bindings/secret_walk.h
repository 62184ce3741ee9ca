/* Walks through decoded values for weir.secret. Memory: the Lua state's. */
#ifndef WEIR_SECRET_WALK_H
#define WEIR_SECRET_WALK_H

#include <lua.h>

#include "core/json/scan.h"
#include "core/secret/redact.h"

/* Appends to the list at index what the value on the top of the stack holds that is a secret, or a
 * text that may hold one. Pops the value. */
void secret_walk_candidates(lua_State *L, int list);

/* Replaces the value on the top of the stack by a deep copy, when nothing in it has to be hidden:
 * no value whose name says that it is a secret, and no secret, and no text that shows one or needs
 * a closer look. False, with nil there, when something has. Tables with a metatable of their own
 * are not copied; arrays of weir.json are. */
bool secret_walk_copy(lua_State *L, const secret_value *known, size_t count);

/* Whether JSON holds nothing that is a secret, or may hold one. False of what needs a closer look.
 */
bool secret_walk_is_clean(json_span text, const secret_value *known, size_t count);

/* Names that are not those of secrets: all events of a file have much the same. Zeros are ready. */
enum { SECRET_WALK_NAMES = 64 };

typedef struct {
  unsigned char size;
  char text[31];
} secret_walk_name;

typedef struct {
  secret_walk_name known[SECRET_WALK_NAMES];
} secret_walk_names;

/* The same of valid JSON, with no secret known: looks for strings in its bytes first, which most
 * events pass. */
bool secret_walk_is_clean_event(json_span event, secret_walk_names *names);

#endif
