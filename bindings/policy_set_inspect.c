/* See policy_set_inspect.h; bindings/policy_set.c documents the methods.
 * Memory: texts are made in buffers that the collector frees. */
#include "policy_set_inspect.h"

#include <lauxlib.h>

#include "binding.h"
#include "core/policy_files/policy_bundle.h"
#include "policy_set_question.h"
#include "policy_set_tables.h"

static int lua_policy_set_policies(lua_State *L) {
  policy_set_handle *h = policy_set_question_handle(L, "set:policies()");
  policy_set_tables_push_policies(L, policy_set_sandbox(h->set));
  return 1;
}

static int lua_policy_set_kinds(lua_State *L) {
  policy_set_handle *h = policy_set_question_handle(L, "set:kinds()");
  text_buffer *json = binding_buffer_push(L);
  policy_sandbox_kinds(policy_set_sandbox(h->set), json);
  policy_set_tables_push_kinds(L, json);

  return 1;
}

static int lua_policy_set_digest(lua_State *L) {
  policy_set_handle *h = policy_set_question_handle(L, "set:digest()");
  lua_pushstring(L, policy_set_files(h->set)->digest);
  return 1;
}

static int lua_policy_set_directory(lua_State *L) {
  policy_set_handle *h = policy_set_question_handle(L, "set:directory()");
  lua_pushstring(L, policy_set_files(h->set)->directory);
  return 1;
}

static int lua_policy_set_is_verified(lua_State *L) {
  policy_set_handle *h = policy_set_question_handle(L, "set:is_verified()");
  lua_pushboolean(L, policy_set_is_verified(h->set));
  return 1;
}

static int lua_policy_set_sources(lua_State *L) {
  policy_set_handle *h = policy_set_question_handle(L, "set:sources()");
  policy_set_tables_push_sources(L, policy_set_files(h->set));
  return 1;
}

static const char BUNDLE_SIGNATURE[] = "set:bundle([{stamp=boolean?}])";

static int lua_policy_set_bundle(lua_State *L) {
  static const char *const keys[] = {"stamp", NULL};
  const policy_file *culprit = NULL;
  policy_set_handle *h = policy_set_question_handle(L, BUNDLE_SIGNATURE);
  lua_settop(L, 2);
  bool stamped = binding_check_options(L, 2, keys, BUNDLE_SIGNATURE) &&
                 binding_check_boolean(L, 2, "stamp", false, BUNDLE_SIGNATURE);

  policy_stamp stamp = policy_set_stamp(h->set);
  text_buffer *text = binding_buffer_push(L);
  if (!policy_bundle_write(policy_set_files(h->set), stamped ? &stamp : NULL, text, &culprit))
    return binding_fail(L, "InvalidText", "%s cannot be bundled: %s",
                        culprit ? culprit->shown : "the set",
                        culprit ? "it is not UTF-8 text" : "not enough memory");

  binding_buffer_finish(L, text);
  return 1;
}

void policy_set_inspect_register(lua_State *L) {
  static const luaL_Reg methods[] = {
      BINDING_FUNCTION(policy_set, policies),    BINDING_FUNCTION(policy_set, kinds),
      BINDING_FUNCTION(policy_set, digest),      BINDING_FUNCTION(policy_set, directory),
      BINDING_FUNCTION(policy_set, is_verified), BINDING_FUNCTION(policy_set, sources),
      BINDING_FUNCTION(policy_set, bundle),      BINDING_END};
  luaL_getmetatable(L, POLICY_SET_TYPE);
  lua_getfield(L, -1, "__index"); // type methods
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, methods, 1);
  lua_pop(L, 2);
}
