/* The numbers and texts that a policy's code mentions, or keeps in the tables that it reaches:
 * what its facts are likely to be compared with, and the names of fields that it reads.
 * Memory: the list owns its texts. */
#ifndef WEIR_POLICY_CODE_CONSTANTS_H
#define WEIR_POLICY_CODE_CONSTANTS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
  bool is_text, is_key; /* is_key: a text that is the name of a field */
  double number;
  char *text;
  size_t size;
} code_constant;

typedef struct {
  code_constant *items; /* no two are equal */
  size_t count, capacity;
} code_constants;

enum { CODE_CONSTANTS_MAX = 1000 };

/* Adds the value at index when it is a number or a text. May raise for want of memory. */
void code_constants_add_value(lua_State *L, code_constants *list, int index);

/* Adds what the instruction at pc mentions. */
void code_constants_add_instruction(lua_State *L, code_constants *list, const lua_Code *code,
                                    unsigned bits);

void code_constants_free(code_constants *list);

#endif
