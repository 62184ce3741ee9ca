/* Lua's blocks: from an arena, in size classes up to 4 KiB. Lua tells the
 * size of what it gives back, so blocks have no header; and one state belongs to one thread, so
 * there is no lock. That makes it faster than glibc's malloc, and much faster than musl's, which
 * the layer has.
 *
 * Memory: an allocator belongs to one lua_State and frees itself with the state's last block, in
 * lua_close. Until then it holds little more than the blocks in use: pages of the arena whose
 * blocks are all given back serve any size, and whole chunks of them go back to the system. */
#ifndef WEIR_SCRIPT_LUA_ALLOCATOR_H
#define WEIR_SCRIPT_LUA_ALLOCATOR_H

#include <stddef.h>

typedef struct lua_allocator lua_allocator;

/* NULL when memory is short, and in builds that look for mistakes (WEIR_PLAIN_BLOCKS): there each
 * block is malloc's, so that the sanitizer sees its ends. NULL is an allocator too. */
lua_allocator *lua_allocator_for_state(void);

/* An arena in every build; NULL when memory is short. */
lua_allocator *lua_allocator_new(void);

/* Call it after lua_newstate, whether that worked or not. From here on the allocator is freed with
 * its last block, or at once when it has no block. */
void lua_allocator_release(lua_allocator *allocator);

/* As lua_Alloc: new_size 0 gives the block back; block NULL asks for a new one, and old_size is not
 * a size then; otherwise the block moves with its contents. NULL when memory is short. */
void *lua_allocator_resize(lua_allocator *allocator, void *block, size_t old_size, size_t new_size);

/* The bytes that the system gave: chunks of the arena and large blocks. 0 for the NULL allocator.
 */
size_t lua_allocator_held(const lua_allocator *allocator);

#endif
