/* Facts that stay from one question to the next, but for their numbers and flags: for who asks
 * millions of questions of one shape, reading and decoding the facts would be most of the work.
 *
 * The facts are checked and decoded once, as those of any question. Afterwards only values change
 * places. A policy that changes what it was given does not change the next question: that is looked
 * for after every decision, and then the facts are decoded again.
 *
 * Memory: owned by the caller, released before its sandbox with policy_standing_free. */
#ifndef WEIR_POLICY_STANDING_H
#define WEIR_POLICY_STANDING_H

#include <lua.h>

#include "policy/sandbox.h"

/* Every number and flag that will ever be given must be in the facts of the question. NULL, with
 * the reason in `why`, when they do not fit the kind, or memory is short. */
policy_standing *policy_standing_new(policy_sandbox *sandbox, const policy_question *question,
                                     text_buffer *why);
void policy_standing_free(policy_standing *self);

/* The number of a place, such as "variants.2.window.requests"; POLICY_STANDING_NOWHERE where the
 * facts have no number and no flag. */
size_t policy_standing_place(const policy_standing *self, const char *path);

#define POLICY_STANDING_NOWHERE SIZE_MAX

/* The value from the next decision on. NaN leaves the fact out. Nothing checks that it is in range:
 * the caller's word counts. */
void policy_standing_set(policy_standing *self, size_t place, double value);

/* For decide.c, inside a protected call. Push the facts; make them what they are after the policy
 * had them. */
void policy_standing_push(lua_State *L, policy_standing *self);
void policy_standing_restore(lua_State *L, policy_standing *self);

#endif
