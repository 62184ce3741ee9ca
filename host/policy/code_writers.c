/* See code_writers.h. The paths are followed backwards. For that, each function gets a list of
 * where jumps come from; the lists of the functions looked at last are kept. */
#include "policy/code_writers.h"

#include <lauxlib.h>

#include "sandbox/budget.h"

enum {
  KEPT = 4,
  REGISTERS = 256,
  SEVERAL = UINT32_MAX,
};

/* Of one instruction, which jumps lead to it. */
typedef struct {
  uint32_t lowest;  /* the first instruction that jumps forward to it; itself: none */
  uint32_t highest; /* the last one that jumps back to it; itself: none */
  bool is_needed;   /* in one search: does a path lead from here? */
} entry;

typedef struct {
  /* Of each register, 1 + the one instruction that writes it; 0: none, or SEVERAL. */
  uint32_t writer[REGISTERS];
  entry at[]; /* one more than instructions */
} entries;

/* A function's entries are kept at its depth: while those inside of it are read, it stays. */
typedef struct {
  const unsigned char *code[KEPT]; /* of the functions whose entries are in the user values */
  entries *entries[KEPT];
  size_t capacity[KEPT]; /* for how many instructions they have room */
} kept_entries;

void code_writers_open(lua_State *L) {
  *(kept_entries *)lua_newuserdatauv(L, sizeof(kept_entries), KEPT) = (kept_entries){0};
}

void code_writers_forget(lua_State *L, int index) {
  kept_entries *kept = lua_touserdata(L, index);
  memset(kept->code, 0, sizeof kept->code);
}

typedef struct {
  unsigned first, count;
} registers;

/* Which registers the instruction writes. An open call or `...` writes all from A on. */
static registers written_by(code_instruction i) {
  unsigned open = REGISTERS - i.a;
  switch (i.op) {
  case CODE_LOADNIL: return (registers){i.a, i.b + 1};
  case CODE_SELF: return (registers){i.a, 2};
  case CODE_CALL:
  case CODE_VARARG: return (registers){i.a, i.c == 0 ? open : i.c - 1};
  case CODE_FORLOOP:
  case CODE_FORPREP: return (registers){i.a, 4};
  case CODE_TFORCALL: return (registers){i.a + 4, i.c};
  case CODE_SETUPVAL:
  case CODE_TAILCALL:
  case CODE_TFORPREP:
  case CODE_TFORLOOP:
  case CODE_SETLIST:
  case CODE_VARARGPREP:
  case CODE_EXTRAARG: return (registers){0, 0};
  default: break;
  }

  bool stores = i.op >= CODE_SETTABUP && i.op <= CODE_SETFIELD;
  bool calls_metamethod = i.op >= CODE_MMBIN && i.op <= CODE_MMBINK;
  bool only_jumps = i.op >= CODE_CLOSE && i.op <= CODE_TEST;
  bool returns = i.op >= CODE_RETURN && i.op <= CODE_RETURN1;

  return (registers){i.a, !stores && !calls_metamethod && !only_jumps && !returns};
}

static bool writes(code_instruction i, unsigned reg) {
  registers written = written_by(i);
  return reg >= written.first && reg - written.first < written.count;
}

/* Where the instruction may lead beside the one after it; -1: nowhere. */
static long jump_of(const code_function *function, size_t pc, code_instruction i) {
  long after = (long)pc + 1;
  uint32_t bits;
  switch (i.op) {
  case CODE_JMP: memcpy(&bits, function->code + 4 * pc, 4); return closure_code_jump(bits, (int)pc);
  case CODE_LFALSESKIP: return after + 1;
  case CODE_FORLOOP:
  case CODE_TFORLOOP: return after - (long)i.bx;
  case CODE_FORPREP: return after + (long)i.bx + 1;
  case CODE_TFORPREP: return after + (long)i.bx;
  default: return i.op >= CODE_EQ && i.op <= CODE_TESTSET ? after + 1 : -1;
  }
}

/* May the instruction after it come next? */
static bool goes_on(int op) {
  bool only_jumps = op == CODE_JMP || op == CODE_LFALSESKIP || op == CODE_TFORPREP;
  return !only_jumps && !(op >= CODE_RETURN && op <= CODE_RETURN1);
}

static void note_writer(lua_State *L, entries *all, size_t pc, code_instruction i) {
  registers written = written_by(i);
  sandbox_charge(L, written.count / 8);
  for (unsigned reg = written.first; reg < REGISTERS && reg - written.first < written.count; reg++)
    all->writer[reg] = all->writer[reg] ? SEVERAL : (uint32_t)pc + 1;
}

