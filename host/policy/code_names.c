/* See code_names.h. */
#include "policy/code_names.h"

#include "core/json/write.h"
#include "policy/closure_code.h"

enum {
  DEPTH_MAX = 6,     /* of an expression; below that it is "…" */
  NAME_BYTES = 160,  /* of a whole name, about */
  SIGNED_C = 127,    /* offset of a signed operand C */
  SIGNED_BX = 65535, /* of Bx */
};

/* Where a name is being read. */
typedef struct {
  lua_State *L;
  const lua_Code *code;
  const unsigned *instructions;
  text_buffer *out;
  int depth;
} reading;

static bool name_of(reading *r, int pc, int reg);

static code_instruction at(const reading *r, int pc) {
  return closure_code_decode(r->instructions[pc]);
}

/* ── Constants ── */

static void append_text(reading *r, const char *text, size_t size) {
  json_write_string_utf8(r->out, text, size < NAME_BYTES ? size : NAME_BYTES);
}

static void append_constant(reading *r, int constant) {
  lua_State *L = r->L;
  lua_pushcodeconstant(L, r->code, constant);
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: {
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    append_text(r, text, size);
    break;
  }
  case LUA_TNUMBER:
    if (lua_isinteger(L, -1))
      json_write_integer(r->out, lua_tointeger(L, -1));
    else
      json_write_double(r->out, lua_tonumber(L, -1));
    break;
  case LUA_TBOOLEAN: text_buffer_text(r->out, lua_toboolean(L, -1) ? "true" : "false"); break;
  default: text_buffer_text(r->out, "nil");
  }

  lua_pop(L, 1);
}

/* A field's name, behind a dot where there is something in front. */
static void append_field(reading *r, int constant, bool dot) {
  lua_pushcodeconstant(r->L, r->code, constant);
  if (dot) text_buffer_byte(r->out, '.');
  if (lua_type(r->L, -1) == LUA_TSTRING) text_buffer_text(r->out, lua_tostring(r->L, -1));
  lua_pop(r->L, 1);
}

void code_names_constant(lua_State *L, const lua_Code *code, int constant, text_buffer *out) {
  reading r = {.L = L, .code = code, .out = out};
  append_constant(&r, constant);
}

/* ── Where a value comes from ── */

static bool sets(code_instruction i, int reg) {
  int a = (int)i.a;
  switch (i.op) {
  case CODE_LOADNIL: return a <= reg && reg <= a + (int)i.b;
  case CODE_SELF: return reg == a || reg == a + 1;
  case CODE_CALL:
  case CODE_TAILCALL:
  case CODE_VARARG: return reg >= a;
  case CODE_TFORCALL: return reg >= a + 4;
  case CODE_FORLOOP:
  case CODE_FORPREP: return reg >= a && reg <= a + 3;
  case CODE_SETUPVAL:
  case CODE_JMP: return false;
  default:
    if (i.op >= CODE_SETTABUP && i.op <= CODE_SETFIELD) return false;
    if (i.op >= CODE_MMBIN && i.op <= CODE_MMBINK) return false;
    if (i.op >= CODE_CLOSE && i.op <= CODE_TEST) return false;
    if (i.op == CODE_SETLIST || i.op == CODE_EXTRAARG || i.op == CODE_VARARGPREP) return false;
    if (i.op >= CODE_RETURN && i.op <= CODE_RETURN1) return false;

    return reg == a;
  }
}

/* The last instruction before pc that sets the register, or -1. */
static int setter(const reading *r, int pc, int reg) {
  while (--pc >= 0)
    if (sets(at(r, pc), reg)) return pc;
  return -1;
}

/* The condition before `made` whose jump passes it and ends up to pc: `x or y`, `x and y` leave
 * either value in the register. -1 without. */
