/* Walks through decoded values for weir.secret. Memory: the Lua state's. */
#ifndef WEIR_SECRET_WALK_H
#define WEIR_SECRET_WALK_H

#include <lua.h>

#include "core/secret/redact.h"

/* Appends to the list at index what the value on the top of the stack holds that is a secret, or a
 * text that may hold one. Pops the value. */
void secret_walk_candidates(lua_State *L, int list);

/* Replaces the value on the top of the stack by a deep copy, when nothing in it has to be hidden:
 * no value whose name says that it is a secret, and no secret, and no text that shows one or needs
 * a closer look. False, with nil there, when something has. Tables with a metatable of their own
 * are not copied; arrays of weir.json are. */
bool secret_walk_copy(lua_State *L, const secret_value *known, size_t count);

/* Whether secret_walk_copy takes the text as it is. */
bool secret_walk_is_plain(const char *text, size_t size, const secret_value *known, size_t count);

/* Whether secret_walk_candidates lists the text: none that is shorter than this. */
enum { SECRET_WALK_LEAST = sizeof "{\"token\":\"x\"}" - 1 };
bool secret_walk_is_candidate(const char *text, size_t size);

/* Whether a text of two bytes or more begins as JSON in base64 does. */
bool secret_walk_begins_as_base64(const char *text);

#endif
