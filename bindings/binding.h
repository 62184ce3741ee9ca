/* What every binding shares: the error rule and argument checking.
 *   a caller's mistake raises, quoting the expected call;
 *   the world's failure returns nil, message, code.
 * Memory: messages are Lua strings. */
#ifndef WEIR_BINDING_H
#define WEIR_BINDING_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "core/text/text_buffer.h"

/* Pushes nil, message, code and returns 3: `return binding_fail(L, "InvalidJson", "…", …)`.
 * The format is lua_pushfstring's. */
int binding_fail(lua_State *L, const char *code, const char *format, ...);

/* Raises "expected SIGNATURE: …" unless ok. */
void binding_expect(lua_State *L, bool ok, const char *signature);

/* Raises unless every key of the table at index is one of allowed (NULL-terminated); the text
 * names the key, the signature and the allowed keys. */
void binding_check_keys(lua_State *L, int index, const char *const *allowed, const char *signature);

/* Secrets. A secret is a userdata whose bytes only C can see; Lua sees "[redacted]". The rule:
 *   what is built from a secret is a secret (weir.body and weir.dynamodb.encode answer with one
 *   as soon as one part was one), and only what sends a request opens it (signing, HTTP).
 * No binding may hand the bytes to Lua as a string, but for what reads events and replies: a text
 * that holds secrets is decoded, and they stay secrets (json.c, dynamodb_reply.c). See secret.c. */

#define BINDING_SECRET "weir.secret" /* the metatable's name in the registry */

/* The bytes of the secret at index, valid while it is on the stack; NULL for anything else. */
const char *binding_secret(lua_State *L, int index, size_t *size);

/* The bytes of a string or a secret; NULL for anything else. *secret becomes true for a secret and
 * is left alone otherwise, so that one flag can collect over several parts. */
const char *binding_secret_text(lua_State *L, int index, size_t *size, bool *secret);

/* Pushes a new secret holding a copy of the bytes. */
void binding_secret_push(lua_State *L, const char *bytes, size_t size);

/* Pushes a secret or a plain string: what a builder returns. */
void binding_secret_push_text(lua_State *L, const char *bytes, size_t size, bool secret);

/* Pushes a userdata with an empty buffer, wiped and freed when it is collected: kept in an upvalue,
 * nothing is lost when a function raises while it writes. Begin each use with binding_buffer_begin,
 * which empties it and lets go of a very large one. */
text_buffer *binding_buffer_push(lua_State *L);
void binding_buffer_begin(text_buffer *buffer);

#endif
