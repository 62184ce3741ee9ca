/* See distances.h. The code is followed back to where the value came from, over all ways on which
 * it may have come. */
#include "policy/distances.h"

#include <lauxlib.h>

enum {
  DEPTH_MAX = 16,  /* steps back from one value */
  STEPS_MAX = 200, /* over all ways on which one value may have come */
};

static code_place at_operand(code_place at, size_t writer, unsigned reg) {
  return (code_place){at.function, writer, reg, at.depth + 1};
}

/* What may have given the place its value; nothing when it is too far away. */
static code_writers find_writers(distance_search *s, code_place at) {
  code_writers none = {0};
  if (at.depth >= DEPTH_MAX || s->steps >= STEPS_MAX) return none;
  s->steps++;
  luaL_checkstack(s->L, 8, "reading a policy");

  return code_writers_find(s->L, s->writers, at.function, at.pc, at.reg);
}

/* Where a variable that a function captures is, when the function is made; false when the variable
 * is the function itself. */
static bool find_captured(distance_search *s, const code_function *owner,
                          const code_function *maker, unsigned reg, int depth, code_place *at) {
  for (size_t pc = 0; pc < owner->code_size; pc++) {
    code_instruction i = closure_code_at(owner, pc);
    if (i.op != CODE_CLOSURE || i.bx != maker->place) continue;
    sandbox_charge(s->L, pc / 8);
    *at = (code_place){owner, pc, reg, depth + 1};
    return i.a != reg;
  }

  return false;
}

/* Pushes the value of an upvalue, when it is known while the policy is loaded. */
static bool push_upvalue(distance_search *s, code_place at, unsigned upvalue) {
  const code_function *owner = NULL, *maker = NULL;
  unsigned reg = 0;
  int index = closure_code_resolve(at.function, upvalue, &owner, &maker, &reg);
  code_place captured;
  if (index >= 0) return lua_getupvalue(s->L, s->closure, index + 1) != NULL;

  return owner && find_captured(s, owner, maker, reg, at.depth, &captured) &&
         distances_push_value(s, captured);
}

/* Pushes the text that is the constant. */
static bool push_constant(distance_search *s, const code_function *function, unsigned constant) {
  size_t size;
  const char *text = closure_code_text(function, constant, &size);
  if (text) lua_pushlstring(s->L, text, size);
  return text != NULL;
}

/* Pushes the key with which the instruction reads a table, when it is known. */
static bool push_key(distance_search *s, code_place at, size_t reader, code_instruction i) {
  switch (i.op) {
  case CODE_GETI: lua_pushinteger(s->L, i.c); return true;
  case CODE_GETTABLE: return distances_push_value(s, at_operand(at, reader, i.c));
  case CODE_SELF: return i.k && push_constant(s, at.function, i.c);
  default: return push_constant(s, at.function, i.c);
  }
}

/* Replaces the table on the top by the field that the instruction reads; pops it when there is
 * none. */
static bool take_field(distance_search *s, code_place at, size_t reader, code_instruction i) {
  lua_State *L = s->L;
  if (lua_type(L, -1) != LUA_TTABLE || !push_key(s, at, reader, i)) {
    lua_pop(L, 1);
    return false;
  }

  lua_rawget(L, -2); // table field
  lua_replace(L, -2);

  return true;
}

static bool reads_field(code_place at, code_instruction i) {
  bool reads = i.op == CODE_GETFIELD || i.op == CODE_GETI || i.op == CODE_GETTABLE;
  return reads || (i.op == CODE_SELF && at.reg == i.a);
}

/* Pushes what the instruction wrote, when it is known while the policy is loaded. */
static bool push_written(distance_search *s, code_place at, size_t writer) {
  code_instruction i = closure_code_at(at.function, writer);
  switch (i.op) {
  case CODE_MOVE:
  case CODE_TESTSET: return distances_push_value(s, at_operand(at, writer, i.b));
  case CODE_LOADK: return push_constant(s, at.function, i.bx);
  case CODE_GETUPVAL: return push_upvalue(s, at, i.b);
  case CODE_GETTABUP: return push_upvalue(s, at, i.b) && take_field(s, at, writer, i);
  default: break;
  }

  return reads_field(at, i) && distances_push_value(s, at_operand(at, writer, i.b)) &&
         take_field(s, at, writer, i);
}

/* Pushes a value that the place may have, when one is known while the policy is loaded. */
bool distances_push_value(distance_search *s, code_place at) {
  code_writers writers = find_writers(s, at);
  for (size_t i = 0; i < writers.count; i++)
    if (push_written(s, at, writers.at[i])) return true;
  return false;
}

/* Pops a value that is known while the policy is loaded. */
static int pop_distance(distance_search *s) {
  lua_State *L = s->L;
  int distance = DISTANCE_NEVER;
  if (policy_kind_action_of(L, -1)) {
    distance = DISTANCE_MAKER;
  } else if (lua_isfunction(L, -1)) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, s->distances) == LUA_TNUMBER) distance = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }

  lua_pop(L, 1);

  return distance;
}

/* Pops a table, of which any field may be meant: the distance that all have. */
static int pop_common_distance(distance_search *s) {
  lua_State *L = s->L;
  int common = DISTANCE_NEVER;
  bool differ = lua_type(L, -1) != LUA_TTABLE;
  for (lua_pushnil(L); !differ && lua_next(L, -2);) {
    sandbox_charge(L, 1);
    int distance = pop_distance(s);
    differ = distance == DISTANCE_NEVER || (common != DISTANCE_NEVER && common != distance);
    common = distance;
  }

  lua_settop(L, lua_gettop(L) - (differ ? 2 : 1));

  return differ ? DISTANCE_NEVER : common;
}

