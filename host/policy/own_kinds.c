/* What a policy set declares in its folder kinds/: kinds of its own, and facts that it adds to
 * those of weir. Its files are an operator's: they run in the sandbox, with the budget of loading,
 * and what they return is checked by lua/weir/sandbox/kind_file.lua before it is compiled. See
 * impl.h. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "policy/impl.h"
#include "sandbox/environment.h"

typedef struct {
  policy_sandbox *sandbox;
  const policy_file *file;
  finding_list *findings;
  policy_kind *base; /* the kind of weir's that the file adds to, or NULL */
  char name[64];
} own_file;

/* "pricing" of kinds/pricing.lua; one that is cut is too long for a kind. */
static void read_name(own_file *own) {
  const char *name = own->file->path + strlen(POLICY_KINDS_FOLDER);
  int size = (int)(strlen(name) - strlen(".lua"));
  snprintf(own->name, sizeof own->name, "%.*s", size, name);
  own->base = (policy_kind *)policy_kind_find(own->sandbox, own->name, strlen(own->name));
}

/* Pushes what weir's own file of that kind returns. */
static void push_base(lua_State *L, const own_file *own) {
  const char *module = lua_pushfstring(L, "weir.kinds.%s", own->name);
  policy_trusted_run(L, module, 0, 1);
  lua_remove(L, -2);
}

/* Asks kind_file.lua. The result of the file is at 1, what weir has of that name at 2, the
 * environment at 3; pushes checked, invariants or nil, text, about. */
static void push_checked(lua_State *L, const own_file *own) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, own->sandbox->fields);
  policy_trusted_run(L, "weir.sandbox.kind_file", 1, 1); // … check
  lua_pushvalue(L, 1);
  lua_pushstring(L, own->name);
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 2);
  lua_call(L, 4, 3);
}

/* The text and the name that it is about are on the top of the stack. */
static void refuse(lua_State *L, const own_file *own) {
  size_t size;
  const char *about = lua_tolstring(L, -1, &size);
  int line = about ? policy_files_line_of(own->file, about, size) : 0;
  finding_error(own->findings, own->file->shown, line, "W015", "%s", lua_tostring(L, -2));
}

/* Writes the checked table, at index, as it is shown to others. */
static void keep_declaration(lua_State *L, const own_file *own, policy_kind *kind, int checked) {
  static const schema_field any = {.type = SCHEMA_ANY, .max_size = SIZE_MAX};
  text_buffer why = {0};
  kind->declared_in = own->file;
  lua_pushstring(L, own->file->path);
  lua_setfield(L, checked, "file");

  bool ok = schema_write_json(L, checked, &any, &kind->declaration, &why);
  if (!ok) lua_pushlstring(L, why.data ? why.data : "", why.size);
  text_buffer_free(&why);
  if (!ok) luaL_error(L, "%s", lua_tostring(L, -1));
}

/* Appends the checked facts to those of the base at 2, and gives them to the kind. */
static void add_facts(lua_State *L, policy_kind *kind, int checked) {
  lua_getfield(L, 2, "facts");
  lua_getfield(L, checked, "facts"); // facts more

  lua_Integer count = (lua_Integer)lua_rawlen(L, -2), more = (lua_Integer)lua_rawlen(L, -1);
  if (count + more > SCHEMA_MAX_FIELDS)
    luaL_error(L, "%s would have %d facts; a kind has at most %d", kind->name, (int)(count + more),
               SCHEMA_MAX_FIELDS);

  for (lua_Integer i = 1; i <= more; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -3, count + i);
  }

  lua_pop(L, 1);
  policy_kind_replace_facts(L, kind);
}

/* The table of the new words is on the top of the stack, the environment at 3. */
static void add_words(lua_State *L, const policy_kind *kind) {
  for (size_t i = 0; i < kind->decision_count; i++) {
    lua_getfield(L, -1, kind->decisions[i].action);
    sandbox_add_word(L, 3, kind->decisions[i].action);
  }
}

/* The checked kind and its invariants are at checked and above. */
static void open_kind(lua_State *L, const own_file *own, int checked) {
  policy_sandbox *sandbox = own->sandbox;
  if (sandbox->kind_count == POLICY_KINDS_MAX)
    luaL_error(L, "is one kind too many; with weir's own there are at most %d", POLICY_KINDS_MAX);

  policy_kind *kind = &sandbox->kinds[sandbox->kind_count++];
  kind->is_own = true;
  keep_declaration(L, own, kind, checked);

  lua_pushvalue(L, checked + 1);
  lua_setfield(L, checked, "invariants");

  lua_newtable(L);
  lua_pushvalue(L, checked); // words kind
  policy_kind_open(L, sandbox, kind, -2);
  add_words(L, kind);

  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->kind_names);
  lua_pushstring(L, own->name);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* What the file returned is at 1. */
static int take_over(lua_State *L) {
  const own_file *own = lua_touserdata(L, 2);
  lua_settop(L, 1);

  if (own->base)
    push_base(L, own);
  else
    lua_pushnil(L);

  lua_rawgeti(L, LUA_REGISTRYINDEX, own->sandbox->environment);
  push_checked(L, own); // result base environment checked invariants about
  if (lua_isnil(L, 4)) {
    refuse(L, own);
  } else if (own->base) {
    keep_declaration(L, own, own->base, 4);
    add_facts(L, own->base, 4);
  } else {
    open_kind(L, own, 4);
  }

  return 0;
}

static void load(own_file *own) {
  lua_State *L = own->sandbox->L;
  read_name(own);
  if (!policy_load_run(own->sandbox, own->file, own->findings)) return;

  lua_pushcfunction(L, take_over);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, own);
  int status = lua_pcall(L, 2, 0, 0);
  if (status != LUA_OK) policy_load_report(L, own->file, status, "W015", own->findings);
  lua_settop(L, 0);
}

void policy_own_kinds_load(policy_sandbox *sandbox, finding_list *findings) {
  const policy_files *files = sandbox->files;
  for (size_t i = 0; i < files->count && !sandbox_budget_is_spent(sandbox->L); i++) {
    if (!policy_own_kinds_is_file(&files->items[i])) continue;
    own_file own = {.sandbox = sandbox, .file = &files->items[i], .findings = findings};
    load(&own);
  }
}

/* Of kinds of one name: weir's own, or declared alike. */
static bool are_declared_alike(const policy_kind *a, const policy_kind *b) {
  size_t size = a->declaration.size;
  if (size != b->declaration.size) return false;
  return size == 0 || memcmp(a->declaration.data, b->declaration.data, size) == 0;
}

bool policy_own_kinds_share_facts(policy_kind *kind, const policy_question *question) {
  if (!question->checked_by) return false;
  const policy_kind *other =
      policy_kind_find(question->checked_by, question->kind, question->kind_size);
  if (!other || !are_declared_alike(kind, other)) return false;
  facts_take_over(&kind->facts, &other->facts);

  return true;
}
