/* What the files of the weir.emf binding share. */
#ifndef WEIR_EMF_LUA_H
#define WEIR_EMF_LUA_H

#include <lua.h>

/* Sets weir.emf.collector in the module on top of the stack. */
void emf_collector_add_to(lua_State *L);

#endif
