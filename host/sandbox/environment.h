/* What a policy sees as its globals: the allow-list, read-only, with help for what is missing.
 * Memory: the Lua state's. */
#ifndef WEIR_SANDBOX_ENVIRONMENT_H
#define WEIR_SANDBOX_ENVIRONMENT_H

#include <lua.h>

/* Makes the table of allowed names at index a policy's _ENV, and freezes the tables in it, one by
 * one under their names. Reading another name raises what to do instead, or what it may have
 * meant; assigning raises too. */
void sandbox_close_environment(lua_State *L, int environment);

/* Adds a word of the host's to the environment at index, and pops its value: for words that are not
 * known yet when the environment is made. */
void sandbox_add_word(lua_State *L, int environment, const char *word);

/* Pushes a set (value → true) of what the host itself put there, down to the members of
 * libraries, and of the environment. */
void sandbox_push_trusted(lua_State *L);

#endif
