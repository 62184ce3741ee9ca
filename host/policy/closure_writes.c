/* See closure_writes.h. A register lives as long as one call: an assignment matters when it goes to
 * an upvalue of the live closure. */
#include "policy/closure_writes.h"

#include "policy/closure_code.h"

typedef struct {
  closure_writes *writes;
  bool bad;
} search;

static void visit(void *context, code_function *function) {
  search *s = context;
  code_lines lines = closure_code_lines(function);

  for (size_t pc = 0; pc < function->code_size; pc++) {
    int line = closure_code_next_line(&lines);
    code_instruction instruction = closure_code_at(function, pc);
    if (instruction.op != CODE_SETUPVAL) continue;

    const code_function *owner, *maker;
    unsigned reg;
    int upvalue = closure_code_resolve(function, instruction.b, &owner, &maker, &reg);
    if (upvalue < 0 || upvalue >= UPVALUES_MAX) continue;
    int *first = &s->writes->line[upvalue];
    if (*first == 0 || line < *first) *first = line;
  }

  if (lines.bad || lines.next_pc != SIZE_MAX) s->bad = true;
}

bool closure_writes_find(lua_State *L, int index, text_buffer *scratch, closure_writes *writes) {
  search s = {.writes = writes};
  memset(writes, 0, sizeof *writes);
  return closure_code_walk(L, index, scratch, visit, &s) && !s.bad;
}