static int alternative(const reading *r, int made, int pc, int reg) {
  for (int p = made - 1; p > 0; p--) {
    code_instruction i = at(r, p - 1);
    if (at(r, p).op != CODE_JMP) continue;
    int target = closure_code_jump(r->instructions[p], p);
    if (target <= made || target > pc) continue;

    return (i.op == CODE_TEST || i.op == CODE_TESTSET) && (int)i.a == reg ? p - 1 : -2;
  }

  return -1;
}

/* ── Expressions ── */

static const char *const OPERATORS[] = {"+",  "-", "*", "%", "^",  "/",
                                        "//", "&", "|", "~", "<<", ">>"};

/* Puts what was appended since `before` into brackets. */
static void put_into_brackets(reading *r, size_t before) {
  text_buffer_text(r->out, " )"); /* a byte for each bracket */
  if (r->out->failed) return;
  memmove(r->out->data + before + 1, r->out->data + before, r->out->size - before - 2);
  r->out->data[before] = '(';
}

/* Appends an operand of an operator: in brackets when it is more than a name. */
static void append_operand(reading *r, int pc, int reg) {
  size_t before = r->out->size;
  name_of(r, pc, reg);
  if (!r->out->failed && memchr(r->out->data + before, ' ', r->out->size - before))
    put_into_brackets(r, before);
}

static void append_operator(reading *r, const char *operator) {
  text_buffer_format(r->out, " %s ", operator);
}

static void append_arithmetic(reading *r, int pc, code_instruction i) {
  if (i.op == CODE_SHLI) { /* sC << R[B] */
    text_buffer_format(r->out, "%d << ", (int)i.c - SIGNED_C);
    append_operand(r, pc, (int)i.b);
    return;
  }

  append_operand(r, pc, (int)i.b);
  if (i.op == CODE_ADDI || i.op == CODE_SHRI) {
    append_operator(r, i.op == CODE_ADDI ? "+" : ">>");
    text_buffer_format(r->out, "%d", (int)i.c - SIGNED_C);
  } else if (i.op < CODE_SHRI) {
    append_operator(r, OPERATORS[i.op - CODE_ADDK]);
    append_constant(r, (int)i.c);
  } else {
    append_operator(r, OPERATORS[i.op - CODE_ADD]);
    append_operand(r, pc, (int)i.c);
  }
}

static void append_call(reading *r, int pc, code_instruction i, int reg) {
  if (reg != (int)i.a || i.b == 0) {
    text_buffer_text(r->out, "…");
    return;
  }

  name_of(r, pc, reg);
  text_buffer_byte(r->out, '(');
  int self = setter(r, pc, reg);
  int first = self >= 0 && at(r, self).op == CODE_SELF ? 2 : 1;
  for (int n = first; n < (int)i.b; n++) {
    if (n > first) text_buffer_text(r->out, ", ");
    name_of(r, pc, reg + n);
  }

  text_buffer_byte(r->out, ')');
}

static void append_concatenation(reading *r, int pc, code_instruction i) {
  for (unsigned n = 0; n < i.b; n++) {
    if (n > 0) text_buffer_text(r->out, " .. ");
    name_of(r, pc, (int)(i.a + n));
  }
}

static void append_upvalue(reading *r, unsigned n) {
  const char *name = lua_codeupvalue(r->code, (int)n);
  text_buffer_text(r->out, name);
}

/* A field of an upvalue; of _ENV it is a global. */
static void append_upvalue_field(reading *r, code_instruction i) {
  bool global = strcmp(lua_codeupvalue(r->code, (int)i.b), "_ENV") == 0;
  if (!global) append_upvalue(r, i.b);
  append_field(r, (int)i.c, !global);
}

static void append_unary(reading *r, int pc, code_instruction i) {
  static const char *const signs[] = {"-", "~", "not ", "#"};
  text_buffer_text(r->out, signs[i.op - CODE_UNM]);
  append_operand(r, pc, (int)i.b);
}

