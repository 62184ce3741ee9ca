/* See budget.h.
 *
 * Steps. `lua_steps` counts for the whole thread: Lua adds to it what an instruction does beyond
 * its first step, C functions add what they charge, and count_period adds the instructions, once
 * every `period`. Lua looks at the limit where work is long, count_period and sandbox_charge look
 * at it too.
 *
 * Bytes. Lua's meter counts them as objects are made. A decision makes at most memory_limit of
 * them, so the collector need not run while it decides; sandbox_budget_start collects what earlier
 * decisions left. */
#include "sandbox/budget.h"

#include <lauxlib.h>
#include <stdio.h>

enum {
  PERIOD = 100,         /* short enough for a useful count of small policies */
  MOST_STEPS = 1 << 30, /* of one charge: the count must not wrap around */
  GARBAGE_SHARE = 2,    /* of memory_limit that may pile up */
};

static void count_period(lua_State *L);

static bool is_spent(const sandbox_budget *budget) {
  return budget->instructions_spent || budget->memory_spent;
}

/* Writes the place of the innermost Lua function into text, or nothing. */
static void describe_place(lua_State *L, char *text, size_t size) {
  lua_Debug frame;
  text[0] = '\0';
  for (int level = 0; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0) continue;
    snprintf(text, size, "%s:%d: ", frame.short_src, frame.currentline);
    return;
  }
}

/* From here on every instruction raises, but the host can work: limits would be in its way. */
static void lift_limits(sandbox_budget *budget) {
  budget->meter.steps_limit = UINT64_MAX;
  budget->meter.bytes_limit = SIZE_MAX;
  budget->period = 1;
  lua_countdown(budget->state, 1);
}

static int64_t steps_since_start(const sandbox_budget *budget) {
  return (int64_t)(lua_steps - budget->start);
}

/* Notes which limit is passed, the first time. */
static void spend(sandbox_budget *budget) {
  if (is_spent(budget)) return;
  sandbox_budget_close_price(budget->state);
  char place[LUA_IDSIZE + 16];
  describe_place(budget->state, place, sizeof place);
  budget->memory_spent = budget->meter.bytes > budget->memory_limit;
  budget->instructions_spent = !budget->memory_spent;
  if (budget->memory_spent)
    snprintf(budget->reason, sizeof budget->reason, "%smemory budget of %zu bytes spent", place,
             budget->memory_limit);
  else
    snprintf(budget->reason, sizeof budget->reason, "%sinstruction budget of %lld spent", place,
             (long long)budget->instruction_limit);
  lift_limits(budget);
}

/* Lua's meter calls this over a limit. */
static void spend_and_raise(lua_State *L) {
  spend(sandbox_budget_of(L));
  sandbox_budget_raise(L);
}

/* ---- The system's memory ---- */

/* Lua collects all garbage and asks once more for the same block; when that works, nothing has
 * happened. */
static void note_system_answer(sandbox_budget *budget, const void *block, size_t size,
                               bool refused) {
  bool again = budget->refused_size == size && budget->refused_block == block;
  if (refused) {
    budget->refused_block = block;
    budget->refused_size = size;
    budget->starved = true;
  } else if (again) {
    budget->refused_size = 0;
    budget->starved = false;
  }
}

void *sandbox_budget_allocate(void *context, void *block, size_t old_size, size_t new_size) {
  sandbox_budget *budget = context;
  size_t held = block ? old_size : 0; /* for a new block Lua passes a type tag instead */
  void *fresh = lua_allocator_resize(budget->blocks, block, held, new_size);
  if (!fresh && new_size > held) {
    note_system_answer(budget, block, new_size, true);
    return NULL;
  }

  if (!fresh && new_size > 0) fresh = block; /* Lua relies on shrinking: keep the larger block */
  if (budget->refused_size > 0) note_system_answer(budget, block, new_size, false);
  budget->memory_used += new_size - held; /* wraps around, as it should, when shrinking */

  return fresh;
}

void sandbox_budget_attach(lua_State *L, sandbox_budget *budget) {
  *(sandbox_budget **)lua_getextraspace(L) = budget;
  budget->state = L;
  budget->meter.spent = spend_and_raise;
  budget->meter.counted = count_period;
#ifndef WEIR_GC_STRESS
  lua_gc(L, LUA_GCSTOP);
#endif
}

/* ---- Steps ---- */

/* The period that ends right after the limit, or the usual one if that is nearer. */
static int next_period(const sandbox_budget *budget) {
  int64_t left = budget->instruction_limit - steps_since_start(budget);
  if (left >= PERIOD) return PERIOD;
  return left < 0 ? 1 : (int)left + 1;
}

static void begin_period(sandbox_budget *budget) {
  budget->period = is_spent(budget) ? 1 : next_period(budget);
  lua_countdown(budget->state, budget->period);
}

/* Lua's meter calls this when a period is over. */
static void count_period(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  lua_steps += (uint64_t)budget->period;
  begin_period(budget);
  if (is_spent(budget) || lua_steps > budget->meter.steps_limit) spend_and_raise(L);
}

