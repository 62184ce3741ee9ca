/* The one shape of a binding, and what every binding shares.
 *
 *   static const char READ_SIGNATURE[] = "weir.files.read(path, limit)";
 *
 *   static int lua_files_read(lua_State *L) {
 *     check the shape of the arguments → call the C module → push the result
 *   }
 *
 *   static const luaL_Reg functions[] = {BINDING_FUNCTION(files, read), BINDING_END};
 *
 * Errors: a caller's mistake raises and quotes the signature, "expected weir.files.read(…)".
 * The world's failure returns nil, message, code. In a signature `[, x]` is an argument that may be
 * left out, and `name=type?` is an option that may be left out.
 *
 * Order: every argument is checked before the first resource is taken. A resource belongs to a
 * userdata that was pushed before it (binding_owner_push, binding_buffer_push), because each push
 * may raise for lack of memory: then the collector releases it.
 * Memory: messages are Lua strings. Texts that are read point into strings that the caller's
 * arguments keep alive. */
#ifndef WEIR_BINDING_H
#define WEIR_BINDING_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "core/text/text_buffer.h"

/* Entries of a luaL_Reg table: {"read", lua_files_read} and {"__gc", lua_files_file_gc}. */
#define BINDING_FUNCTION(module, name)                                                             \
  { #name, lua_##module##_##name }
#define BINDING_METAMETHOD(module, name)                                                           \
  { "__" #name, lua_##module##_##name }
#define BINDING_END                                                                                \
  { NULL, NULL }

/* ── Errors ── */

/* Pushes nil, message, code and returns 3: `return binding_fail(L, "InvalidJson", "…", …)`.
 * The format is lua_pushfstring's. */
int binding_fail(lua_State *L, const char *code, const char *format, ...);

/* Raises "expected SIGNATURE" unless ok. */
void binding_expect(lua_State *L, bool ok, const char *signature);

/* Raises "not enough memory" unless ok: for memory that does not come from Lua. */
void binding_expect_memory(lua_State *L, bool ok);

/* ── Arguments, by position (binding_check.c) ── */

/* Raises when there are more arguments than `most`. Most functions drop them instead, as Lua does:
 * a caller may pass on all results of a call, such as is_array(decode(text)). */
void binding_argument_most(lua_State *L, int most, const char *signature);

/* The userdata of this type at index 1, which a method belongs to. */
void *binding_argument_self(lua_State *L, const char *type, const char *signature);

/* A string of any bytes. Numbers are not texts. */
const char *binding_argument_text(lua_State *L, int index, size_t *size, const char *signature);

/* A string as C has it, without a NUL byte: what C sees would silently name something else. */
const char *binding_argument_name(lua_State *L, int index, const char *signature);

/* A string or a secret; *secret becomes true for a secret and is left alone otherwise, so that one
 * flag can collect over several parts. */
const char *binding_argument_secret(lua_State *L, int index, size_t *size, bool *secret,
                                    const char *signature);

/* A whole number in a range. Strings are not numbers. */
lua_Integer binding_argument_integer(lua_State *L, int index, lua_Integer least, lua_Integer most,
                                     const char *signature);

/* A number in a range, or `otherwise` where there is none and `otherwise` is a number. Not a number
 * (NaN) is refused. */
lua_Number binding_argument_number(lua_State *L, int index, lua_Number least, lua_Number most,
                                   lua_Number otherwise, const char *signature);

/* A boolean, or `otherwise` where there is none. */
bool binding_argument_boolean(lua_State *L, int index, bool otherwise, const char *signature);

/* ── Options: the members of a table at index (binding_check.c) ──
 * The table is read without metamethods. A member that is absent gives NULL or `otherwise`. */

/* Raises unless every key of the table at index is one of allowed (NULL-terminated); the text
 * names the key, the signature and the allowed keys. */
void binding_check_keys(lua_State *L, int index, const char *const *allowed, const char *signature);

/* False when there is nothing or nil at index. Raises for anything but a table with these keys. */
bool binding_check_options(lua_State *L, int index, const char *const *allowed,
                           const char *signature);

/* Pushes the members of the table at index in the order of `allowed`, nil for one that is absent;
 * returns where the first of them is. Raises for anything but a table with these keys. For tables
 * of many members: each is looked at once. */
int binding_check_members(lua_State *L, int index, const char *const *allowed,
                          const char *signature);

/* Pushes a member, and returns its type; nil where there is no table. */
int binding_check_push(lua_State *L, int table, const char *name);

/* Raises when the member is absent. */
void binding_check_present(lua_State *L, int table, const char *name, const char *signature);

const char *binding_check_text(lua_State *L, int table, const char *name, size_t *size,
                               const char *signature);
const char *binding_check_name(lua_State *L, int table, const char *name, const char *signature);
const char *binding_check_secret(lua_State *L, int table, const char *name, size_t *size,
                                 bool *secret, const char *signature);
lua_Integer binding_check_integer(lua_State *L, int table, const char *name, lua_Integer least,
                                  lua_Integer most, lua_Integer otherwise, const char *signature);
lua_Number binding_check_number(lua_State *L, int table, const char *name, lua_Number otherwise,
                                const char *signature);
bool binding_check_boolean(lua_State *L, int table, const char *name, bool otherwise,
                           const char *signature);

/* How long the list at index is. Raises unless it is a table with the keys 1, 2, 3 … and no others:
 * what stands behind a hole or under a name would be dropped silently. */
lua_Integer binding_check_list(lua_State *L, int index, const char *name, const char *signature);

/* Raises that `name`, now at index, must be `wanted`: for rules of a binding's own. */
void binding_check_refuse(lua_State *L, int index, const char *name, const char *wanted,
                          const char *signature);

/* ── Results ── */

/* Set a field of the table on top of the stack. A text that is NULL is left out. */
void binding_set_text(lua_State *L, const char *name, const char *text);
void binding_set_bytes(lua_State *L, const char *name, const char *bytes, size_t size);
void binding_set_integer(lua_State *L, const char *name, lua_Integer value);
void binding_set_number(lua_State *L, const char *name, lua_Number value);
void binding_set_boolean(lua_State *L, const char *name, bool value);

/* ── Types of userdata ── */

/* Makes a type known: its metamethods, and methods unless that is NULL. Each luaopen function
 * registers the types of its module, again if it is called again. */
void binding_type_register(lua_State *L, const char *type, const luaL_Reg *metamethods,
                           const luaL_Reg *methods);

/* Pushes a userdata of a registered type, filled with zeros: __gc must accept it as it is. Fill it
 * afterwards. */
void *binding_owner_push(lua_State *L, const char *type, size_t size, int user_values);

/* Pushes a userdata with an empty buffer, wiped and freed when it is collected: kept in an upvalue,
 * nothing is lost when a function raises while it writes. Begin each use with binding_buffer_begin,
 * which empties it and lets go of a very large one. */
text_buffer *binding_buffer_push(lua_State *L);
void binding_buffer_begin(text_buffer *buffer);

/* Pushes the buffer's bytes and frees them: a large text should not wait for the collector. */
void binding_buffer_finish(lua_State *L, text_buffer *buffer);

/* ── Secrets (binding_secret.c) ──
 * A secret is a userdata whose bytes only C can see; Lua sees "[redacted]". The rule:
 *   what is built from a secret is a secret (weir.body and weir.dynamodb.encode answer with one
 *   as soon as one part was one), and only what sends a request opens it (signing, HTTP).
 * No binding may hand the bytes to Lua as a string, but for what reads events and replies: a text
 * that holds secrets is decoded, and they stay secrets (json.c, dynamodb.c). See secret.c. */

#define BINDING_SECRET "weir.secret" /* the metatable's name in the registry */

/* The bytes of the secret at index, valid while it is on the stack; NULL for anything else. */
const char *binding_secret(lua_State *L, int index, size_t *size);

/* The bytes of a string or a secret; NULL for anything else. *secret as in
 * binding_argument_secret. */
const char *binding_secret_text(lua_State *L, int index, size_t *size, bool *secret);

/* Pushes a new secret holding a copy of the bytes. */
void binding_secret_push(lua_State *L, const char *bytes, size_t size);

/* Pushes a secret or a plain string: what a builder returns. */
void binding_secret_push_text(lua_State *L, const char *bytes, size_t size, bool secret);

#endif
