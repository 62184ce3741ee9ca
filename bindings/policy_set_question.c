/* See policy_set_question.h. */
#include "policy_set_question.h"

#include <lauxlib.h>
#include <time.h>

#include "binding.h"
#include "core/json/compact.h"
#include "policy/kind.h"
#include "policy_set_tables.h"

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const policy_kind *kind_asked(const policy_set_handle *h, const policy_question *question) {
  return policy_kind_find(policy_set_sandbox(h->set), question->kind, question->kind_size);
}

policy_set_handle *policy_set_question_handle(lua_State *L, const char *signature) {
  policy_set_handle *h = binding_argument_self(L, POLICY_SET_TYPE, signature);
  if (!h->set) luaL_error(L, "this policy set is closed; expected %s", signature);
  return h;
}

void policy_set_question_read(lua_State *L, policy_question *question, const char *signature) {
  question->kind = binding_argument_text(L, 2, &question->kind_size, signature);
  question->facts = binding_argument_text(L, 3, &question->facts_size, signature);
  question->known.compact = json_is_compact(question->facts, question->facts_size);
  question->strict = question->place = true;
}

int policy_set_question_ask(lua_State *L, policy_set_handle *h, policy_question *question,
                            int64_t *eval_us) {
  if (!policy_set_want(h->set, question->kind, question->kind_size))
    return binding_fail(L, policy_outcome_code(POLICY_OUT_OF_MEMORY), "not enough memory");

  int64_t begin = now_ns();
  bool decided = policy_sandbox_decide(policy_set_sandbox(h->set), question, &h->answer);
  *eval_us = (now_ns() - begin) / 1000;
  if (decided) return 0;

  const text_buffer *error = &h->answer.error;
  lua_pushnil(L);
  lua_pushlstring(L, error->data ? error->data : "", error->size);
  lua_pushstring(L, policy_outcome_code(h->answer.outcome));

  return 3;
}

void policy_set_question_push_answer(lua_State *L, const policy_set_handle *h,
                                     const policy_question *question, int64_t eval_us) {
  policy_set_tables_push_answer(L, &h->answer, kind_asked(h, question), eval_us);
}

void policy_set_question_push_entry(lua_State *L, const policy_set_handle *h,
                                    const policy_question *question) {
  policy_set_tables_push_entry(L, &h->answer, kind_asked(h, question));
}

int policy_set_question_push_line(lua_State *L, policy_set_handle *h,
                                  const policy_question *question, decision_origin origin,
                                  int64_t eval_us) {
  int failed = 0;
  if (origin.eval_us < 0) origin.eval_us = eval_us;
  binding_buffer_begin(&h->line);
  if (decision_log_line(kind_asked(h, question), question, &h->answer, &origin, &h->line))
    lua_pushlstring(L, h->line.data, h->line.size);
  else
    failed = binding_fail(L, "InvalidText",
                          "the line cannot be written: id, time and request_id must be UTF-8");
  text_buffer_free(&h->line);

  return failed;
}
