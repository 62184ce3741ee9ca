/* See closure_code.h. The form is Lua 5.4's ldump.c: a header, then a function, which holds its
 * nested functions:
 *   function = source, first line, last line, parameters, vararg, stack,
 *              code, constants, upvalues, functions, debug
 * A nested function names each of its upvalues as a register of the enclosing function (`instack`)
 * or as an upvalue of it. */
#include "policy/closure_code.h"

#include <limits.h>

#include "sandbox/budget.h"

enum {
  ABSOLUTE_LINE = -128, /* in the list of line differences: look into the other list */
  DEPTH_MAX = 250,      /* the parser itself stops at 200 */
};

typedef struct {
  const unsigned char *at, *end;
  bool bad;
} reader;

typedef struct {
  reader in;
  code_visitor *visit;
  void *context;
} walk;

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

/* NULL for no string. */
static const char *take_string(reader *in, size_t *length) {
  size_t size = take_size(in); /* one more than the length */
  *length = size ? size - 1 : 0;
  return size ? (const char *)take(in, *length) : NULL;
}

static void skip_string(reader *in) {
  size_t length;
  take_string(in, &length);
}

static void read_header(reader *in) {
  static const unsigned char start[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";
  const unsigned char *header = take(in, sizeof start - 1);
  if (in->bad || memcmp(header, start, sizeof start - 1) != 0) in->bad = true;
  take(in, sizeof(lua_Integer) + sizeof(lua_Number)); /* samples of both */
  take_byte(in);                                      /* number of upvalues */
}

/* The text of the constant, or NULL. */
static const char *take_constant(reader *in, size_t *size) {
  enum {
    NIL = 0x00,
    FALSE = 0x01,
    TRUE = 0x11,
    INTEGER = 0x03,
    FLOAT = 0x13,
    SHORT = 0x04,
    LONG = 0x14
  };
  switch (take_byte(in)) {
  case NIL:
  case FALSE:
  case TRUE: return NULL;
  case INTEGER: take(in, sizeof(lua_Integer)); return NULL;
  case FLOAT: take(in, sizeof(lua_Number)); return NULL;
  case SHORT:
  case LONG: return take_string(in, size);
  default: in->bad = true; return NULL;
  }
}

static void skip_constants(reader *in) {
  size_t size;
  for (size_t count = take_size(in); count > 0 && !in->bad; count--) take_constant(in, &size);
}

static void skip_lines(reader *in, const code_function *function) {
  size_t count;
  take_array(in, 1, &count);
  if (count < function->code_size) in->bad = true; /* stripped of its lines */
  for (count = take_size(in); count > 0 && !in->bad; count--) {
    take_size(in);
    take_size(in);
  }
}

static void skip_names(reader *in) {
  for (size_t count = take_size(in); count > 0 && !in->bad; count--) {
    skip_string(in); /* local variable, with the code it is alive in */
    take_size(in);
    take_size(in);
  }

  for (size_t count = take_size(in); count > 0 && !in->bad; count--) skip_string(in);
}

static void read_function(walk *w, code_function *outer, size_t place, int depth) {
  reader *in = &w->in;
  code_function function = {.outer = outer, .place = place, .end = in->end};
  if (depth > DEPTH_MAX) in->bad = true;
  skip_string(in); /* source */
  function.first_line = (int)take_size(in);
  take_size(in);                      /* last line */
  function.parameters = *take(in, 3); /* then: vararg, stack */
  function.code = take_array(in, 4, &function.code_size);
  function.constants = in->at;
  skip_constants(in);
  function.upvalues = take_array(in, 3, &function.upvalue_count);
  size_t count = take_size(in);
  for (size_t i = 0; i < count && !in->bad; i++) read_function(w, &function, i, depth + 1);
  function.lines = in->at;
  skip_lines(in, &function);
  skip_names(in);
  if (!in->bad) w->visit(w->context, &function);
}

bool closure_code_walk(lua_State *L, int index, text_buffer *scratch, code_visitor *visit,
                       void *context) {
  scratch->size = 0;
  lua_pushvalue(L, index);
  bool dumped = lua_dump(L, append_dump, scratch, 0) == 0 && !scratch->failed;
  lua_pop(L, 1);
  sandbox_charge(L, scratch->size / 16);
  if (!dumped) return false;
  walk w = {{.at = (const unsigned char *)scratch->data}, visit, context};
  w.in.end = w.in.at + scratch->size;
  read_header(&w.in);
  if (!w.in.bad) read_function(&w, NULL, 0, 0);

  return !w.in.bad && w.in.at == w.in.end;
}

code_instruction closure_code_decode(uint32_t bits) {
  return (code_instruction){.op = (int)(bits & 0x7f),
                            .a = bits >> 7 & 0xff,
                            .k = bits >> 15 & 1,
                            .b = bits >> 16 & 0xff,
                            .c = bits >> 24,
                            .bx = bits >> 15};
}

code_instruction closure_code_at(const code_function *function, size_t pc) {
  uint32_t bits;
  memcpy(&bits, function->code + 4 * pc, 4);
  return closure_code_decode(bits);
}

const char *closure_code_text(const code_function *function, size_t constant, size_t *size) {
  reader in = {.at = function->constants, .end = function->end};
  size_t count = take_size(&in);
  const char *text = NULL;
  if (constant >= count) return NULL;
  for (size_t i = 0; i <= constant; i++) text = take_constant(&in, size);

  return text;
}

int closure_code_resolve(const code_function *function, size_t upvalue, const code_function **owner,
                         const code_function **maker, unsigned *reg) {
  for (; function->outer; function = function->outer) {
    *owner = NULL;
    if (upvalue >= function->upvalue_count) return -1;
    const unsigned char *where = function->upvalues + 3 * upvalue;
    if (where[0]) { /* instack */
      *owner = function->outer;
      *maker = function;
      *reg = where[1];
      return -1;
    }

    upvalue = where[1];
  }

  return (int)upvalue;
}

static void take_absolute(code_lines *lines) {
  reader in = {.at = lines->absolute, .end = lines->end};
  lines->next_pc = SIZE_MAX;
  if (lines->absolute_count == 0) return;
  lines->absolute_count--;
  lines->next_pc = take_size(&in);
  size_t line = take_size(&in);
  lines->next_line = line > INT_MAX ? INT_MAX : (int)line;
  lines->absolute = in.at;
}

code_lines closure_code_lines(const code_function *function) {
  reader in = {.at = function->lines, .end = function->end};
  code_lines lines = {.end = function->end, .line = function->first_line};
  size_t count;
  lines.difference = take_array(&in, 1, &count);
  lines.absolute_count = take_size(&in);
  lines.absolute = in.at;
  take_absolute(&lines);

  return lines;
}

int closure_code_next_line(code_lines *lines) {
  signed char difference = (signed char)lines->difference[lines->pc];
  if (difference != ABSOLUTE_LINE) {
    lines->line += difference;
  } else {
    if (lines->pc != lines->next_pc) lines->bad = true;
    lines->line = lines->next_line;
    take_absolute(lines);
  }

  lines->pc++;

  return lines->line;
}

int closure_code_line(const code_function *function, size_t pc) {
  code_lines lines = closure_code_lines(function);
  while (lines.pc < pc) closure_code_next_line(&lines);
  return closure_code_next_line(&lines);
}
