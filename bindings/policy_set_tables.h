/* The Lua tables that weir.policy_set answers with: findings, an answer, a set's policies and
 * files.
 * Memory: Lua values, copies of everything. */
#ifndef WEIR_POLICY_SET_TABLES_H
#define WEIR_POLICY_SET_TABLES_H

#include <lua.h>

#include "core/policy_files/finding.h"
#include "policy/kind.h"

/* List of {file=, line=, column=, severity=, code=, message=, hint=}. */
void policy_set_tables_push_findings(lua_State *L, const finding_list *findings);

/* {action=, decision=, because=, file=, line=, params=, overrides=, instructions=, bytes=,
 * eval_us=}. */
void policy_set_tables_push_answer(lua_State *L, const policy_answer *answer,
                                   const policy_kind *kind, int64_t eval_us);

/* {kind=, action=, because=, fields=, file=, line=, params_json=}, with room for two more; fields
 * is the whole decision as a value. */
void policy_set_tables_push_entry(lua_State *L, const policy_answer *answer,
                                  const policy_kind *kind);

/* List of {kind=, name=, file=, digest=, params=, examples=, worst=}. */
void policy_set_tables_push_policies(lua_State *L, const policy_sandbox *sandbox);

/* The list of policy_sandbox_kinds, from its JSON. Raises when memory was too short for the text.
 */
void policy_set_tables_push_kinds(lua_State *L, const text_buffer *json);

/* List of {path=, file=, text=}. */
void policy_set_tables_push_sources(lua_State *L, const policy_files *files);

/* List of the paths that policy_files_list gives. */
void policy_set_tables_push_paths(lua_State *L, const char *directory);

#endif
