/* set:trace(kind, facts[, params]) → answer | nil, message, code, trace
 *
 * A decision as set:decide makes it, and what it did. The answer has these members beside its own;
 * of a failed decision they are the fourth result. Facts and params are JSON texts.
 *
 *   lines        {[file] = {[line] = how often it ran}}: every line with code that the kind's
 * policy can run, 0 for one that did not branches     list of {file=, line=, condition="a < b",
 * yes=, no=}: every condition in that code, and how often it held and did not comparisons  list, in
 * the order of evaluation, of {branch=index in branches, left=, right=, outcome=}; an operand is
 * {name=, type=, value=}; a condition without an operator has no right; one that raised an error
 * has no outcome lost         how many comparisons were left out for their number; nil for none
 *
 * `operator` of a branch is "==", "<", "<=", ">" or ">="; nil where the condition is one value.
 * Memory: a userdata owns the trace until it is a table. */
#ifndef WEIR_POLICY_SET_TRACE_H
#define WEIR_POLICY_SET_TRACE_H

#include <lua.h>

/* Adds the method to the type of policy sets. */
void policy_set_trace_register(lua_State *L);

#endif
