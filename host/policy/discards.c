/* See discards.h.
 *
 * For each value that is called, and each that is returned, the code is followed back to where the
 * value came from. What matters of it is its *distance*: how many calls it is away from a decision.
 * batch {…} has distance 0, batch itself 1, a function that returns batch {…} 1, one that returns
 * batch 2. A call whose results nobody takes throws a decision away when its function has
 * distance 1.
 *
 * Functions call each other, so the distances of all are found in rounds, until none changes. */
#include "policy/discards.h"

#include <lauxlib.h>
#include <string.h>

#include "policy/closure_code.h"

enum {
  NEVER = -1,
  DECISION = 0,
  MAKER = 1,
  DISTANCE_MAX = 3,
  ROUNDS_MAX = 8, /* helpers that call helpers */
  DEPTH_MAX = 16, /* steps back from one value */
  NOWHERE = -1,
};

typedef struct {
  lua_State *L;
  policy_sandbox *sandbox;
  int distances;          /* stack index: function → its distance */
  int pcall, assertion;   /* stack indices: the policies' own */
  int closure;            /* stack index: the live closure that is read */
  int found;              /* its distance */
  finding_list *findings; /* NULL: look for distances only */
} search;

/* Where a value is looked for: what the register holds before the instruction. */
typedef struct {
  const code_function *function;
  size_t pc;
  unsigned reg;
  int depth;
} place;

static bool is_between(unsigned reg, unsigned first, unsigned count) {
  return reg >= first && reg - first < count;
}

/* Does the instruction write the register? An open call or `...` writes all from A on. */
static bool writes(code_instruction i, unsigned reg) {
  switch (i.op) {
  case CODE_LOADNIL: return is_between(reg, i.a, i.b + 1);
  case CODE_SELF: return is_between(reg, i.a, 2);
  case CODE_CALL:
  case CODE_VARARG: return i.c == 0 ? reg >= i.a : is_between(reg, i.a, i.c - 1);
  case CODE_FORLOOP:
  case CODE_FORPREP: return is_between(reg, i.a, 4);
  case CODE_TFORCALL: return is_between(reg, i.a + 4, i.c);
  case CODE_SETUPVAL:
  case CODE_TAILCALL:
  case CODE_TFORPREP:
  case CODE_SETLIST:
  case CODE_VARARGPREP:
  case CODE_EXTRAARG: return false;
  default: break;
  }

  bool stores = i.op >= CODE_SETTABUP && i.op <= CODE_SETFIELD;
  bool calls_metamethod = i.op >= CODE_MMBIN && i.op <= CODE_MMBINK;
  bool only_jumps = i.op >= CODE_CLOSE && i.op <= CODE_TEST;
  bool returns = i.op >= CODE_RETURN && i.op <= CODE_RETURN1;

  return !stores && !calls_metamethod && !only_jumps && !returns && reg == i.a;
}

/* The last instruction before the place, in the order of the text, that writes its register: code
 * between the declaration of a variable and its use cannot use its register for anything else. */
static long find_writer(search *s, place at) {
  for (size_t pc = at.pc; pc-- > 0;) {
    if (!writes(closure_code_at(at.function, pc), at.reg)) continue;
    sandbox_charge(s->L, (at.pc - pc) / 8);
    return (long)pc;
  }

  sandbox_charge(s->L, at.pc / 8);
  return NOWHERE;
}

static place at_operand(place at, long writer, unsigned reg) {
  return (place){at.function, (size_t)writer, reg, at.depth + 1};
}

/* Where a variable that a function captures is, when the function is made; false when the variable
 * is the function itself. */
static bool find_captured(search *s, const code_function *owner, const code_function *maker,
                          unsigned reg, int depth, place *at) {
  for (size_t pc = 0; pc < owner->code_size; pc++) {
    code_instruction i = closure_code_at(owner, pc);
    if (i.op != CODE_CLOSURE || i.bx != maker->place) continue;
    sandbox_charge(s->L, pc / 8);
    *at = (place){owner, pc, reg, depth + 1};
    return i.a != reg;
  }

  return false;
}

static bool push_value(search *s, place at);

/* Pushes the value of an upvalue, when it is known while the policy is loaded. */
static bool push_upvalue(search *s, place at, unsigned upvalue) {
  const code_function *owner = NULL, *maker = NULL;
  unsigned reg = 0;
  int index = closure_code_resolve(at.function, upvalue, &owner, &maker, &reg);
  place captured;
  if (index >= 0) return lua_getupvalue(s->L, s->closure, index + 1) != NULL;

  return owner && find_captured(s, owner, maker, reg, at.depth, &captured) &&
         push_value(s, captured);
}

/* Replaces the table on the top by its field that the constant names; pops it when there is none.
 */
static bool take_field(search *s, const code_function *function, unsigned constant) {
  lua_State *L = s->L;
  size_t size;
  const char *name = closure_code_text(function, constant, &size);
  if (!name || lua_type(L, -1) != LUA_TTABLE) {
    lua_pop(L, 1);
    return false;
  }

  lua_pushlstring(L, name, size);
  lua_rawget(L, -2); // table field
  lua_replace(L, -2);

  return true;
}