void sandbox_charge(lua_State *L, size_t steps) {
  sandbox_budget *budget = sandbox_budget_of(L);
  lua_steps += steps < MOST_STEPS ? steps : MOST_STEPS;
  if (budget->running && lua_steps > budget->meter.steps_limit) spend_and_raise(L);
}

void sandbox_charge_bytes(lua_State *L, size_t bytes) {
  sandbox_budget *budget = sandbox_budget_of(L);
  size_t room = SIZE_MAX / 2 - budget->meter.bytes;
  budget->meter.bytes += bytes < room ? bytes : room;
  if (budget->running && budget->meter.bytes > budget->meter.bytes_limit) spend_and_raise(L);
}

/* ---- Starting and stopping ---- */

static void collect_garbage(lua_State *L, sandbox_budget *budget) {
  bool first = budget->collect_above == 0;
  if (!first && budget->memory_used <= budget->collect_above) return;
  if (!first) lua_gc(L, LUA_GCCOLLECT);
  budget->collect_above = budget->memory_used + budget->memory_limit / GARBAGE_SHARE;
}

static void begin_count(sandbox_budget *budget) {
  budget->start = lua_steps;
  budget->meter.bytes = 0;
  budget->meter.bytes_limit = budget->memory_limit;
  budget->meter.steps_limit = budget->start + (uint64_t)budget->instruction_limit;
}

void sandbox_budget_restart(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  if (!is_spent(budget)) begin_count(budget);
}

void sandbox_budget_start(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  collect_garbage(L, budget);
  budget->instructions_spent = budget->memory_spent = budget->starved = budget->priced = false;
  budget->refused_size = 0;
  budget->reason[0] = '\0';
  lua_setmeter(L, &budget->meter);
  begin_count(budget);
  budget->running = true;
  begin_period(budget);
}

void sandbox_budget_stop(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  if (!budget->running) return;
  budget->instructions_used = steps_since_start(budget);
  budget->running = false;
  lua_setmeter(L, NULL);
}

void sandbox_budget_change(lua_State *L, int64_t instruction_limit, size_t memory_limit) {
  sandbox_budget *budget = sandbox_budget_of(L);
  sandbox_budget_stop(L);
  lua_gc(L, LUA_GCCOLLECT);
  budget->instruction_limit = instruction_limit;
  budget->memory_limit = memory_limit;
  budget->collect_above = 0;
}

int64_t sandbox_budget_instructions(const sandbox_budget *budget) {
  return budget->running ? steps_since_start(budget) : budget->instructions_used;
}

size_t sandbox_budget_bytes(const sandbox_budget *budget) {
  return budget->meter.bytes;
}

sandbox_pause sandbox_budget_pause(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  budget->meter.steps_limit = UINT64_MAX;
  budget->meter.bytes_limit = SIZE_MAX;
  return (sandbox_pause){lua_steps, budget->meter.bytes};
}

void sandbox_budget_resume(lua_State *L, sandbox_pause pause) {
  sandbox_budget *budget = sandbox_budget_of(L);
  lua_steps = pause.steps;
  budget->meter.bytes = pause.bytes;
  budget->meter.steps_limit = budget->start + (uint64_t)budget->instruction_limit;
  budget->meter.bytes_limit = budget->memory_limit;
}

void sandbox_budget_open_price(lua_State *L, size_t bytes) {
  sandbox_budget *budget = sandbox_budget_of(L);
  sandbox_charge_bytes(L, bytes);
  budget->priced = true;
  budget->bytes_before = budget->meter.bytes;
  budget->meter.bytes_limit = SIZE_MAX;
}

void sandbox_budget_close_price(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  if (!budget->priced) return;
  budget->priced = false;
  budget->meter.bytes = budget->bytes_before;
  if (!is_spent(budget)) budget->meter.bytes_limit = budget->memory_limit;
}

void sandbox_budget_need_stack(lua_State *L, int slots) {
  if (lua_checkstack(L, slots)) return;
  sandbox_budget_close_price(L);
  if (!sandbox_budget_of(L)->running) luaL_error(L, "stack overflow");
  sandbox_charge_bytes(L, SIZE_MAX);
}

/* ---- What is spent ---- */

bool sandbox_budget_is_spent(lua_State *L) {
  const sandbox_budget *budget = sandbox_budget_of(L);
  return is_spent(budget) || budget->starved;
}

const char *sandbox_budget_reason(lua_State *L) {
  return sandbox_budget_of(L)->reason;
}

int sandbox_budget_raise_shortage(lua_State *L) {
  sandbox_budget_of(L)->starved = true;
  return sandbox_budget_raise(L);
}

int sandbox_budget_raise(lua_State *L) {
  const sandbox_budget *budget = sandbox_budget_of(L);
  if (budget->starved)
    lua_pushnil(L); /* a text needs memory */
  else
    lua_pushstring(L, budget->reason);
  return lua_error(L);
}
