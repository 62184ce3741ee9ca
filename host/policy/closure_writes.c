/* See closure_writes.h. The format is Lua 5.4's ldump.c: a header, then a function, which holds
 * its nested functions:
 *   function = source, first line, last line, parameters, vararg, stack,
 *              code, constants, upvalues, functions, debug
 * A nested function names each of its upvalues as a register of the enclosing function (`instack`)
 * or as an upvalue of it. A register lives as long as one call; an assignment matters when the
 * chain ends at an upvalue of the outermost function, the live one. */
#include "policy/closure_writes.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "core/text/text_buffer.h"
#include "sandbox/budget.h"

enum {
  OP_SETUPVAL = 10,     /* UpValue[B] := R[A] */
  ABSOLUTE_LINE = -128, /* in the list of line differences: look into the other list */
  DEPTH_MAX = 250,      /* the parser itself stops at 200 */
};

typedef struct {
  const unsigned char *at, *end;
  bool bad;
} reader;

typedef struct function_view {
  const struct function_view *outer;
  const unsigned char *code, *upvalues;
  size_t code_size, upvalue_count; /* in instructions, in upvalues of 3 bytes */
  int first_line;
} function_view;

static int append_dump(lua_State *L, const void *bytes, size_t size, void *context) {
  (void)L;
  text_buffer_append(context, bytes, size);
  return 0;
}

static const unsigned char *take(reader *in, size_t size) {
  static const unsigned char nothing[1];
  if (in->bad || (size_t)(in->end - in->at) < size) {
    in->bad = true;
    return nothing;
  }
  const unsigned char *start = in->at;
  in->at += size;
  return start;
}

static int take_byte(reader *in) {
  const unsigned char *byte = take(in, 1);
  return in->bad ? 0 : *byte;
}

/* Seven bits a byte, the most significant first; the last byte has its top bit set. */
static size_t take_size(reader *in) {
  size_t value = 0;
  for (;;) {
    int byte = take_byte(in);
    if (in->bad || value > (SIZE_MAX >> 8)) {
      in->bad = true;
      return 0;
    }
    value = value << 7 | (size_t)(byte & 0x7f);
    if (byte & 0x80) return value;
  }
}

/* An array of `count` elements, the count before it. */
static const unsigned char *take_array(reader *in, size_t element, size_t *count) {
  *count = take_size(in);
  if (*count > (size_t)(in->end - in->at)) in->bad = true;
  return take(in, in->bad ? 0 : *count * element);
}

static void skip_string(reader *in) {
  size_t size = take_size(in); /* one more than the length; 0: no string */
  if (size > 1) take(in, size - 1);
}

static void read_header(reader *in) {
  static const unsigned char start[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";
  const unsigned char *header = take(in, sizeof start - 1);
  if (in->bad || memcmp(header, start, sizeof start - 1) != 0) in->bad = true;
  take(in, sizeof(lua_Integer) + sizeof(lua_Number)); /* samples of both */
  take_byte(in);                                      /* number of upvalues */
}

static void skip_constants(reader *in) {
  enum {
    NIL = 0x00,
    FALSE = 0x01,
    TRUE = 0x11,
    INTEGER = 0x03,
    FLOAT = 0x13,
    SHORT = 0x04,
    LONG = 0x14
  };
  for (size_t count = take_size(in); count > 0 && !in->bad; count--) {
    switch (take_byte(in)) {
    case NIL:
    case FALSE:
    case TRUE: break;
    case INTEGER: take(in, sizeof(lua_Integer)); break;
    case FLOAT: take(in, sizeof(lua_Number)); break;
    case SHORT:
    case LONG: skip_string(in); break;
    default: in->bad = true;
    }
  }
}

/* The live closure's upvalue behind one of this function's, or -1 if it is a register's. */
static int resolve(const function_view *function, size_t upvalue) {
  for (; function->outer; function = function->outer) {
    if (upvalue >= function->upvalue_count) return -1;
    const unsigned char *where = function->upvalues + 3 * upvalue;
    if (where[0]) return -1; /* instack */
    upvalue = where[1];
  }
  return (int)upvalue;
}

/* The lines of the instructions, as differences; where one does not fit, in a list of its own. */
static void read_lines(reader *in, const function_view *function, closure_writes *writes) {
  size_t count, absolute_count;
  const unsigned char *differences = take_array(in, 1, &count);
  absolute_count = take_size(in);
  size_t next_pc = absolute_count ? take_size(in) : SIZE_MAX;
  size_t next_line = absolute_count ? take_size(in) : 0;
  if (count < function->code_size) in->bad = true; /* stripped: there is no telling the line */
  int line = function->first_line;
  for (size_t pc = 0; pc < function->code_size && !in->bad; pc++) {
    if ((signed char)differences[pc] != ABSOLUTE_LINE)
      line += (signed char)differences[pc];
    else {
      in->bad = in->bad || pc != next_pc || next_line > INT_MAX;
      line = (int)next_line;
      next_pc = --absolute_count ? take_size(in) : SIZE_MAX;
      next_line = absolute_count ? take_size(in) : 0;
    }
    uint32_t instruction;
    memcpy(&instruction, function->code + 4 * pc, 4);
    if ((instruction & 0x7f) != OP_SETUPVAL) continue;
    int upvalue = resolve(function, instruction >> 16 & 0xff);
    if (upvalue < 0 || upvalue >= UPVALUES_MAX) continue;
    if (writes->line[upvalue] == 0 || line < writes->line[upvalue]) writes->line[upvalue] = line;
  }
  if (absolute_count != 0) in->bad = true;
}

static void skip_names(reader *in) {
  for (size_t count = take_size(in); count > 0 && !in->bad; count--) {
    skip_string(in); /* local variable, with the code it is alive in */
    take_size(in);
    take_size(in);
  }
  for (size_t count = take_size(in); count > 0 && !in->bad; count--) skip_string(in);
}

static void read_function(reader *in, const function_view *outer, int depth,
                          closure_writes *writes) {
  function_view function = {.outer = outer};
  if (depth > DEPTH_MAX) in->bad = true;
  skip_string(in); /* source */
  function.first_line = (int)take_size(in);
  take_size(in); /* last line */
  take(in, 3);   /* parameters, vararg, stack */
  function.code = take_array(in, 4, &function.code_size);
  skip_constants(in);
  function.upvalues = take_array(in, 3, &function.upvalue_count);
  for (size_t count = take_size(in); count > 0 && !in->bad; count--)
    read_function(in, &function, depth + 1, writes);
  if (in->bad) return;
  read_lines(in, &function, writes);
  skip_names(in);
}

bool closure_writes_find(lua_State *L, int index, text_buffer *scratch, closure_writes *writes) {
  scratch->size = 0;
  memset(writes, 0, sizeof *writes);
  lua_pushvalue(L, index);
  bool dumped = lua_dump(L, append_dump, scratch, 0) == 0 && !scratch->failed;
  lua_pop(L, 1);
  reader in = {.bad = true};
  if (dumped) {
    in = (reader){.at = (const unsigned char *)scratch->data};
    in.end = in.at + scratch->size;
    read_header(&in);
    read_function(&in, NULL, 0, writes);
  }
  bool whole = !in.bad && in.at == in.end;
  sandbox_charge(L, scratch->size / 16);
  return whole;
}
