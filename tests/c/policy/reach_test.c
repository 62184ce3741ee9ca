/* Everything a policy can reach, compared with a list that is read in review: what is in its
 * environment, what is in that, and the metatables behind it and behind texts, numbers, functions.
 * After a wanted change: build/dev/tests/policy_reach_test print >
 * tests/support/sandbox_allow_list.txt */
#include "core/text/text_buffer.h"
#include "policy/impl.h"
#include "policy/sandbox.h"
#include "sandbox/order.h"
#include "support/sandbox_fixture.h"

#include <stdlib.h>

typedef struct {
  lua_State *L;
  int seen;
  text_buffer list;
} reach;

static void visit(reach *r, const char *path);

/* The table on the top; its fields are called `path.field`. */
static void visit_fields(reach *r, const char *path) {
  lua_State *L = r->L;
  int contents = lua_gettop(L);
  sandbox_push_all_keys(L, contents);
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= count; i++) {
    char field[200];
    lua_rawgeti(L, contents + 1, i);
    if (lua_type(L, -1) == LUA_TSTRING)
      snprintf(field, sizeof field, "%s%s%s", path, *path ? "." : "", lua_tostring(L, -1));
    else
      snprintf(field, sizeof field, "%s[%s]", path, luaL_typename(L, -1));
    lua_rawget(L, contents);
    visit(r, field);
  }

  lua_pop(L, 1);
}

/* What the metatable of the table on the top, if any, does when the policy uses the table. */
static void visit_metatable(reach *r, const char *path) {
  char name[200];
  if (!lua_getmetatable(r->L, -1)) return;
  snprintf(name, sizeof name, "%s<metatable>", *path ? path : "_ENV");
  visit(r, name);
}

static bool see(reach *r, int value) {
  lua_State *L = r->L;
  lua_pushvalue(L, value);
  bool seen = lua_rawget(L, r->seen) != LUA_TNIL;
  lua_pushvalue(L, value);
  lua_pushboolean(L, true);
  lua_rawset(L, r->seen);
  lua_pop(L, 1);

  return seen;
}

/* Pops the value on the top. */
static void visit(reach *r, const char *path) {
  lua_State *L = r->L;
  luaL_checkstack(L, 20, "walking");
  int value = lua_gettop(L), type = lua_type(L, value);
  bool skip = type >= LUA_TTABLE && see(r, value);
  if (*path && !skip) text_buffer_format(&r->list, "%s %s\n", path, lua_typename(L, type));
  if (type == LUA_TTABLE && !skip) {
    visit_fields(r, path);
    visit_metatable(r, path);
  }

  lua_settop(L, value - 1);
}

/* The values that share one metatable for their whole type. */
static void visit_types(reach *r) {
  lua_State *L = r->L;
  lua_pushliteral(L, "");
  lua_pushinteger(L, 0);
  lua_pushboolean(L, 0);
  lua_pushnil(L);
  lua_pushcfunction(L, sandbox_open_base);
  lua_pushlightuserdata(L, L);
  for (int i = 0; i < 6; i++) {
    char name[40];
    snprintf(name, sizeof name, "every %s", luaL_typename(L, -1));
    visit_metatable(r, name);
    lua_pop(L, 1);
  }
}

/* The list for a sandbox as policies run in; to be freed. */
static char *list_everything(void) {
  static const policy_files no_files = {.directory = (char *)"policies"};
  finding_list findings = {0};
  policy_sandbox *policies = policy_sandbox_new(&no_files, policy_limits_default, &findings);
  assert_non_null(policies);
  lua_State *L = policies->L;
  sandbox_budget_start(L);
  lua_newtable(L);
  reach r = {.L = L, .seen = lua_gettop(L)};
  lua_rawgeti(L, LUA_REGISTRYINDEX, policies->environment);
  visit(&r, "");
  visit_types(&r);
  lua_pop(L, 1);
  policy_sandbox_free(policies);
  finding_list_free(&findings);
  text_buffer_byte(&r.list, '\0');

  return r.list.data;
}

static void only_what_is_listed_is_reachable(void **state) {
  (void)state;
  char *found = list_everything();
  FILE *file = fopen(WEIR_TESTS_DIR "/support/sandbox_allow_list.txt", "r");
  assert_non_null(file);
  text_buffer allowed = {0};
  for (int c; (c = getc(file)) != EOF;) text_buffer_byte(&allowed, (char)c);
  fclose(file);
  text_buffer_byte(&allowed, '\0');
  assert_string_equal(found, allowed.data);
  text_buffer_free(&allowed);
  free(found);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "print") == 0) {
    char *list = list_everything();
    fputs(list, stdout);
    free(list);
    return 0;
  }

  const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_is_listed_is_reachable)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