/* Pushes the value at the place, when it is known while the policy is loaded. */
static bool push_value(search *s, place at) {
  long writer = at.depth < DEPTH_MAX ? find_writer(s, at) : NOWHERE;
  if (writer == NOWHERE) return false;
  luaL_checkstack(s->L, 8, "reading a policy");
  code_instruction i = closure_code_at(at.function, (size_t)writer);
  switch (i.op) {
  case CODE_MOVE: return push_value(s, at_operand(at, writer, i.b));
  case CODE_GETUPVAL: return push_upvalue(s, at, i.b);
  case CODE_GETTABUP: return push_upvalue(s, at, i.b) && take_field(s, at.function, i.c);
  case CODE_SELF:
    if (at.reg != i.a || !i.k) return false;
    return push_value(s, at_operand(at, writer, i.b)) && take_field(s, at.function, i.c);
  case CODE_GETFIELD:
    return push_value(s, at_operand(at, writer, i.b)) && take_field(s, at.function, i.c);
  default: return false;
  }
}

/* Pops a value that is known while the policy is loaded. */
static int pop_distance(search *s) {
  lua_State *L = s->L;
  int distance = NEVER;
  if (policy_kind_action_of(L, -1)) {
    distance = MAKER;
  } else if (lua_isfunction(L, -1)) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, s->distances) == LUA_TNUMBER) distance = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }

  lua_pop(L, 1);

  return distance;
}

static int distance_of(search *s, place at);

static int upvalue_distance(search *s, place at, unsigned upvalue) {
  const code_function *owner = NULL, *maker = NULL;
  unsigned reg = 0;
  int index = closure_code_resolve(at.function, upvalue, &owner, &maker, &reg);
  place captured;
  if (index >= 0) return lua_getupvalue(s->L, s->closure, index + 1) ? pop_distance(s) : NEVER;
  if (!owner || !find_captured(s, owner, maker, reg, at.depth, &captured)) return NEVER;

  return distance_of(s, captured);
}

/* The field of a table that the same function has just made: { many = batch }. */
static int local_field_distance(search *s, place at, long reader, code_instruction read) {
  place table = at_operand(at, reader, read.b);
  long maker = find_writer(s, table);
  if (maker == NOWHERE || closure_code_at(at.function, (size_t)maker).op != CODE_NEWTABLE)
    return NEVER;
  for (long pc = reader - 1; pc > maker; pc--) {
    code_instruction i = closure_code_at(at.function, (size_t)pc);
    if (i.op == CODE_SETFIELD && i.a == read.b && i.b == read.c)
      return i.k ? NEVER : distance_of(s, at_operand(at, pc, i.c));
  }

  return NEVER;
}

/* Is the function that is called known, and the one at the stack index? */
static bool calls(search *s, place callee, int known) {
  if (!push_value(s, callee)) return false;
  bool same = lua_rawequal(s->L, -1, known);
  lua_pop(s->L, 1);
  return same;
}

/* Of what a call gives: assert gives its argument. */
static int result_distance(search *s, place at, long call, code_instruction i) {
  place callee = at_operand(at, call, i.a);
  int distance = distance_of(s, callee);
  if (distance > DECISION) return distance - 1;
  if (i.b != 1 && calls(s, callee, s->assertion))
    return distance_of(s, at_operand(at, call, i.a + 1));
  return NEVER;
}

static int distance_of(search *s, place at) {
  long writer = at.depth < DEPTH_MAX ? find_writer(s, at) : NOWHERE;
  if (writer == NOWHERE) return NEVER;
  code_instruction i = closure_code_at(at.function, (size_t)writer);
  switch (i.op) {
  case CODE_MOVE:
  case CODE_TESTSET: return distance_of(s, at_operand(at, writer, i.b));
  case CODE_GETUPVAL: return upvalue_distance(s, at, i.b);
  case CODE_CLOSURE: {
    signed char nested = i.bx < CODE_MAX_NESTED ? at.function->nested[i.bx] : 0;
    return nested > DECISION ? nested : NEVER;
  }
  case CODE_CALL: return at.reg == i.a ? result_distance(s, at, writer, i) : NEVER;
  case CODE_GETTABUP: return push_value(s, at) ? pop_distance(s) : NEVER;
  case CODE_SELF:
  case CODE_GETFIELD:
    if (push_value(s, at)) return pop_distance(s);
    return at.reg == i.a ? local_field_distance(s, at, writer, i) : NEVER;
  default: return NEVER;
  }
}

/* How many registers a return gives. An open one ends with all results of the call before it. */
static unsigned count_returned(const code_function *function, size_t pc, code_instruction i) {
  if (i.op == CODE_RETURN1) return 1;
  if (i.b > 0) return i.b - 1;
  code_instruction before = closure_code_at(function, pc - 1);
  return before.op == CODE_CALL && before.a >= i.a ? before.a - i.a + 1 : 1;
}

