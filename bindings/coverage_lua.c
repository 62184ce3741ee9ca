/* See coverage_lua.h. Not in the layer. */
#include "coverage_lua.h"

#include "binding.h"

void coverage_lua_push_branches(lua_State *L, const policy_code *code, const uint64_t *counts) {
  lua_createtable(L, (int)code->condition_count, 0);
  for (size_t i = 0; i < code->condition_count; i++) {
    const policy_condition *c = &code->conditions[i];
    const char *operator= policy_code_operator(c->operator);
    lua_createtable(L, 0, 6); // branches branch
    binding_set_text(L, "file", c->file->shown);
    binding_set_integer(L, "line", c->line);
    if (operator[0]) {
      binding_set_text(L, "operator", operator);
      lua_pushfstring(L, "%s %s %s", c->left.name, operator, c->right.name);
    } else {
      lua_pushstring(L, c->left.name);
    }

    lua_setfield(L, -2, "condition");
    size_t yes = policy_trace_place(code, i, OUTCOME_TRUE);
    size_t no = policy_trace_place(code, i, OUTCOME_FALSE);
    binding_set_integer(L, "yes", (lua_Integer)counts[yes]);
    binding_set_integer(L, "no", (lua_Integer)counts[no]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* Pushes the table of one file's lines, from the table of files on top of the stack. */
static void push_file(lua_State *L, const char *file) {
  if (lua_getfield(L, -1, file) != LUA_TNIL) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, file);
}

/* A line ran as often as the instruction of it that ran most often. The last instruction of a
 * function returns where its `end` stands: that is not a line that anybody wrote. */
void coverage_lua_push_lines(lua_State *L, const policy_code *code, const uint64_t *counts) {
  lua_newtable(L);
  for (size_t i = 0; i < code->function_count; i++) {
    const policy_function *f = &code->functions[i];
    push_file(L, f->file->shown); // files lines
    for (int pc = 0; pc + 1 < f->size; pc++) {
      lua_Integer now = (lua_Integer)counts[f->before + (size_t)pc];
      bool known = lua_rawgeti(L, -1, f->lines[pc]) != LUA_TNIL;
      lua_Integer most = lua_tointeger(L, -1);
      lua_pop(L, 1);
      if (known && most >= now) continue;
      lua_pushinteger(L, now);
      lua_rawseti(L, -2, f->lines[pc]);
    }

    lua_pop(L, 1);
  }
}
