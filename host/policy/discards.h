/* A forgotten `return`: an action, or a function that makes a decision, is called as a statement
 * and its decision thrown away. Found in the code of every function that a policy can reach.
 * Memory: the Lua state's, and the caller's buffers. */
#ifndef WEIR_POLICY_DISCARDS_H
#define WEIR_POLICY_DISCARDS_H

#include "policy/impl.h"

/* Reports W014 for each such call in the functions that are in the list at index `closures`. Calls
 * are followed through variables, fields of tables, functions of the policy, pcall and assert; what
 * cannot be told for certain is passed over. To be called inside a protected call: raises when
 * memory or the budget is spent. */
void policy_discards_report(lua_State *L, policy_sandbox *sandbox, int closures,
                            finding_list *findings);

#endif
