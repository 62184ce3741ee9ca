/* The options table of policy_set.load. Memory: texts stay alive on the Lua stack. */
#ifndef WEIR_POLICY_SET_OPTIONS_H
#define WEIR_POLICY_SET_OPTIONS_H

#include <lua.h>

#include "policy/set.h"

/* Reads what is at index, nothing or a table; raises for an unknown key or a bad value. `bundle` is
 * the caller's to read. */
void policy_set_options_read(lua_State *L, int index, const char *signature,
                             policy_set_options *options);

/* The text of an option that holds one, or an empty span. */
json_span policy_set_options_json(lua_State *L, int index, const char *name);

/* Pushes the table of parameters at index as JSON text, and gives it. Raises when it is not JSON.
 */
const char *policy_set_options_push_params(lua_State *L, int index, size_t *size);

#endif
