/* "What can trusted Lua call in C?" Here is the whole answer, one line a file. */
#include "registry.h"

const luaL_Reg binding_registry[] = {
    {"weir.json", luaopen_weir_json},
    {NULL, NULL},
};
