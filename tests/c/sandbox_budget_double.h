/* A stand-in for host/sandbox_budget.c: the same contract, as little as these tests need. */
#ifndef WEIR_TEST_SANDBOX_BUDGET_DOUBLE_H
#define WEIR_TEST_SANDBOX_BUDGET_DOUBLE_H

void *sandbox_budget_allocate(void *context, void *block, size_t old_size, size_t new_size) {
  sandbox_budget *budget = context;
  if (!block) old_size = 0;
  if (new_size == 0) {
    free(block);
    budget->memory_used -= old_size;
    return NULL;
  }
  if (new_size > old_size && budget->memory_used + (new_size - old_size) > budget->memory_limit) {
    budget->memory_spent = true;
    return NULL;
  }
  void *result = realloc(block, new_size);
  if (!result) return NULL;
  budget->memory_used += new_size - old_size;
  if (budget->memory_used > budget->memory_peak) budget->memory_peak = budget->memory_used;
  return result;
}

void sandbox_budget_attach(lua_State *L, sandbox_budget *budget) {
  *(sandbox_budget **)lua_getextraspace(L) = budget;
}

static void sandbox_double_count(lua_State *L, lua_Debug *event) {
  (void)event;
  sandbox_charge(L, 1000);
}

void sandbox_budget_start(lua_State *L) {
  sandbox_budget *budget = sandbox_budget_of(L);
  budget->instructions_used = 0;
  budget->instructions_spent = budget->memory_spent = false;
  lua_sethook(L, sandbox_double_count, LUA_MASKCOUNT, 1000);
}

void sandbox_charge(lua_State *L, size_t steps) {
  sandbox_budget *budget = sandbox_budget_of(L);
  int64_t room = budget->instruction_limit - budget->instructions_used;
  budget->instructions_spent |= (uint64_t)steps > (uint64_t)room;
  if (budget->instructions_spent) luaL_error(L, "instruction budget spent");
  budget->instructions_used += (int64_t)steps;
}

bool sandbox_budget_is_spent(lua_State *L) {
  const sandbox_budget *budget = sandbox_budget_of(L);
  return budget->instructions_spent || budget->memory_spent;
}

#endif
