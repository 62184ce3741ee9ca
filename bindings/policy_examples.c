/* weir.policy_examples: the examples of a policy set, for whoever runs them one by one. Loading a
 * set has run them all already, unless it was told verify=false.
 *
 *   read(set) → list of {kind=, number=, given=, params=, expect=}
 *       number: from 1, in the policy's list; given, params and expect are JSON objects, expect is
 *       what the decision must have. Instead of them one that cannot be asked has problem=.
 *
 * Memory: a userdata owns the texts of the example that is being read. */
#include "binding.h"
#include "policy/example.h"
#include "policy/set.h"
#include "registry.h"

static const char EXAMPLE[] = "weir.policy_examples.example";

static const char READ_SIGNATURE[] = "weir.policy_examples.read(set)";

static int lua_policy_examples_gc(lua_State *L) {
  policy_example_free(binding_argument_self(L, EXAMPLE, "an example"));
  return 0;
}

static void set_buffer(lua_State *L, const char *name, const text_buffer *text) {
  binding_set_bytes(L, name, text->data ? text->data : "", text->size);
}

static void push_example(lua_State *L, const policy_kind *kind, size_t number, bool ok,
                         const policy_example *example) {
  lua_createtable(L, 0, 5);
  binding_set_text(L, "kind", policy_kind_name(kind));
  binding_set_integer(L, "number", (lua_Integer)number);
  if (!ok) {
    set_buffer(L, "problem", &example->why);
    return;
  }

  set_buffer(L, "given", &example->facts);
  set_buffer(L, "params", &example->params);
  set_buffer(L, "expect", &example->expect);
}

static int lua_policy_examples_read(lua_State *L) {
  policy_set **handle = luaL_testudata(L, 1, POLICY_SET_TYPE);
  if (!handle || !*handle) binding_check_refuse(L, 1, NULL, "a policy set", READ_SIGNATURE);
  policy_sandbox *sandbox = policy_set_sandbox(*handle);

  policy_example *example = binding_owner_push(L, EXAMPLE, sizeof *example, 0);
  lua_newtable(L); // set example list
  lua_Integer count = 0;
  for (size_t i = 0; i < policy_kind_count(sandbox); i++) {
    const policy_kind *kind = policy_kind_at(sandbox, i);
    const policy_summary *policy = policy_kind_policy(kind);
    for (size_t number = 1; policy && number <= policy->example_count; number++) {
      bool ok = policy_example_read(sandbox, kind, number, example);
      binding_expect_memory(L, !example->short_of_memory);
      push_example(L, kind, number, ok, example);
      lua_rawseti(L, -2, ++count);
    }
  }

  return 1;
}

int luaopen_weir_policy_examples(lua_State *L) {
  static const luaL_Reg metamethods[] = {BINDING_METAMETHOD(policy_examples, gc), BINDING_END};
  static const luaL_Reg functions[] = {BINDING_FUNCTION(policy_examples, read), BINDING_END};
  binding_type_register(L, EXAMPLE, metamethods, NULL);
  luaL_newlib(L, functions);

  return 1;
}
