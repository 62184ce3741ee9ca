/* Making a sandbox for a policy set. See sandbox.h; loading its files is in load.c,
 * deciding in decide.c, examples in verify.c. */
#include "policy/sandbox.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "core/system/sha256.h"
#include "core/text/shown_text.h"
#include "policy/impl.h"
#include "sandbox/base.h"
#include "sandbox/environment.h"
#include "sandbox/libraries.h"
#include "script/gc_stress.h"
#include "script/seed.h"

const policy_limits policy_limits_default = {
    .instructions = 200 * 1000,
    .load_instructions = 20 * 1000 * 1000,
    .memory = 4 * 1024 * 1024,
    .load_memory = 8 * 1024 * 1024,
};

/* Pushes one table with everything from the bounded libraries. */
static void push_libraries(lua_State *L, policy_sandbox *sandbox) {
  static const luaL_Reg parts[] = {{"string", sandbox_open_string},
                                   {"table", sandbox_open_table},
                                   {"math", sandbox_open_math},
                                   {"utf8", sandbox_open_utf8}};
  sandbox_open_base(L); // libraries
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    parts[i].func(L); // libraries part
    if (i == 0) {
      lua_getfield(L, -1, "format");
      sandbox->format = luaL_ref(L, LUA_REGISTRYINDEX);
    }

    lua_setfield(L, -2, parts[i].name);
  }
}

/* The words table is at index; its functions come from trusted code. */
static void open_kinds(lua_State *L, policy_sandbox *sandbox, int words, int names) {
  size_t count = lua_rawlen(L, names);
  if (count > POLICY_KINDS_MAX) luaL_error(L, "more than %d kinds", POLICY_KINDS_MAX);
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, names, (lua_Integer)i);
    const char *module = lua_pushfstring(L, "weir.kinds.%s", lua_tostring(L, -1));
    policy_trusted_run(L, module, 0, 1);
    lua_replace(L, -3); // name → kind
    lua_pop(L, 1);
    policy_kind_open(L, sandbox, &sandbox->kinds[sandbox->kind_count++], words);
  }
}

static int is_deciding(lua_State *L) {
  lua_pushboolean(L, policy_sandbox_at(L)->question != NULL);
  return 1;
}

/* Adds the words to the libraries, and lets policies have both. */
static void close_environment(lua_State *L, int libraries, int words) {
  for (lua_pushnil(L); lua_next(L, words);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_settable(L, libraries);
  }

  lua_pushcfunction(L, policy_load_require);
  lua_setfield(L, libraries, "require");
  sandbox_close_environment(L, libraries);
}

static int open_sandbox(lua_State *L) {
  policy_sandbox *sandbox = policy_sandbox_at(L);
  push_libraries(L, sandbox);
  int libraries = lua_gettop(L);
  lua_pushvalue(L, libraries);
  sandbox->environment = luaL_ref(L, LUA_REGISTRYINDEX);
  policy_trusted_run(L, "weir.kinds", 0, 1);
  int names = lua_gettop(L);
  lua_pushvalue(L, names);
  sandbox->kind_names = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushvalue(L, names);
  lua_pushcfunction(L, is_deciding);
  policy_trusted_run(L, "weir.sandbox.fields", 0, 1);
  lua_pushvalue(L, -1);
  sandbox->fields = luaL_ref(L, LUA_REGISTRYINDEX);
  policy_trusted_run(L, "weir.sandbox.vocabulary", 3, 2); // … words accepted
  sandbox->accepted = luaL_ref(L, LUA_REGISTRYINDEX);
  int words = lua_gettop(L);
  open_kinds(L, sandbox, words, names);
  lua_newtable(L);
  sandbox->modules = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  sandbox->chunks = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  sandbox->closures = luaL_ref(L, LUA_REGISTRYINDEX);
  close_environment(L, libraries, words);

  return 0;
}

static bool is_policy_file(const policy_sandbox *sandbox, const policy_file *file) {
  if (file->kind[0]) return true; /* perhaps not loaded */
  for (size_t i = 0; i < sandbox->kind_count; i++)
    if (sandbox->kinds[i].policy.file == file) return true;
  return false;
}

