/* See budget.h.
 *
 * Instructions. The hook fires every `period` VM instructions, so the count of a decision depends
 * on its code alone. VM instructions are not all cheap (`s .. s` copies a megabyte, an insertion
 * may rehash a table), so the allocator charges large blocks as well. It does so only for blocks
 * whose size the policy's code alone determines: the Lua stack and the table of strings also
 * reflect earlier decisions, and counting them would make the same facts report other counts.
 *
 * Lua counts, in lua_work, what single instructions do beyond a constant: steps along keys that
 * collide, and bytes of long texts that are compared (deploy/lua/patches/05-work.patch). It is
 * charged wherever the budget is looked at: by the hook, by charges of C functions and by the
 * allocator.
 *
 * Memory. When the allocator refuses, Lua collects all garbage and asks once more for the same
 * block. Only the second refusal spends the budget; earlier decisions' garbage never does. */
#include "sandbox/budget.h"

#include <stdio.h>

enum {
  /* Short enough for a useful count of small policies; the call costs 5 % of 100 instructions. */
  HOOK_PERIOD = 100,
  CHARGED_BLOCK = 1024, /* smaller blocks cost about as much as the instruction itself */
  BYTES_PER_STEP = 16,
  WORK_PER_STEP = 8, /* what Lua counts as work takes a few nanoseconds */
  /* A policy that lives just under its limit must not have all its memory walked again at every
   * allocation: not often for less than this share of the limit. */
  POOR_SHARE = 8,
  MAX_POOR_RESCUES = 16,
};

static void count_period(lua_State *L, lua_Debug *event);

