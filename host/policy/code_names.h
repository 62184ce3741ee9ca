/* What the source calls the value in a register: `facts.file_count`, `count`, `a / b`, `"none"`.
 * Read from the code, from the instructions that made the value.
 * Memory: appends to the caller's buffer. */
#ifndef WEIR_POLICY_CODE_NAMES_H
#define WEIR_POLICY_CODE_NAMES_H

#include <lua.h>

#include "core/text/text_buffer.h"

/* Appends the name of the value that the register has before instruction pc. The stack of L gets
 * constants for a moment. */
void code_names_register(lua_State *L, const lua_Code *code, int pc, int reg, text_buffer *out);

/* Appends a constant as Lua writes it. */
void code_names_constant(lua_State *L, const lua_Code *code, int constant, text_buffer *out);

#endif
