/* See code.h. */
#include "policy/code.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "policy/closure_code.h"
#include "policy/code_names.h"
#include "policy/impl.h"
#include "sandbox/order.h"

enum { SIGNED_B = 127, DEPTH_MAX = 200 };

/* The walk over what `decide` reaches: values still to visit are kept in a list, so that the depth
 * does not depend on the policy. */
typedef struct {
  policy_code *code;
  policy_sandbox *sandbox;
  text_buffer name;
  int seen, work; /* stack indexes: value → true, list of values */
  lua_Integer work_size;
} walk;

static void expect_memory(lua_State *L, const void *block) {
  if (!block) luaL_error(L, "not enough memory");
}

/* Makes room for one more element. */
static void *grow(lua_State *L, void *items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return items;
  size_t more = *capacity ? 2 * *capacity : 16;
  void *grown = realloc(items, more * size);
  expect_memory(L, grown);
  *capacity = more;
  return grown;
}

/* ── Conditions ── */

static char *take_name(lua_State *L, walk *w) {
  text_buffer_byte(&w->name, '\0');
  char *name = w->name.failed ? NULL : strdup(w->name.data);
  text_buffer_clear(&w->name);
  expect_memory(L, name);

  return name;
}

static void read_register(lua_State *L, walk *w, const policy_function *f, int pc, int reg,
                          condition_operand *operand) {
  operand->type = OPERAND_REGISTER;
  operand->at = reg;
  code_names_register(L, f->code, pc, reg, &w->name);
  operand->name = take_name(L, w);
}

static void read_constant(lua_State *L, walk *w, const policy_function *f, int constant,
                          condition_operand *operand) {
  operand->type = OPERAND_CONSTANT;
  operand->at = constant;
  code_names_constant(L, f->code, constant, &w->name);
  operand->name = take_name(L, w);
}

static void read_integer(lua_State *L, walk *w, int value, condition_operand *operand) {
  operand->type = OPERAND_INTEGER;
  operand->integer = value;
  text_buffer_format(&w->name, "%d", value);
  operand->name = take_name(L, w);
}

/* What does not change from one set of facts to the next reads better on the right. */
static bool is_fixed(const condition_operand *operand) {
  return operand->type != OPERAND_REGISTER || strncmp(operand->name, "params.", 7) == 0 ||
         strchr("\"0123456789-", operand->name[0]);
}

static void put_fixed_right(policy_condition *c) {
  static const condition_operator turned[] = {CONDITION_EQUAL, CONDITION_GREATER,
                                              CONDITION_GREATER_OR_EQUAL, CONDITION_LESS,
                                              CONDITION_LESS_OR_EQUAL};
  if (c->operator== CONDITION_TRUE || !is_fixed(&c->left) || is_fixed(&c->right)) return;
  condition_operand left = c->left;
  c->left = c->right;
  c->right = left;
  c->operator= turned[c->operator];
}

static const condition_operator OPERATORS[] = {
    [CODE_EQ - CODE_EQ] = CONDITION_EQUAL,
    [CODE_LT - CODE_EQ] = CONDITION_LESS,
    [CODE_LE - CODE_EQ] = CONDITION_LESS_OR_EQUAL,
    [CODE_EQK - CODE_EQ] = CONDITION_EQUAL,
    [CODE_EQI - CODE_EQ] = CONDITION_EQUAL,
    [CODE_LTI - CODE_EQ] = CONDITION_LESS,
    [CODE_LEI - CODE_EQ] = CONDITION_LESS_OR_EQUAL,
    [CODE_GTI - CODE_EQ] = CONDITION_GREATER,
    [CODE_GEI - CODE_EQ] = CONDITION_GREATER_OR_EQUAL,
    [CODE_TEST - CODE_EQ] = CONDITION_TRUE,
    [CODE_TESTSET - CODE_EQ] = CONDITION_TRUE,
};

