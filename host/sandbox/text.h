/* What the sandbox's library functions share: text arguments, positions in a text, and
 * luaL_Buffer charged to the budget.
 *
 * Memory: texts and buffers belong to the Lua state. */
#ifndef WEIR_SANDBOX_TEXT_H
#define WEIR_SANDBOX_TEXT_H

#include <lauxlib.h>
#include <lua.h>
#include <stddef.h>

/* Pushes a table of the functions, known by its name to the texts of errors, so that a call that
 * Lua cannot name (`return string.rep()`, `pcall(string.rep)`) reads "string.rep" and not "?". */
void sandbox_new_library(lua_State *L, const char *name, const luaL_Reg *functions);

/* luaL_checklstring, but a NaN reads "nan" whatever sign the processor gave it. */
const char *sandbox_check_text(lua_State *L, int argument, size_t *size);

/* Pushes the text of a value as `%s` prints it: a value without a text of its own is the name
 * of its type, never an address. Calls no metamethod, like the policies' tostring. */
const char *sandbox_push_text(lua_State *L, int index, size_t *size);

/* The first byte of a slice, counted from 1: 0 and positions before the start give 1. */
size_t sandbox_slice_start(lua_Integer position, size_t size);

/* The last byte of a slice, counted from 1: at most size, and 0 for positions before the start. */
size_t sandbox_slice_end(lua_Integer position, size_t size);

/* luaL_buffinitsize, charged. */
char *sandbox_buffer_begin(lua_State *L, luaL_Buffer *buffer, size_t size);

void sandbox_buffer_add(luaL_Buffer *buffer, const char *bytes, size_t size);

/* Adds the string or number on top of the stack and pops it. */
void sandbox_buffer_add_value(luaL_Buffer *buffer);

#endif
