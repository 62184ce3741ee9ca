/* The only protected-call entry into trusted Lua: adds a traceback to every error.
 * Memory: the message stays on the Lua stack. */
#ifndef WEIR_SCRIPT_CALL_H
#define WEIR_SCRIPT_CALL_H

#include <lua.h>

/* As lua_pcall; on failure the error on the stack is a text with file, line and traceback.
 * Never calls a metamethod of the error value. */
int script_call(lua_State *L, int arguments, int results);

#endif