static int upvalue_distance(distance_search *s, code_place at, unsigned upvalue) {
  const code_function *owner = NULL, *maker = NULL;
  unsigned reg = 0;
  int index = closure_code_resolve(at.function, upvalue, &owner, &maker, &reg);
  code_place captured;
  if (index >= 0)
    return lua_getupvalue(s->L, s->closure, index + 1) ? pop_distance(s) : DISTANCE_NEVER;
  if (!owner || !find_captured(s, owner, maker, reg, at.depth, &captured)) return DISTANCE_NEVER;

  return distances_of(s, captured);
}

/* How many registers, from *first on, the instruction stores under the key that is read. A key that
 * is not known may be any. */
static unsigned count_stored(code_instruction store, code_instruction read, unsigned *first) {
  bool any = read.op == CODE_GETTABLE;
  *first = store.c;
  switch (store.op) {
  case CODE_SETTABLE: return any && !store.k;
  case CODE_SETI: return !store.k && (any || (read.op == CODE_GETI && store.b == read.c));
  case CODE_SETFIELD: return !store.k && (any || (read.op != CODE_GETI && store.b == read.c));
  case CODE_SETLIST:
    *first = store.a + (any ? 1 : read.c - store.c);
    if (any) return store.b;
    return read.op == CODE_GETI && read.c > store.c && read.c - store.c <= store.b;
  default: return 0;
  }
}

/* The field of a table that the same function has just made: { many = batch }. One of several
 * fields: the distance that all have. */
static int local_field_distance(distance_search *s, code_place at, size_t reader,
                                code_instruction read) {
  code_writers makers = find_writers(s, at_operand(at, reader, read.b));
  if (makers.count != 1 || closure_code_at(at.function, makers.at[0]).op != CODE_NEWTABLE)
    return DISTANCE_NEVER;
  int common = DISTANCE_NEVER;
  for (size_t pc = reader; pc-- > makers.at[0];) {
    code_instruction i = closure_code_at(at.function, pc);
    unsigned first = 0, count = i.a == read.b ? count_stored(i, read, &first) : 0;
    for (unsigned n = 0; n < count; n++) {
      int distance = distances_of(s, at_operand(at, pc, first + n));
      if (read.op != CODE_GETTABLE) return distance;
      if (distance == DISTANCE_NEVER || (common != DISTANCE_NEVER && common != distance))
        return DISTANCE_NEVER;
      common = distance;
    }
  }

  return common;
}

static int field_distance(distance_search *s, code_place at, size_t reader, code_instruction i) {
  if (push_written(s, at, reader)) return pop_distance(s);
  code_place table = at_operand(at, reader, i.b);
  if (i.op == CODE_GETTABLE && distances_push_value(s, table)) return pop_common_distance(s);
  return local_field_distance(s, at, reader, i);
}

/* Is the function that is called known, and the one at the stack index? */
bool distances_calls(distance_search *s, code_place callee, int known) {
  if (!distances_push_value(s, callee)) return false;
  bool same = lua_rawequal(s->L, -1, known);
  lua_pop(s->L, 1);
  return same;
}

/* Of what a call gives: assert gives its argument, and pcall, second, what its argument gives. */
int distances_of_result(distance_search *s, code_place at, size_t call, code_instruction i) {
  code_place callee = at_operand(at, call, i.a), argument = at_operand(at, call, i.a + 1);
  if (at.reg == i.a + 1) {
    int distance = i.b != 1 && distances_calls(s, callee, s->pcall) ? distances_of(s, argument)
                                                                    : DISTANCE_NEVER;
    return distance > DISTANCE_DECISION ? distance - 1 : DISTANCE_NEVER;
  }

  if (at.reg != i.a) return DISTANCE_NEVER;
  int distance = distances_of(s, callee);
  if (distance > DISTANCE_DECISION) return distance - 1;

  return i.b != 1 && distances_calls(s, callee, s->assertion) ? distances_of(s, argument)
                                                              : DISTANCE_NEVER;
}

/* Of what the instruction wrote. */
static int written_distance(distance_search *s, code_place at, size_t writer) {
  code_instruction i = closure_code_at(at.function, writer);
  switch (i.op) {
  case CODE_MOVE:
  case CODE_TESTSET: return distances_of(s, at_operand(at, writer, i.b));
  case CODE_GETUPVAL: return upvalue_distance(s, at, i.b);
  case CODE_CLOSURE: {
    signed char nested = i.bx < CODE_MAX_NESTED ? at.function->nested[i.bx] : 0;
    return nested > DISTANCE_DECISION ? nested : DISTANCE_NEVER;
  }
  case CODE_CALL: return distances_of_result(s, at, writer, i);
  case CODE_GETTABUP: return push_written(s, at, writer) ? pop_distance(s) : DISTANCE_NEVER;
  default: return reads_field(at, i) ? field_distance(s, at, writer, i) : DISTANCE_NEVER;
  }
}

/* The least distance that the value of the place may have. */
int distances_of(distance_search *s, code_place at) {
  int least = DISTANCE_NEVER;
  code_writers writers = find_writers(s, at);
  for (size_t i = 0; i < writers.count; i++) {
    int distance = written_distance(s, at, writers.at[i]);
    if (distance != DISTANCE_NEVER && (least == DISTANCE_NEVER || distance < least))
      least = distance;
  }

  return least;
}