/* A policy alone has the digest of its file, as sha256sum prints it; helpers change what a policy
 * does, so with helpers it is a digest over all of them. */
static void set_digests(policy_sandbox *sandbox, finding_list *findings) {
  const policy_files *files = sandbox->files;
  for (size_t k = 0; k < sandbox->kind_count; k++) {
    policy_summary *policy = &sandbox->kinds[k].policy;
    if (!policy->file) continue;
    text_buffer all = {0};
    text_buffer_text(&all, policy->file->digest);
    for (size_t i = 0; i < files->count; i++)
      if (!is_policy_file(sandbox, &files->items[i]))
        text_buffer_format(&all, "\n%s %s", files->items[i].path, files->items[i].digest);
    strcpy(policy->digest, policy->file->digest);
    if (all.failed)
      finding_out_of_memory(findings, files->directory);
    else if (all.size > strlen(policy->file->digest))
      sha256_text(all.data, all.size, policy->digest + 7);
    text_buffer_free(&all);
  }
}

/* What a policy and the helpers mention, whether or not the other policies are loaded. */
static void mention_facts(policy_sandbox *sandbox) {
  const policy_files *files = sandbox->files;
  for (size_t k = 0; k < sandbox->kind_count; k++) {
    policy_kind *kind = &sandbox->kinds[k];
    for (size_t i = 0; kind->policy.file && i < files->count; i++) {
      const policy_file *file = &files->items[i];
      if (file == kind->policy.file || !is_policy_file(sandbox, file))
        facts_mention(&kind->facts, file->text, file->size);
    }
  }
}

static bool any_policy(const policy_sandbox *sandbox) {
  for (size_t i = 0; i < sandbox->kind_count; i++)
    if (sandbox->kinds[i].policy.file) return true;
  return false;
}

static bool open_state(policy_sandbox *sandbox, finding_list *findings) {
  sandbox->budget.blocks = lua_allocator_for_state();
  lua_State *L = sandbox->L =
      script_seed_new_state(sandbox_budget_allocate, &sandbox->budget, SCRIPT_SEED_FIXED);
  lua_allocator_release(sandbox->budget.blocks);
  if (!L) return false;
  gc_stress(L);
  sandbox_budget_attach(L, &sandbox->budget);
  sandbox_budget_start(L);
  lua_pushcfunction(L, open_sandbox);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return true;
  char value[64];
  if (sandbox_budget_is_spent(L) && sandbox->budget.starved)
    finding_error(findings, sandbox->files->directory, 0, "W001", "not enough memory to load it");
  else
    finding_error(findings, sandbox->files->directory, 0, "W011", "the sandbox cannot start: %s",
                  policy_load_error(L, value, sizeof value));
  return false;
}

static policy_sandbox *open_with_limits(const policy_files *files, policy_limits limits,
                                        finding_list *findings) {
  policy_sandbox *sandbox = calloc(1, sizeof *sandbox);
  if (!sandbox) return NULL;
  sandbox->files = files;
  sandbox->limits = limits;
  sandbox->budget.instruction_limit = limits.load_instructions;
  sandbox->budget.memory_limit = limits.load_memory;
  if (open_state(sandbox, findings)) return sandbox;
  policy_sandbox_free(sandbox);

  return NULL;
}

/* All files share one budget: once it is spent, no later one can tell more. A policy of a kind that
 * is not understood would only be misunderstood. */
static void load_files(policy_sandbox *sandbox, bool verified, const char *kind,
                       finding_list *findings) {
  size_t errors = findings->errors;
  policy_own_kinds_load(sandbox, findings);
  bool understood = findings->errors == errors;
  for (size_t i = 0; understood && i < sandbox->files->count; i++) {
    const policy_file *file = &sandbox->files->items[i];
    if (sandbox_budget_is_spent(sandbox->L)) break;
    if (!verified || !policy_left_out(sandbox->files, file, kind))
      policy_load_file(sandbox, file, findings);
  }

  luaL_unref(sandbox->L, LUA_REGISTRYINDEX, sandbox->chunks);
  policy_load_check(sandbox, findings);
}

