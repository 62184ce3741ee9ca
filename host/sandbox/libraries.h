/* The libraries a policy may call, in place of Lua's own: every function is bounded by the
 * sandbox's budget and gives the same result on every machine. They behave as Lua 5.4's (texts of
 * errors included) except where the file of a library says so.
 *
 * Each opener pushes one plain table of functions and returns 1; the caller freezes and installs
 * it. sandbox_open_string also sets the metatable of strings, so that ("x"):upper() works and
 * finds these functions only.
 *
 * Memory: everything lives in the Lua state, so under its memory limit. Caller: policy/sandbox.c,
 * on a state with a budget attached and without luaL_openlibs. */
#ifndef WEIR_SANDBOX_LIBRARIES_H
#define WEIR_SANDBOX_LIBRARIES_H

#include <lua.h>

int sandbox_open_string(lua_State *L);
int sandbox_open_table(lua_State *L);
int sandbox_open_math(lua_State *L);
int sandbox_open_utf8(lua_State *L);

/* The functions of `string` that have files of their own; string.c lists them. */
int sandbox_string_find(lua_State *L);
int sandbox_string_match(lua_State *L);
int sandbox_string_gmatch(lua_State *L);
int sandbox_string_gsub(lua_State *L);
int sandbox_string_format(lua_State *L);

#endif
