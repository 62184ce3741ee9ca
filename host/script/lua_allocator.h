/* Lua's blocks: up to 32 KiB from an arena in size classes, larger ones from malloc. Lua tells the
 * size of what it gives back, so blocks have no header, and one state is one thread's, so there is
 * no lock: faster than glibc's malloc, and than musl's, which the layer has, by far.
 *
 * Memory: an allocator belongs to one lua_State and frees itself with the state's last block, that
 * is in lua_close. Blocks of the arena that are given back serve later ones of their class; their
 * chunks go to the system only then. */
#ifndef WEIR_SCRIPT_LUA_ALLOCATOR_H
#define WEIR_SCRIPT_LUA_ALLOCATOR_H

#include <stddef.h>

typedef struct lua_allocator lua_allocator;

/* NULL when memory is short, and in builds that look for mistakes (WEIR_PLAIN_BLOCKS): there each
 * block is malloc's, so that the sanitizer sees its ends. NULL serves as an allocator too. */
lua_allocator *lua_allocator_for_state(void);

/* An arena in every build; NULL when memory is short. */
lua_allocator *lua_allocator_new(void);

/* To be called once lua_newstate is through, well or not: from here on the last block given back
 * takes the allocator with it, or it goes at once when there is no block. */
void lua_allocator_release(lua_allocator *allocator);

/* As lua_Alloc: new_size 0 gives the block back, block NULL asks for a new one (old_size is then no
 * size), else the block moves with what it holds. NULL when memory is short. */
void *lua_allocator_resize(lua_allocator *allocator, void *block, size_t old_size, size_t new_size);

#endif