static void read_operands(lua_State *L, walk *w, const policy_function *f, policy_condition *c,
                          code_instruction i) {
  int left = (int)(i.op == CODE_TESTSET ? i.b : i.a), right = (int)i.b;
  read_register(L, w, f, c->pc, left, &c->left);
  if (i.op <= CODE_LE)
    read_register(L, w, f, c->pc, right, &c->right);
  else if (i.op == CODE_EQK)
    read_constant(L, w, f, right, &c->right);
  else if (i.op <= CODE_GEI)
    read_integer(L, w, right - SIGNED_B, &c->right);
}

/* `"x"`, whole: what comes behind its last quote is not part of a text. */
static bool is_text(const char *name) {
  if (*name++ != '"') return false;
  while (*name && *name != '"') name += *name == '\\' && name[1] ? 2 : 1;
  return strcmp(name, "\"") == 0;
}

static bool is_number(const char *name) {
  const char *digits = name + (*name == '-');
  return *digits >= '0' && *digits <= '9' && digits[strspn(digits, "0123456789.e+-")] == '\0';
}

/* `batch({…})`: a call of an action makes a decision. */
static bool is_decision(const policy_sandbox *sandbox, const char *name) {
  for (size_t i = 0; i < sandbox->kind_count; i++)
    for (size_t k = 0; k < sandbox->kinds[i].decision_count; k++) {
      const char *action = sandbox->kinds[i].decisions[k].action;
      size_t size = strlen(action);
      if (strncmp(name, action, size) == 0 && strcmp(name + size, "({…})") == 0) return true;
    }
  return false;
}

/* Does the test go one way only? Lua tests "x" in `a and "x" or b`, though no policy can make it
 * false. */
static bool is_settled(const policy_sandbox *sandbox, const policy_condition *c) {
  const char *name = c->left.name;
  if (c->operator!= CONDITION_TRUE) return false;
  return is_text(name) || is_number(name) || strcmp(name, "{…}") == 0 ||
         strcmp(name, "true") == 0 || strcmp(name, "false") == 0 || strcmp(name, "nil") == 0 ||
         is_decision(sandbox, name);
}

static void add_condition(lua_State *L, walk *w, size_t function, int pc, const unsigned *code) {
  policy_code *self = w->code;
  policy_function *f = &self->functions[function];
  code_instruction i = closure_code_decode(code[pc]);
  self->conditions = grow(L, self->conditions, self->condition_count, &self->condition_capacity,
                          sizeof *self->conditions);
  policy_condition *c = &self->conditions[self->condition_count++];
  *c = (policy_condition){.file = f->file, .line = f->lines[pc], .function = function, .pc = pc};
  c->jump = closure_code_jump(code[pc + 1], pc + 1);
  c->jumps_when = i.k;
  c->operator= OPERATORS[i.op - CODE_EQ];
  f->decided[pc] = (int)self->condition_count;
  read_operands(L, w, f, c, i);
  put_fixed_right(c);
  if (!is_settled(w->sandbox, c)) return;

  f->decided[pc] = 0;
  free(c->left.name);
  self->condition_count--;
}

/* ── Functions ── */

static bool is_known(const policy_code *self, const lua_Code *code) {
  for (size_t i = 0; i < self->function_count; i++)
    if (self->functions[i].code == code) return true;
  return false;
}

static void add_function(lua_State *L, walk *w, const lua_Code *code, const policy_file *file,
                         int depth) {
  policy_code *self = w->code;
  lua_CodeInfo info;
  lua_codeinfo(code, &info);
  if (is_known(self, code) || depth > DEPTH_MAX) return;
  self->functions = grow(L, self->functions, self->function_count, &self->function_capacity,
                         sizeof *self->functions);
  size_t at = self->function_count++;
  policy_function *f = &self->functions[at];
  *f = (policy_function){.code = code, .file = file, .size = info.size, .before = self->size};
  f->lines = calloc((size_t)info.size, sizeof *f->lines);
  f->decided = calloc((size_t)info.size, sizeof *f->decided);
  expect_memory(L, f->lines);
  expect_memory(L, f->decided);
  self->size += (size_t)info.size;
  for (int pc = 0; pc < info.size; pc++) {
    int op = (int)(info.instructions[pc] & 0x7f);
    f->lines[pc] = lua_codeline(code, pc);
    code_constants_add_instruction(L, &self->constants, code, info.instructions[pc]);
    if (op >= CODE_EQ && op <= CODE_TESTSET) add_condition(L, w, at, pc, info.instructions);
  }

  for (int n = 0; n < info.functions; n++)
    add_function(L, w, lua_codefunction(code, n), file, depth + 1);
}