static void note_jump(entries *all, size_t pc, size_t to) {
  entry *target = &all->at[to];
  if (pc < target->lowest) target->lowest = (uint32_t)pc;
  if (pc > target->highest) target->highest = (uint32_t)pc;
}

static void fill_entries(lua_State *L, const code_function *function, entries *all) {
  size_t count = function->code_size;
  memset(all->writer, 0, sizeof all->writer);
  sandbox_charge(L, count / 4);
  for (size_t pc = 0; pc <= count; pc++)
    all->at[pc] = (entry){.lowest = (uint32_t)pc, .highest = (uint32_t)pc};
  for (size_t pc = 0; pc < count; pc++) {
    code_instruction i = closure_code_at(function, pc);
    long to = jump_of(function, pc, i);
    note_writer(L, all, pc, i);
    if (to >= 0 && (size_t)to <= count) note_jump(all, pc, (size_t)to);
  }
}

/* Room for the entries of the function that is looked at next at this depth. */
static entries *reserve_entries(lua_State *L, int index, int depth, size_t count) {
  kept_entries *kept = lua_touserdata(L, index);
  kept->code[depth] = NULL;
  if (kept->entries[depth] && kept->capacity[depth] >= count) return kept->entries[depth];
  kept->entries[depth] = lua_newuserdatauv(L, sizeof(entries) + (count + 1) * sizeof(entry), 0);
  kept->capacity[depth] = count;
  lua_setiuservalue(L, index, depth + 1);

  return kept->entries[depth];
}

static entries *entries_of(lua_State *L, int index, const code_function *function) {
  kept_entries *kept = lua_touserdata(L, index);
  int depth = 0;
  for (const code_function *outer = function->outer; outer; outer = outer->outer) depth++;
  depth %= KEPT;
  if (kept->code[depth] == function->code) return kept->entries[depth];
  entries *all = reserve_entries(L, index, depth, function->code_size);
  fill_entries(L, function, all);
  kept->code[depth] = function->code;

  return all;
}

typedef struct {
  const code_function *function;
  entry *entries;
  unsigned reg;
  size_t low, high; /* where paths may still come from */
  bool has_loop;
  code_writers found;
} search;

/* A path leads from before the instruction. */
static void need(search *s, size_t pc) {
  entry *here = &s->entries[pc];
  here->is_needed = true;
  size_t before = here->lowest < pc ? here->lowest : pc > 0 ? pc - 1 : 0;
  if (before < s->low) s->low = before;
  if (here->highest == pc) return;
  s->has_loop = true;
  if (here->highest + 1 > s->high) s->high = here->highest + 1;
}

static void add_writer(search *s, size_t pc) {
  for (size_t i = 0; i < s->found.count; i++)
    if (s->found.at[i] == pc) return;
  if (s->found.count < WRITERS_MAX) s->found.at[s->found.count++] = pc;
}

/* One more instruction, from which the search may go on; true when that was not known. */
static bool look_at(search *s, size_t pc) {
  code_instruction i = closure_code_at(s->function, pc);
  long jump = jump_of(s->function, pc, i);
  bool by_jump = jump >= 0 && (size_t)jump <= s->function->code_size && s->entries[jump].is_needed;
  bool by_next = goes_on(i.op) && s->entries[pc + 1].is_needed;
  if (!by_jump && !by_next) return false;

  /* TESTSET writes only when the jump after it is taken. */
  bool is_writer = writes(i, s->reg);
  if (is_writer && (by_next || i.op != CODE_TESTSET)) add_writer(s, pc);
  bool passes = !is_writer || (i.op == CODE_TESTSET && by_jump);
  if (!passes || s->entries[pc].is_needed) return false;
  need(s, pc);

  return true;
}

code_writers code_writers_find(lua_State *L, int index, const code_function *function, size_t pc,
                               unsigned reg) {
  entries *all = entries_of(L, index, function);
  /* The one writer of a variable is its declaration: it is always passed. */
  uint32_t only = reg < function->parameters ? SEVERAL : all->writer[reg];
  if (only == 0) return (code_writers){0};
  if (only != SEVERAL && only <= pc) return (code_writers){.count = 1, .at = {only - 1}};

  search s = {.function = function, .entries = all->at, .reg = reg, .low = pc, .high = pc};
  need(&s, pc);
  size_t steps = 0;
  for (bool again = true; again;) {
    bool changed = false;
    for (size_t at = s.high; at-- > s.low; steps++) changed = look_at(&s, at) || changed;
    again = changed && s.has_loop;
  }

  sandbox_charge(L, steps / 4);
  for (size_t at = s.low; at <= s.high && at <= function->code_size; at++)
    s.entries[at].is_needed = false;

  return s.found;
}