/* lua_sethook touches no Lua memory, so that the allocator may call this too. */
static void raise_at_next_instruction(sandbox_budget *budget) {
  budget->period = 1;
  if (budget->state) lua_sethook(budget->state, count_period, LUA_MASKCOUNT, 1);
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

static void spend_instructions(sandbox_budget *budget) {
  if (!budget->instructions_spent && !budget->memory_spent) {
    char place[LUA_IDSIZE + 16];
    describe_place(budget->state, place, sizeof place);
    snprintf(budget->reason, sizeof budget->reason, "%sinstruction budget of %lld spent", place,
             (long long)budget->instruction_limit);
  }
  budget->instructions_spent = true;
  raise_at_next_instruction(budget);
}

/* may_look: the call stack is in order, so that the place can be read. */
static void spend_memory(sandbox_budget *budget, bool may_look) {
  if (!budget->instructions_spent && !budget->memory_spent) {
    char place[LUA_IDSIZE + 16] = "";
    if (may_look && budget->state) describe_place(budget->state, place, sizeof place);
    snprintf(budget->reason, sizeof budget->reason, "%smemory budget of %zu bytes spent", place,
             budget->memory_limit);
  }
  budget->memory_spent = true;
  raise_at_next_instruction(budget);
}

static bool fits(const sandbox_budget *budget, size_t more) {
  return budget->memory_used <= budget->memory_limit &&
         more <= budget->memory_limit - budget->memory_used;
}

/* Lua is about to collect all garbage to stay within the limit; false when that happened too often
 * for too little. */
static bool count_rescue(sandbox_budget *budget) {
  if (budget->allocated < budget->memory_limit / POOR_SHARE) budget->poor_rescues++;
  budget->allocated = 0;
  return budget->poor_rescues <= MAX_POOR_RESCUES;
}

/* Returns NULL, for the allocator. */
static void *refuse(sandbox_budget *budget, const void *block, size_t new_size) {
  bool again = budget->refused_size == new_size && budget->refused_block == block;
  budget->refused_block = block;
  budget->refused_size = new_size;
  bool final = again || new_size > budget->memory_limit || !count_rescue(budget);
  /* Only while Lua moves its stack are the call frames unreadable; that is never a new block. */
  if (final) spend_memory(budget, block == NULL);
  return NULL;
}

static bool is_power_of_two(size_t value) {
  return (value & (value - 1)) == 0;
}

/* Is this block the policy's doing alone? A string, told by its tag; a table's array or hash part,
 * told by its size of 2^n values or nodes (nodes are 24 bytes: 3 * 2^n); or an array kept at its
 * size, the mark of a rehash. The Lua stack never has such a size but by rare chance. */
static bool is_charged(size_t held, size_t tag, size_t new_size) {
  if (new_size < CHARGED_BLOCK) return false;
  if (held > 0) return held == new_size;
  return tag == LUA_TSTRING || is_power_of_two(new_size) ||
         (new_size % 3 == 0 && is_power_of_two(new_size / 3));
}

static void charge_work(sandbox_budget *budget) {
  budget->instructions_used += (int64_t)(lua_work / WORK_PER_STEP);
  lua_work %= WORK_PER_STEP;
}

static void charge_block(sandbox_budget *budget, size_t size) {
  charge_work(budget);
  budget->instructions_used += (int64_t)(size / BYTES_PER_STEP);
  if (budget->instructions_used > budget->instruction_limit) raise_at_next_instruction(budget);
}

void *sandbox_budget_allocate(void *context, void *block, size_t old_size, size_t new_size) {
  sandbox_budget *budget = context;
  size_t held = block ? old_size : 0; /* for a new block Lua passes a type tag instead */
  if (new_size == 0) {
    lua_allocator_resize(budget->blocks, block, held, 0);
    budget->memory_used -= held;
    return NULL;
  }
  if (new_size > held && !fits(budget, new_size - held)) {
    if (!budget->memory_spent) budget->starved = false;
    return refuse(budget, block, new_size);
  }
  void *fresh = lua_allocator_resize(budget->blocks, block, held, new_size);
  if (!fresh) {
    if (new_size > held) {
      budget->starved = true;
      return refuse(budget, block, new_size);
    }
    fresh = block; /* Lua relies on shrinking: keep the larger block */
  }
  if (budget->refused_size == new_size && budget->refused_block == block) {
    budget->refused_size = 0;
    if (!budget->memory_spent) budget->starved = false;
  }
  if (new_size > held) budget->allocated += new_size - held;
  budget->memory_used += new_size - held; /* wraps around, as it should, when shrinking */
  if (budget->memory_used > budget->memory_peak) budget->memory_peak = budget->memory_used;
  size_t charged = is_charged(held, old_size, new_size) ? new_size : 0;
  if (charged > 0 || lua_work >= WORK_PER_STEP) charge_block(budget, charged);
  return fresh;
}

void sandbox_budget_attach(lua_State *L, sandbox_budget *budget) {
  *(sandbox_budget **)lua_getextraspace(L) = budget;
  budget->state = L;
}

/* The period that ends right after the limit, or the usual one if that is nearer. */
static int next_period(const sandbox_budget *budget) {
  int64_t left = budget->instruction_limit - budget->instructions_used;
  if (left >= HOOK_PERIOD) return HOOK_PERIOD;
  return left < 0 ? 1 : (int)left + 1;
}

static void count_period(lua_State *L, lua_Debug *event) {
  (void)event;
  sandbox_budget *budget = sandbox_budget_of(L);
  charge_work(budget);
  budget->instructions_used += budget->period;
  bool over = budget->instructions_used > budget->instruction_limit;
  if (over) spend_instructions(budget);
  if (over || budget->memory_spent) sandbox_budget_raise(L);
  int period = next_period(budget);
  if (period != budget->period) {
    budget->period = period;
    lua_sethook(L, count_period, LUA_MASKCOUNT, period);
  }
}

void sandbox_budget_start(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  lua_work = 0;
  budget->instructions_used = 0;
  budget->memory_peak = budget->memory_used;
  budget->instructions_spent = false;
  budget->memory_spent = false;
  budget->starved = false;
  budget->poor_rescues = 0;
  budget->allocated = 0;
  budget->refused_size = 0;
  budget->reason[0] = '\0';
  budget->period = next_period(budget);
  lua_sethook(L, count_period, LUA_MASKCOUNT, budget->period);
}

void sandbox_charge(lua_State *L, size_t steps) {
  sandbox_budget *budget = sandbox_budget_of(L);
  charge_work(budget);
  int64_t left = budget->instruction_limit - budget->instructions_used;
  if (left >= 0 && steps <= (size_t)left) {
    budget->instructions_used += (int64_t)steps;
    return;
  }
  /* The whole request counts, unless that would overflow. */
  if (steps > (size_t)(INT64_MAX / 2)) steps = (size_t)(INT64_MAX / 2);
  if (left > 0) budget->instructions_used += (int64_t)steps;
  spend_instructions(budget);
  sandbox_budget_raise(L);
}

bool sandbox_make_room(lua_State *L, size_t bytes) {
  sandbox_budget *budget = sandbox_budget_of(L);
  if (fits(budget, bytes)) return true;
  if (bytes > budget->memory_limit) return false;
  if (!count_rescue(budget)) {
    spend_memory(budget, true);
    sandbox_budget_raise(L);
  }
  lua_gc(L, LUA_GCCOLLECT);
  return fits(budget, bytes);
}

bool sandbox_budget_is_spent(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  /* Refused and never granted: the failed call is a luaL_Buffer's, which asks only once. */
  if (budget->refused_size != 0 && !budget->memory_spent) spend_memory(budget, true);
  return budget->instructions_spent || budget->memory_spent;
}

const char *sandbox_budget_reason(lua_State *L) {
  return sandbox_budget_of(L)->reason;
}

int sandbox_budget_raise_shortage(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  budget->starved = true;
  spend_memory(budget, true);
  return sandbox_budget_raise(L);
}

int sandbox_budget_raise(lua_State *L) {
  lua_pushstring(L, sandbox_budget_reason(L));
  return lua_error(L);
}
