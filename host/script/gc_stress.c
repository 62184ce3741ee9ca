/* See gc_stress.h. */
#include "script/gc_stress.h"

void gc_stress(lua_State *L) {
#ifdef WEIR_GC_STRESS
  /* A pause of 0 and the largest step multiplier: a whole cycle at each allocation debt. */
  lua_gc(L, LUA_GCINC, 1, 1000, 1);
#else
  (void)L;
#endif
}
