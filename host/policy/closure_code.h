/* The code of a live Lua closure, and of the functions written inside of it. Lua has no call for
 * that: it is read from the precompiled form that lua_dump gives. Memory: the caller's buffer holds
 * the form; views are valid during the visit. */
#ifndef WEIR_POLICY_CLOSURE_CODE_H
#define WEIR_POLICY_CLOSURE_CODE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/text/text_buffer.h"

/* The instructions of Lua 5.4 that are looked for; its lopcodes.h is not installed. */
enum {
  CODE_MOVE = 0,  /* R[A] := R[B] */
  CODE_LOADI = 1, /* R[A] := sBx */
  CODE_LOADF = 2,
  CODE_LOADK = 3, /* R[A] := K[Bx] */
  CODE_LOADFALSE = 5,
  CODE_LFALSESKIP = 6,
  CODE_LOADTRUE = 7,
  CODE_LOADNIL = 8,  /* R[A], …, R[A+B] := nil */
  CODE_GETUPVAL = 9, /* R[A] := UpValue[B] */
  CODE_SETUPVAL = 10,
  CODE_GETTABUP = 11, /* R[A] := UpValue[B][K[C]] */
  CODE_GETTABLE = 12, /* R[A] := R[B][R[C]] */
  CODE_GETI = 13,     /* R[A] := R[B][C] */
  CODE_GETFIELD = 14, /* R[A] := R[B][K[C]] */
  CODE_SETTABUP = 15,
  CODE_SETTABLE = 16, /* R[A][R[B]] := RK(C) */
  CODE_SETI = 17,     /* R[A][B] := RK(C) */
  CODE_SETFIELD = 18, /* R[A][K[B]] := RK(C) */
  CODE_NEWTABLE = 19,
  CODE_SELF = 20, /* R[A+1] := R[B]; R[A] := R[B][RK(C)] */
  CODE_ADDI = 21, /* R[A] := R[B] + sC */
  CODE_ADDK = 22, /* R[A] := R[B] + K[C], and nine operators like it */
  CODE_SHRI = 32,
  CODE_SHLI = 33,
  CODE_ADD = 34, /* R[A] := R[B] + R[C], and eleven operators like it */
  CODE_SHR = 45,
  CODE_MMBIN = 46,
  CODE_MMBINK = 48,
  CODE_UNM = 49, /* R[A] := -R[B] */
  CODE_BNOT = 50,
  CODE_NOT = 51,
  CODE_LEN = 52,
  CODE_CONCAT = 53, /* R[A] := R[A] .. … .. R[A+B-1] */
  CODE_CLOSE = 54,
  CODE_JMP = 56, /* pc += sJ */
  CODE_EQ = 57,  /* if (R[A] == R[B]) ~= k then skip the jump that follows; so all conditions */
  CODE_LT = 58,
  CODE_LE = 59,
  CODE_EQK = 60, /* R[A] == K[B] */
  CODE_EQI = 61, /* R[A] == sB */
  CODE_LTI = 62,
  CODE_LEI = 63,
  CODE_GTI = 64,
  CODE_GEI = 65,
  CODE_TEST = 66,
  CODE_TESTSET = 67, /* R[A] := R[B], or a jump */
  CODE_CALL = 68,    /* R[A], …, R[A+C-2] := R[A](R[A+1], …, R[A+B-1]) */
  CODE_TAILCALL = 69,
  CODE_RETURN = 70,
  CODE_RETURN0 = 71,
  CODE_RETURN1 = 72,
  CODE_FORLOOP = 73,
  CODE_FORPREP = 74,
  CODE_TFORPREP = 75,
  CODE_TFORCALL = 76, /* R[A+4], …, R[A+3+C] := R[A](R[A+1], R[A+2]) */
  CODE_TFORLOOP = 77, /* if there is a next element: R[A+2] := R[A+4], and back */
  CODE_SETLIST = 78,  /* R[A][C+i] := R[A+i], for 1 <= i <= B */
  CODE_CLOSURE = 79,  /* R[A] := the nested function Bx */
  CODE_VARARG = 80,   /* R[A], …, R[A+C-2] := … */
  CODE_VARARGPREP = 81,
  CODE_EXTRAARG = 82,
};

typedef struct {
  int op;
  unsigned a, b, c, bx;
  bool k; /* C is a constant, not a register */
} code_instruction;

enum { CODE_MAX_NESTED = 256 };

typedef struct code_function {
  struct code_function *outer; /* NULL: the live closure's own */
  size_t place;                /* among the functions nested in outer */
  const unsigned char *code, *constants, *upvalues, *lines;
  size_t code_size, upvalue_count; /* in instructions, in upvalues of 3 bytes */
  const unsigned char *end;        /* of the whole form */
  int first_line;
  unsigned parameters; /* in the first registers */
  signed char
      nested[CODE_MAX_NESTED]; /* by place, for the visitor: what it found there; at first 0 */
} code_function;

/* Calls visit for each function, those inside of another one first. False when the form cannot be
 * read (memory, or not the Lua this was written for): then nothing is known. Raises a spent budget,
 * and what visit raises. */
typedef void code_visitor(void *context, code_function *function);
bool closure_code_walk(lua_State *L, int index, text_buffer *scratch, code_visitor *visit,
                       void *context);

code_instruction closure_code_at(const code_function *function, size_t pc);
code_instruction closure_code_decode(uint32_t bits);

/* Where the jump at pc leads. */
static inline int closure_code_jump(uint32_t bits, int pc) {
  return pc + 1 + (int)(bits >> 7) - ((1 << 24) - 1);
}

/* The text of a constant, or NULL when it is not one. */
const char *closure_code_text(const code_function *function, size_t constant, size_t *size);

/* The upvalue's index in the live closure, or -1 when it is a variable of one call: then *owner is
 * the function that has it in the register *reg, and *maker its nested function that captures it.
 */
int closure_code_resolve(const code_function *function, size_t upvalue, const code_function **owner,
                         const code_function **maker, unsigned *reg);

/* Lines, instruction by instruction from the first. */
typedef struct {
  const unsigned char *difference, *absolute, *end;
  size_t absolute_count, pc, next_pc;
  int line, next_line;
  bool bad;
} code_lines;

code_lines closure_code_lines(const code_function *function);
int closure_code_next_line(code_lines *lines);

/* Of one instruction; takes a step for each before it. */
int closure_code_line(const code_function *function, size_t pc);

#endif
