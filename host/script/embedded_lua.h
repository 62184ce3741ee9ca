/* The trusted Lua modules carried inside the program (cmake/embed_lua.cmake writes the table).
 * Memory: read-only data of the executable, valid for its lifetime. */
#ifndef WEIR_SCRIPT_EMBEDDED_LUA_H
#define WEIR_SCRIPT_EMBEDDED_LUA_H

#include <lua.h>
#include <stddef.h>

typedef struct {
  const char *name;  /* module name, as in require: "weir.cli.check" */
  const char *chunk; /* chunk name for tracebacks: "@lua/weir/cli/check.lua" */
  const char *code;  /* Lua, as text or as luac's output */
  size_t size;
} embedded_lua_module;

/* Sorted by path; ends with an entry whose name is NULL. */
extern const embedded_lua_module embedded_lua_modules[];

/* NULL when there is no such module. */
const embedded_lua_module *embedded_lua_find(const char *name);

/* Pushes the module's main function; raises if it cannot be loaded. */
void embedded_lua_load(lua_State *L, const embedded_lua_module *module);

#endif