/* From loading to deciding. */
static void finish(policy_sandbox *sandbox, finding_list *findings) {
  luaL_unref(sandbox->L, LUA_REGISTRYINDEX, sandbox->closures);
  if (findings->errors == 0 && !any_policy(sandbox)) {
    finding_error(findings, sandbox->files->directory, 0, "W005", "no file returns a policy");
    finding_hint(findings, "a policy file ends in: return policy { kind = …, decide = … }");
  }

  set_digests(sandbox, findings);
  mention_facts(sandbox);
  sandbox_budget_change(sandbox->L, sandbox->limits.instructions, sandbox->limits.memory);
}

policy_sandbox *policy_sandbox_new(const policy_files *files, policy_limits limits,
                                   finding_list *findings) {
  policy_sandbox *sandbox = open_with_limits(files, limits, findings);
  if (!sandbox) return NULL;
  load_files(sandbox, false, NULL, findings);
  policy_load_check_discards(sandbox, findings);
  finish(sandbox, findings);

  return sandbox;
}

policy_sandbox *policy_sandbox_new_verified(const policy_files *files, policy_limits limits,
                                            const char *kind, finding_list *findings) {
  policy_sandbox *sandbox = open_with_limits(files, limits, findings);
  if (!sandbox) return NULL;
  load_files(sandbox, true, kind, findings);
  finish(sandbox, findings);

  return sandbox;
}

void policy_sandbox_kinds(const policy_sandbox *sandbox, text_buffer *out) {
  bool first = true;
  text_buffer_byte(out, '[');
  for (size_t i = 0; i < sandbox->kind_count; i++) {
    const text_buffer *declaration = &sandbox->kinds[i].declaration;
    if (declaration->size == 0) continue;
    if (!first) text_buffer_byte(out, ',');
    text_buffer_append(out, declaration->data, declaration->size);
    first = false;
  }

  text_buffer_byte(out, ']');
}

bool policy_sandbox_kinds_of(const policy_files *files, policy_limits limits, text_buffer *out,
                             finding_list *findings) {
  size_t errors = findings->errors;
  unsigned long shortages = text_buffer_shortages();
  policy_sandbox *sandbox = open_with_limits(files, limits, findings);
  if (sandbox) policy_own_kinds_load(sandbox, findings);
  /* A declaration that is cut short would be one of another kind. */
  bool short_of_memory = !sandbox || text_buffer_shortages() != shortages;
  if (short_of_memory && findings->errors == errors)
    finding_out_of_memory(findings, files->directory);
  if (findings->errors == errors) policy_sandbox_kinds(sandbox, out);
  policy_sandbox_free(sandbox);

  return findings->errors == errors;
}

void policy_sandbox_free(policy_sandbox *sandbox) {
  if (!sandbox) return;
  if (sandbox->L) {
    /* Finalizers do not exist in a sandbox; closing runs no policy code. */
    lua_close(sandbox->L);
  }

  for (size_t i = 0; i < sandbox->kind_count; i++) {
    policy_params_free(&sandbox->kinds[i]);
    policy_kind_free(&sandbox->kinds[i]);
  }

  text_buffer_free(&sandbox->scratch);
  text_buffer_free(&sandbox->why);
  free(sandbox);
}

bool policy_sandbox_override(policy_sandbox *sandbox, const char *overrides, size_t size,
                             text_buffer *why) {
  json_scan scan;
  json_span name, value;
  json_scan_begin(&scan, overrides, size);
  if (!json_scan_enter(&scan, JSON_OBJECT)) {
    text_buffer_text(why, "parameters must be one JSON object");
    return false;
  }

  while (json_scan_member(&scan, &name) && json_scan_value(&scan, &value)) {
    bool taken = false;
    for (size_t i = 0; i < sandbox->kind_count; i++) {
      params_override result = policy_params_override(&sandbox->kinds[i], name, value, why);
      if (result == PARAM_REFUSED) return false;
      if (result == PARAM_TAKEN) taken = true;
    }

    if (taken) continue;
    text_buffer_text(why, "no policy has a parameter \"");
    shown_text_append(why, name.at, name.size, SHOWN_NAME_BYTES);
    text_buffer_byte(why, '"');

    return false;
  }

  if (scan.error) text_buffer_format(why, "parameters are not valid JSON: %s", scan.error);

  return !scan.error;
}
