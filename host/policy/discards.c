/* See discards.h. A call whose results nobody takes throws a decision away when its function makes
 * one: when its distance (distances.h) is 1.
 *
 * Functions call each other, so the distances of all are found in rounds, until none changes. */
#include "policy/discards.h"

#include <lauxlib.h>
#include <string.h>

#include "policy/distances.h"

enum { ROUNDS_MAX = 8 }; /* helpers that call helpers */

typedef struct {
  distance_search values;
  policy_sandbox *sandbox;
  int found;              /* the distance of the closure that is read */
  finding_list *findings; /* NULL: look for distances only */
} search;

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
  code_place at = {function, pc, i.a, 0};
  s->values.steps = 0;
  if (i.op == CODE_TAILCALL) return distances_of_result(&s->values, at, pc, i);
  unsigned count = count_returned(function, pc, i);
  int least = DISTANCE_NEVER;
  for (unsigned n = 0; n < count; n++, at.reg++) {
    s->values.steps = 0;
    int distance = distances_of(&s->values, at);
    if (distance != DISTANCE_NEVER && (least == DISTANCE_NEVER || distance < least))
      least = distance;
  }

  return least;
}

static bool is_return(int op) {
  return op == CODE_RETURN || op == CODE_RETURN1 || op == CODE_TAILCALL;
}

/* One more than the least distance of what the function returns. */
static int function_distance(search *s, const code_function *function) {
  int least = DISTANCE_NEVER;
  for (size_t pc = 0; pc < function->code_size; pc++) {
    code_instruction i = closure_code_at(function, pc);
    if (!is_return(i.op)) continue;
    int distance = returned_distance(s, function, pc, i);
    if (distance != DISTANCE_NEVER && (least == DISTANCE_NEVER || distance < least))
      least = distance;
  }

  return least == DISTANCE_NEVER || least == DISTANCE_MAX ? DISTANCE_NEVER : least + 1;
}

/* Is a decision thrown away by this call, which is a statement? */
static bool throws_away(search *s, code_place callee, code_instruction i) {
  code_place argument = {callee.function, callee.pc, i.a + 1, 0};
  s->values.steps = 0;
  if (distances_of(&s->values, callee) == DISTANCE_MAKER) return true;
  if (i.b == 1) return false;
  if (distances_calls(&s->values, callee, s->values.pcall))
    return distances_of(&s->values, argument) == DISTANCE_MAKER;

  return distances_calls(&s->values, callee, s->values.assertion) &&
         distances_of(&s->values, argument) == DISTANCE_DECISION;
}

/* The same function can be reached as several closures. */
static bool is_reported(const finding_list *findings, const char *file, int line) {
  for (size_t i = 0; i < findings->count; i++) {
    const finding *f = &findings->items[i];
    if (strcmp(f->code, "W014") == 0 && f->line == line && strcmp(f->file, file) == 0) return true;
  }

  return false;
}

static void report(search *s, code_place callee) {
  lua_State *L = s->values.L;
  lua_Debug about;
  lua_pushvalue(L, s->values.closure);
  lua_getinfo(L, ">S", &about);
  const policy_file *source =
      policy_files_find(s->sandbox->files, about.source + (about.source[0] == '@'));
  const char *file = source ? source->shown : about.short_src;
  int line = closure_code_line(callee.function, callee.pc);
  if (is_reported(s->findings, file, line)) return;

  const char *action = NULL;
  s->values.steps = 0;
  if (distances_push_value(&s->values, callee)) {
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
  else if (function->place < CODE_MAX_NESTED && distance > DISTANCE_DECISION)
    function->outer->nested[function->place] = (signed char)distance;
  if (!s->findings) return;

  for (size_t pc = 0; pc < function->code_size; pc++) {
    code_instruction i = closure_code_at(function, pc);
    code_place callee = {function, pc, i.a, 0};
    if (i.op == CODE_CALL && i.c == 1 && throws_away(s, callee, i)) report(s, callee);
  }
}

/* Reads every closure of the list; true when the distance of one has changed. */
static bool read_closures(search *s, int closures) {
  lua_State *L = s->values.L;
  bool changed = false;
  lua_Integer count = (lua_Integer)lua_rawlen(L, closures);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, closures, i);
    s->values.closure = lua_gettop(L);
    s->found = DISTANCE_NEVER;
    code_writers_forget(L, s->values.writers);
    closure_code_walk(L, s->values.closure, &s->sandbox->scratch, visit, s);
    lua_pushvalue(L, s->values.closure);
    int known = lua_rawget(L, s->values.distances) == LUA_TNUMBER ? (int)lua_tointeger(L, -1)
                                                                  : DISTANCE_NEVER;
    if (known != s->found) {
      changed = true;
      lua_pushvalue(L, s->values.closure);
      lua_pushinteger(L, s->found);
      lua_rawset(L, s->values.distances);
    }

    lua_settop(L, s->values.closure - 1);
  }

  return changed;
}

void policy_discards_report(lua_State *L, policy_sandbox *sandbox, int closures,
                            finding_list *findings) {
  int top = lua_gettop(L);
  search s = {.values = {.L = L}, .sandbox = sandbox};
  closures = lua_absindex(L, closures);
  luaL_checkstack(L, 16, "reading a policy");
  lua_newtable(L);
  s.values.distances = lua_gettop(L);
  code_writers_open(L);
  s.values.writers = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->environment);
  lua_getfield(L, -1, "pcall");
  s.values.pcall = lua_gettop(L);
  lua_getfield(L, -2, "assert");
  s.values.assertion = lua_gettop(L);

  for (int round = 0; round < ROUNDS_MAX && read_closures(&s, closures); round++) continue;
  s.findings = findings;
  read_closures(&s, closures);
  lua_settop(L, top);
}
