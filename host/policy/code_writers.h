/* Which instructions may have given a register its value, before another instruction: those from
 * which a path through the code leads there without writing the register again.
 * Memory: the Lua state's. */
#ifndef WEIR_POLICY_CODE_WRITERS_H
#define WEIR_POLICY_CODE_WRITERS_H

#include "policy/closure_code.h"

enum { WRITERS_MAX = 8 };

typedef struct {
  size_t count;
  size_t at[WRITERS_MAX]; /* the nearest before the instruction first */
} code_writers;

/* Pushes what find needs between its calls. */
void code_writers_open(lua_State *L);

/* Forgets the functions that were looked at: the code of another closure comes next. */
void code_writers_forget(lua_State *L, int index);

/* `index`: what code_writers_open pushed. More than WRITERS_MAX writers are left out. Raises when
 * memory or the budget is spent. */
code_writers code_writers_find(lua_State *L, int index, const code_function *function, size_t pc,
                               unsigned reg);

#endif
