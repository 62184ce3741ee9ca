/* What every binding shares: the error rule and argument checking.
 *   a caller's mistake raises, quoting the expected call;
 *   the world's failure returns nil, message, code.
 * Memory: messages are Lua strings. Callers: bindings only. */
#ifndef WEIR_BINDING_H
#define WEIR_BINDING_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

/* Pushes nil, message, code and returns 3: `return binding_fail(L, "InvalidJson", "…", …)`.
 * The format is lua_pushfstring's. */
int binding_fail(lua_State *L, const char *code, const char *format, ...);

/* Raises "expected SIGNATURE: …" unless ok. */
void binding_expect(lua_State *L, bool ok, const char *signature);

/* Raises unless every key of the table at index is one of allowed (NULL-terminated); the text
 * names the key, the signature and the allowed keys. */
void binding_check_keys(lua_State *L, int index, const char *const *allowed, const char *signature);

#endif