/* ── What is reached ── */

/* Pops a value; a function or table will be visited once. */
static void add_work(lua_State *L, walk *w) {
  int type = lua_type(L, -1);
  code_constants_add_value(L, &w->code->constants, -1);
  lua_pushvalue(L, -1);
  bool seen = (type != LUA_TFUNCTION && type != LUA_TTABLE) || lua_rawget(L, w->seen) != LUA_TNIL;
  lua_pop(L, 1);
  if (seen) {
    lua_pop(L, 1);
    return;
  }

  lua_pushvalue(L, -1);
  lua_pushboolean(L, true);
  lua_rawset(L, w->seen);
  lua_rawseti(L, w->work, ++w->work_size);
}

/* The function on top of the stack: its code, when it is the set's, and its variables. */
static void visit_function(lua_State *L, walk *w) {
  const lua_Code *code = lua_tocode(L, -1);
  if (!code) return;
  lua_CodeInfo info;
  lua_codeinfo(code, &info);
  const policy_file *file =
      info.source[0] == '@' ? policy_files_find(w->sandbox->files, info.source + 1) : NULL;
  if (!file) return;
  add_function(L, w, code, file, 0);
  for (int i = 1; lua_getupvalue(L, -1, i); i++) add_work(L, w);
}

/* The table on top of the stack: its values, and those of its metatable. */
static void visit_table(lua_State *L, walk *w) {
  int top = lua_gettop(L);
  if (lua_getmetatable(L, top)) add_work(L, w);
  sandbox_push_all_keys(L, top); // table keys
  lua_Integer count = (lua_Integer)lua_rawlen(L, top + 1);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, top + 1, i);
    lua_rawget(L, top);
    add_work(L, w);
  }

  lua_settop(L, top);
}

static int collect(lua_State *L) {
  walk *w = lua_touserdata(L, 1);
  const policy_kind *kind = lua_touserdata(L, 2);
  lua_newtable(L);
  lua_newtable(L);
  w->seen = 3;
  w->work = 4;
  lua_rawgeti(L, LUA_REGISTRYINDEX, w->sandbox->environment);
  lua_pushboolean(L, true);
  lua_rawset(L, w->seen);
  lua_rawgeti(L, LUA_REGISTRYINDEX, kind->decide);
  add_work(L, w);
  for (lua_Integer i = 1; i <= w->work_size; i++) {
    lua_rawgeti(L, w->work, i);
    if (lua_istable(L, -1))
      visit_table(L, w);
    else
      visit_function(L, w);
    lua_settop(L, w->work);
  }

  return 0;
}

policy_code *policy_code_new(policy_sandbox *sandbox, const char *kind, size_t kind_size) {
  const policy_kind *asked = policy_kind_find(sandbox, kind, kind_size);
  policy_code *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  walk w = {.code = self, .sandbox = sandbox};
  lua_State *L = sandbox->L;
  lua_pushcfunction(L, collect);
  lua_pushlightuserdata(L, &w);
  lua_pushlightuserdata(L, (void *)asked);
  bool ok = lua_pcall(L, 2, 0, 0) == LUA_OK;
  lua_settop(L, 0);
  text_buffer_free(&w.name);
  if (ok) return self;
  policy_code_free(self);

  return NULL;
}

void policy_code_free(policy_code *self) {
  if (!self) return;
  for (size_t i = 0; i < self->function_count; i++) {
    free(self->functions[i].lines);
    free(self->functions[i].decided);
  }

  for (size_t i = 0; i < self->condition_count; i++) {
    free(self->conditions[i].left.name);
    free(self->conditions[i].right.name);
  }

  code_constants_free(&self->constants);
  free(self->functions);
  free(self->conditions);
  free(self);
}

const char *policy_code_operator(condition_operator operator) {
  static const char *const names[] = {"==", "<", "<=", ">", ">=", ""};
  return names[operator];
}