/* The least distance of what a return gives. */
static int returned_distance(search *s, const code_function *function, size_t pc,
                             code_instruction i) {
  place at = {function, pc, i.a, 0};
  if (i.op == CODE_TAILCALL) return result_distance(s, at, (long)pc, i);
  unsigned count = count_returned(function, pc, i);
  int least = NEVER;
  for (unsigned n = 0; n < count; n++, at.reg++) {
    int distance = distance_of(s, at);
    if (distance != NEVER && (least == NEVER || distance < least)) least = distance;
  }

  return least;
}

static bool is_return(int op) {
  return op == CODE_RETURN || op == CODE_RETURN1 || op == CODE_TAILCALL;
}

/* One more than the least distance of what the function returns. */
static int function_distance(search *s, const code_function *function) {
  int least = NEVER;
  for (size_t pc = 0; pc < function->code_size; pc++) {
    code_instruction i = closure_code_at(function, pc);
    if (!is_return(i.op)) continue;
    int distance = returned_distance(s, function, pc, i);
    if (distance != NEVER && (least == NEVER || distance < least)) least = distance;
  }

  return least == NEVER || least == DISTANCE_MAX ? NEVER : least + 1;
}

/* Is a decision thrown away by this call, which is a statement? */
static bool throws_away(search *s, place callee, code_instruction i) {
  place argument = {callee.function, callee.pc, i.a + 1, 0};
  if (distance_of(s, callee) == MAKER) return true;
  if (i.b == 1) return false;
  if (calls(s, callee, s->pcall)) return distance_of(s, argument) == MAKER;

  return calls(s, callee, s->assertion) && distance_of(s, argument) == DECISION;
}

/* The same function can be reached as several closures. */
static bool is_reported(const finding_list *findings, const char *file, int line) {
  for (size_t i = 0; i < findings->count; i++) {
    const finding *f = &findings->items[i];
    if (strcmp(f->code, "W014") == 0 && f->line == line && strcmp(f->file, file) == 0) return true;
  }

  return false;
}

static void report(search *s, place callee) {
  lua_State *L = s->L;
  lua_Debug about;
  lua_pushvalue(L, s->closure);
  lua_getinfo(L, ">S", &about);
  const policy_file *source =
      policy_files_find(s->sandbox->files, about.source + (about.source[0] == '@'));
  const char *file = source ? source->shown : about.short_src;
  int line = closure_code_line(callee.function, callee.pc);
  if (is_reported(s->findings, file, line)) return;

  const char *action = NULL;
  if (push_value(s, callee)) {
    action = policy_kind_action_of(L, -1);
    lua_pop(L, 1);
  }

  if (action)
    finding_error(s->findings, file, line, "W014",
                  "%s is called and its decision thrown away; write return %s { … }", action,
                  action);
  else
    finding_error(s->findings, file, line, "W014",
                  "this call makes a decision, which is thrown away; write return in front of it");
}

static void visit(void *context, code_function *function) {
  search *s = context;
  int distance = function_distance(s, function);
  if (!function->outer)
    s->found = distance;
  else if (function->place < CODE_MAX_NESTED && distance > DECISION)
    function->outer->nested[function->place] = (signed char)distance;
  if (!s->findings) return;

  for (size_t pc = 0; pc < function->code_size; pc++) {
    code_instruction i = closure_code_at(function, pc);
    place callee = {function, pc, i.a, 0};
    if (i.op == CODE_CALL && i.c == 1 && throws_away(s, callee, i)) report(s, callee);
  }
}

/* Reads every closure of the list; true when the distance of one has changed. */
static bool read_closures(search *s, int closures) {
  lua_State *L = s->L;
  bool changed = false;
  lua_Integer count = (lua_Integer)lua_rawlen(L, closures);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, closures, i);
    s->closure = lua_gettop(L);
    s->found = NEVER;
    closure_code_walk(L, s->closure, &s->sandbox->scratch, visit, s);
    lua_pushvalue(L, s->closure);
    int known = lua_rawget(L, s->distances) == LUA_TNUMBER ? (int)lua_tointeger(L, -1) : NEVER;
    if (known != s->found) {
      changed = true;
      lua_pushvalue(L, s->closure);
      lua_pushinteger(L, s->found);
      lua_rawset(L, s->distances);
    }

    lua_settop(L, s->closure - 1);
  }

  return changed;
}

void policy_discards_report(lua_State *L, policy_sandbox *sandbox, int closures,
                            finding_list *findings) {
  int top = lua_gettop(L);
  search s = {.L = L, .sandbox = sandbox};
  closures = lua_absindex(L, closures);
  luaL_checkstack(L, 16, "reading a policy");
  lua_newtable(L);
  s.distances = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->environment);
  lua_getfield(L, -1, "pcall");
  s.pcall = lua_gettop(L);
  lua_getfield(L, -2, "assert");
  s.assertion = lua_gettop(L);

  for (int round = 0; round < ROUNDS_MAX && read_closures(&s, closures); round++) continue;
  s.findings = findings;
  read_closures(&s, closures);
  lua_settop(L, top);
}
