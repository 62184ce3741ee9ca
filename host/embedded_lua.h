/* The trusted Lua modules carried inside the program (cmake/embed_lua.cmake writes the table).
 * Memory: read-only data of the executable, valid for its lifetime. Called by script_state.c. */
#ifndef WEIR_EMBEDDED_LUA_H
#define WEIR_EMBEDDED_LUA_H

#include <stddef.h>

typedef struct {
  const char *name;  /* module name, as in require: "weir.cli.check" */
  const char *chunk; /* chunk name for tracebacks: "@lua/weir/cli/check.lua" */
  const char *text;
  size_t size;
} embedded_lua_module;

/* Sorted by path; ends with an entry whose name is NULL. */
extern const embedded_lua_module embedded_lua_modules[];

/* NULL when there is no such module. */
const embedded_lua_module *embedded_lua_find(const char *name);

#endif
