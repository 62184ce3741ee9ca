/* Collecting garbage all the time, to find values that C forgot to anchor. Memory: none. */
#ifndef WEIR_SCRIPT_GC_STRESS_H
#define WEIR_SCRIPT_GC_STRESS_H

#include <lua.h>

/* In a build with WEIR_GC_STRESS the collector runs a full cycle every few instructions from now
 * on. Does nothing in any other build. */
void gc_stress(lua_State *L);

#endif
