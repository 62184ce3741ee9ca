/* The code that one kind's policy may run while it decides: its functions, those written inside of
 * them, and those of the set's other files that it reaches. With it, the conditions: every place
 * where the code goes one of two ways.
 *
 * Memory: the code owns its lists and names; Lua's part lives as long as the sandbox. Immutable
 * once made. */
#ifndef WEIR_POLICY_CODE_H
#define WEIR_POLICY_CODE_H

#include <lua.h>

#include "policy/code_constants.h"
#include "policy/sandbox.h"

typedef enum {
  CONDITION_EQUAL,
  CONDITION_LESS,
  CONDITION_LESS_OR_EQUAL,
  CONDITION_GREATER,
  CONDITION_GREATER_OR_EQUAL,
  CONDITION_TRUE, /* one operand: neither nil nor false */
} condition_operator;

/* One operand: what the source calls it, and where it is when the condition is evaluated. */
typedef struct {
  char *name; /* "facts.file_count", "10", "\"none\"" */
  enum { OPERAND_NONE, OPERAND_REGISTER, OPERAND_CONSTANT, OPERAND_INTEGER } type;
  int at; /* the register, or the constant's place */
  lua_Integer integer;
} condition_operand;

typedef struct {
  const policy_file *file;
  int line;
  size_t function; /* by index */
  int pc, jump;    /* of the condition; where its jump leads */
  bool jumps_when; /* what the condition is when it jumps */
  condition_operator operator;
  condition_operand left, right;
} policy_condition;

typedef struct {
  const lua_Code *code;
  const policy_file *file;
  int size;      /* in instructions */
  int *lines;    /* of each instruction */
  int *decided;  /* of each instruction: 1 + the condition that it is, or 0 */
  size_t before; /* instructions of all functions before this one */
} policy_function;

typedef struct {
  policy_function *functions;
  size_t function_count, function_capacity;
  policy_condition *conditions; /* in the order of functions and instructions */
  size_t condition_count, condition_capacity;
  size_t size; /* in instructions, over all functions */
  code_constants constants;
} policy_code;

/* NULL when memory is short. The kind must have a policy. Not while a decision goes on. */
policy_code *policy_code_new(policy_sandbox *sandbox, const char *kind, size_t kind_size);
void policy_code_free(policy_code *self);

/* "==", "<" …; empty for CONDITION_TRUE. */
const char *policy_code_operator(condition_operator operator);

#endif