static void append_index(reading *r, int pc, code_instruction i) {
  name_of(r, pc, (int)i.b);
  text_buffer_byte(r->out, '[');
  if (i.op == CODE_GETI)
    text_buffer_format(r->out, "%u", i.c);
  else
    name_of(r, pc, (int)i.c);
  text_buffer_byte(r->out, ']');
}

static void append_self(reading *r, int pc, code_instruction i) {
  name_of(r, pc, (int)i.b);
  if (!i.k) return;
  text_buffer_byte(r->out, ':');
  append_field(r, (int)i.c, false);
}

/* The value that the instruction at pc leaves in the register. */
static void append_result(reading *r, int pc, int reg) {
  code_instruction i = at(r, pc);
  switch (i.op) {
  case CODE_MOVE: name_of(r, pc, (int)i.b); return;
  case CODE_LOADI:
  case CODE_LOADF: text_buffer_format(r->out, "%d", (int)i.bx - SIGNED_BX); return;
  case CODE_LOADK: append_constant(r, (int)i.bx); return;
  case CODE_LOADFALSE: text_buffer_text(r->out, "false"); return;
  case CODE_LOADTRUE: text_buffer_text(r->out, "true"); return;
  case CODE_LOADNIL: text_buffer_text(r->out, "nil"); return;
  case CODE_GETUPVAL: append_upvalue(r, i.b); return;
  case CODE_GETTABUP: append_upvalue_field(r, i); return;
  case CODE_GETTABLE:
  case CODE_GETI: append_index(r, pc, i); return;
  case CODE_GETFIELD:
    name_of(r, pc, (int)i.b);
    append_field(r, (int)i.c, true);
    return;
  case CODE_SELF: append_self(r, pc, i); return;
  case CODE_UNM:
  case CODE_BNOT:
  case CODE_NOT:
  case CODE_LEN: append_unary(r, pc, i); return;
  case CODE_CONCAT: append_concatenation(r, pc, i); return;
  case CODE_CALL: append_call(r, pc, i, reg); return;
  case CODE_NEWTABLE: text_buffer_text(r->out, "{…}"); return;
  case CODE_CLOSURE: text_buffer_text(r->out, "function"); return;
  default: break;
  }

  if (i.op >= CODE_ADDI && i.op <= CODE_SHR)
    append_arithmetic(r, pc, i);
  else
    text_buffer_text(r->out, "…");
}

/* `x or y`: the condition at `tested` left x there, or `made` left y. */
static void append_alternatives(reading *r, int tested, int made, int reg) {
  code_instruction i = at(r, tested);
  append_operand(r, tested, i.op == CODE_TESTSET ? (int)i.b : reg);
  append_operator(r, i.k ? "or" : "and");
  append_result(r, made, reg);
}

/* True when the value is one of two. */
static bool name_of(reading *r, int pc, int reg) {
  const char *local = lua_codelocal(r->code, reg, pc);
  if (local && local[0] != '(') {
    text_buffer_text(r->out, local);
    return false;
  }

  int made = setter(r, pc, reg);
  if (local || made < 0 || r->depth == DEPTH_MAX || r->out->size > 4 * NAME_BYTES) {
    text_buffer_text(r->out, "…");
    return false;
  }

  r->depth++;
  int tested = alternative(r, made, pc, reg);
  if (tested >= 0)
    append_alternatives(r, tested, made, reg);
  else if (tested == -1)
    append_result(r, made, reg);
  else
    text_buffer_text(r->out, "…");
  r->depth--;

  return tested >= 0;
}

void code_names_register(lua_State *L, const lua_Code *code, int pc, int reg, text_buffer *out) {
  lua_CodeInfo info;
  lua_codeinfo(code, &info);
  reading r = {.L = L, .code = code, .instructions = info.instructions, .out = out};
  size_t before = out->size;
  if (name_of(&r, pc, reg)) put_into_brackets(&r, before);
}
