/* The options tables of weir.policy_set. Memory: texts stay alive through the caller's tables, or
 * on the Lua stack. */
#ifndef WEIR_POLICY_SET_OPTIONS_H
#define WEIR_POLICY_SET_OPTIONS_H

#include <lua.h>

#include "policy/decision_log.h"
#include "policy/set.h"

/* The options of load at index, nothing or a table. Leaves the parameters' text on the stack. */
void policy_set_options_read(lua_State *L, int index, const char *signature,
                             policy_set_options *options, json_span *bundle);

/* The text of an option that holds one, or an empty span. */
json_span policy_set_options_text(lua_State *L, int index, const char *name, const char *signature);

/* Where a decision to be recorded comes from: the table at index, or nothing. eval_us is -1 when it
 * is not given. */
decision_origin policy_set_options_origin(lua_State *L, int index, const char *signature);

/* Pushes the table of parameters at index as JSON text, and gives it. Raises when it is not JSON.
 */
const char *policy_set_options_push_params(lua_State *L, int index, size_t *size,
                                           const char *signature);

#endif
