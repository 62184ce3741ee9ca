/* What code ran, as Lua tables: for set:trace and weir.explore.
 * Memory: Lua values, copies of everything. */
#ifndef WEIR_COVERAGE_LUA_H
#define WEIR_COVERAGE_LUA_H

#include <lua.h>

#include "policy/trace.h"

/* Push the tables `lines` and `branches`, as policy_set_trace.h describes them, of counts as
 * policy_trace_counts gives them. */
void coverage_lua_push_lines(lua_State *L, const policy_code *code, const uint64_t *counts);
void coverage_lua_push_branches(lua_State *L, const policy_code *code, const uint64_t *counts);

#endif
