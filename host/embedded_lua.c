/* Finds a trusted Lua module by its name. The table is small, so a scan is enough. */
#include "embedded_lua.h"

#include <string.h>

const embedded_lua_module *embedded_lua_find(const char *name) {
  for (const embedded_lua_module *m = embedded_lua_modules; m->name; m++)
    if (strcmp(m->name, name) == 0) return m;
  return NULL;
}
