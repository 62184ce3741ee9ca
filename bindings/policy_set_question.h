/* Asking a policy set, for the methods of weir.policy_set.
 * Memory: the handle owns the set, one reusable answer and the log line made last. */
#ifndef WEIR_POLICY_SET_QUESTION_H
#define WEIR_POLICY_SET_QUESTION_H

#include <lua.h>

#include "policy/decision_log.h"
#include "policy/set.h"

/* The userdata. Filled with zeros, it holds no set; host/policy/set.h wants the set first. */
typedef struct {
  policy_set *set;
  policy_answer answer;
  text_buffer line;
} policy_set_handle;

/* The open set at index 1. */
policy_set_handle *policy_set_question_handle(lua_State *L, const char *signature);

/* Takes kind and facts from the arguments at 2 and 3. */
void policy_set_question_read(lua_State *L, policy_question *question, const char *signature);

/* Decides, and tells how long that took. On failure pushes nil, message, code and returns 3, else
 * 0. */
int policy_set_question_ask(lua_State *L, policy_set_handle *h, policy_question *question,
                            int64_t *eval_us);

/* Pushes the answer as a table. */
void policy_set_question_push_answer(lua_State *L, const policy_set_handle *h,
                                     const policy_question *question, int64_t eval_us);

/* Pushes the answer as an entry. */
void policy_set_question_push_entry(lua_State *L, const policy_set_handle *h,
                                    const policy_question *question);

/* Pushes the decision-log line of the answer. On failure pushes nil, message, code and returns 3,
 * else 0. */
int policy_set_question_push_line(lua_State *L, policy_set_handle *h,
                                  const policy_question *question, decision_origin origin,
                                  int64_t eval_us);

#endif
