/* Loading the files of a policy set into its sandbox, and `require` between them.
 * See impl.h. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/discards.h"
#include "policy/impl.h"
#include "policy/purity.h"

enum { PATH_CAPACITY = 256 };

/* Notes that a file is being loaded, or no longer is. */
static void mark_module(lua_State *L, int modules, const policy_file *file, bool forget) {
  if (forget)
    lua_pushnil(L);
  else
    lua_pushboolean(L, false);
  lua_setfield(L, modules, file->path);
}

/* The compiler makes objects as well, at a time that depends on which other files are loaded. */
static int load_text(lua_State *L, const policy_file *file, const char *name) {
  unsigned serial = lua_setserial(L, 0);
  int status = luaL_loadbufferx(L, file->text, file->size, name, "t");
  lua_setserial(L, serial);
  return status;
}

/* Pushes the compiled file. */
static void push_chunk(lua_State *L, const policy_file *file) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, policy_sandbox_at(L)->chunks);
  if (lua_getfield(L, -1, file->path) != LUA_TFUNCTION) { /* its turn to be compiled comes later */
    lua_pop(L, 1);
    lua_pushfstring(L, "@%s", file->path); /* a policy can see it */
    if (load_text(L, file, lua_tostring(L, -1)) != LUA_OK) lua_error(L);
    lua_pushvalue(L, -1); // chunks name chunk chunk
    lua_setfield(L, -4, file->path);
    lua_remove(L, -2);
  }

  lua_remove(L, -2);
}

/* Runs a file of the set once and leaves its result on the stack; later calls give the same. */
static void load_file(lua_State *L, const policy_file *file) {
  policy_sandbox *sandbox = policy_sandbox_at(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->modules);
  int modules = lua_gettop(L);
  if (lua_getfield(L, modules, file->path) == LUA_TBOOLEAN && !lua_toboolean(L, -1))
    luaL_error(L, "'%s' requires itself, through others", file->path);
  if (!lua_isnil(L, -1)) {
    lua_remove(L, modules);
    return;
  }

  push_chunk(L, file);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->environment);
  lua_setupvalue(L, -2, 1);
  mark_module(L, modules, file, false);
  unsigned serial = lua_setserial(L, POLICY_LOADED_SERIALS); /* whoever requires it, and when */
  int status = lua_pcall(L, 0, 1, 0);
  lua_setserial(L, serial);
  if (status != LUA_OK) {
    mark_module(L, modules, file, true); /* who catches this and asks again gets the same answer */
    lua_error(L);
  }

  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, true); /* as Lua's own require does */
  }

  lua_pushvalue(L, -1);
  lua_setfield(L, modules, file->path);
  lua_replace(L, modules);
  lua_settop(L, modules);
}

/* require "lib.sizes" → lib/sizes.lua of the policy directory; there is no other place. */
int policy_load_require(lua_State *L) {
  size_t size;
  const char *name = luaL_checklstring(L, 1, &size);
  char path[PATH_CAPACITY];
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (size + sizeof ".lua" > sizeof path || strspn(name, allowed) != size || name[0] == '.' ||
      strstr(name, "..") || size == 0)
    return luaL_error(L,
                      "require: '%s' is not a module name; write require \"lib.sizes\" for "
                      "lib/sizes.lua of the policy directory",
                      name);
  for (size_t i = 0; i <= size; i++) path[i] = name[i] == '.' ? '/' : name[i];
  strcpy(path + size, ".lua");
  const policy_sandbox *sandbox = policy_sandbox_at(L);
  /* What a decision loaded would live on, unfrozen, in the next one. */
  if (sandbox->question)
    return luaL_error(L, "require: call it at the top of the file, not while deciding");
  const policy_file *file = policy_files_find(sandbox->files, path);
  if (!file)
    return luaL_error(L,
                      "require: there is no %s in the policy directory; a policy can only require "
                      "files of its own",
                      path);
  load_file(L, file);
  /* An empty file, or one that is being written: its policy must not be taken for a whole one. */
  if (lua_isboolean(L, -1))
    return luaL_error(L, "require: %s returns nothing; a module ends in return { … }", path);
  return 1;
}

static int run_file(lua_State *L) {
  load_file(L, lua_touserdata(L, 1));
  return 1;
}

/* Runs a file; gives the policy that it returned, as `policy` checked it, nil for a helper, false
 * for a file without a result: its end, or a `return`, must be missing. */
static int load_file_protected(lua_State *L) {
  load_file(L, lua_touserdata(L, 1));
  if (lua_isboolean(L, -1)) {
    lua_pushboolean(L, false);
    return 1;
  }

  lua_rawgeti(L, LUA_REGISTRYINDEX, policy_sandbox_at(L)->accepted);
  lua_insert(L, -2);
  lua_rawget(L, -2);

  return 1;
}

const char *policy_load_error(lua_State *L, char *value, size_t size) {
  if (lua_type(L, -1) == LUA_TSTRING) return lua_tostring(L, -1);
  snprintf(value, size, "(an error value of type %s)", luaL_typename(L, -1));
  return value;
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The messages of `policy` begin with what they are about: "params.size must be made with …". */
static int line_of_subject(const policy_file *file, const char *text) {
  size_t size = 0;
  while (is_letter(text[size])) size++;
  int line = size ? policy_files_line_of(file, text, size) : 0;
  return line ? line : policy_files_line_of(file, "policy", 6);
}

/* Is this the file's name, as Lua shows it? A long one is "..." and its end. */
static bool is_name_of(const policy_file *file, const char *name, size_t size) {
  size_t path = strlen(file->path);
  if (path == size && memcmp(file->path, name, size) == 0) return true;
  if (size <= 3 || memcmp(name, "...", 3) != 0 || path < size - 3) return false;
  return memcmp(file->path + path - (size - 3), name + 3, size - 3) == 0;
}

/* Takes the place that Lua puts in front of a message, "lib/sizes.lua:3: ", away from it; NULL when
 * there is none. */
static const policy_file *take_place(const policy_files *files, const char **text, int *line) {
  const char *colon = strchr(*text, ':');
  if (!colon) return NULL;
  char *rest;
  long number = strtol(colon + 1, &rest, 10);
  if (rest == colon + 1 || strncmp(rest, ": ", 2) != 0) return NULL;
  for (size_t i = 0; i < files->count; i++) {
    if (!is_name_of(&files->items[i], *text, (size_t)(colon - *text))) continue;
    *text = rest + 2;
    *line = (int)number;
    return &files->items[i];
  }

  return NULL;
}

/* Two policies may share what is wrong. */
static bool is_reported(const finding_list *findings, const char *file, int line,
                        const char *text) {
  for (size_t i = 0; i < findings->count; i++) {
    const finding *f = &findings->items[i];
    if (f->line == line && strcmp(f->file, file) == 0 && strcmp(f->message, text) == 0) return true;
  }

  return false;
}

/* An error with its place in the fields for it: in the file that the text names, else in `file`.
 * False when it is there already. */
static bool report_at(finding_list *findings, const policy_files *files, const policy_file *file,
                      int line, const char *code, const char *text) {
  const policy_file *named = take_place(files, &text, &line);
  const char *shown = named ? named->shown : file->shown;
  if (is_reported(findings, shown, line, text)) return false;
  finding_error(findings, shown, line, code, "%s", text);

  return true;
}

void policy_load_report(lua_State *L, const policy_file *file, int status, const char *code,
                        finding_list *findings) {
  char value[64];
  const char *text = policy_load_error(L, value, sizeof value);
  bool spent = sandbox_budget_is_spent(L);
  if (policy_sandbox_at(L)->budget.starved) {
    finding_error(findings, file->shown, 0, "W001", "not enough memory to load it");
    lua_settop(L, 0);
    return;
  }

  if (spent || status == LUA_ERRMEM) {
    code = "W011";
    const char *reason = sandbox_budget_reason(L);
    if (reason[0]) text = reason;
  } else if (strstr(text, "require: ") || strstr(text, "requires itself")) {
    code = "W012";
  }

  int line = strstr(text, ".lua:") ? 0 : line_of_subject(file, text);
  report_at(findings, policy_sandbox_at(L)->files, file, line, code, text);
  lua_settop(L, 0);
}

static int set_chunk(lua_State *L) { /* chunk, file */
  const policy_file *file = lua_touserdata(L, 2);
  lua_rawgeti(L, LUA_REGISTRYINDEX, policy_sandbox_at(L)->chunks);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, file->path);

  return 0;
}

/* Pops the compiled file and keeps it for load_file. */
static int keep_chunk(lua_State *L, const policy_file *file) {
  lua_pushcfunction(L, set_chunk);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, (void *)file);
  return lua_pcall(L, 2, 0, 0);
}

/* Compiling separately tells a syntax error from one while running. */
static bool compiles(lua_State *L, const policy_file *file, finding_list *findings) {
  char *name = NULL;
  if (asprintf(&name, "@%s", file->path) < 0) name = NULL;
  int status = load_text(L, file, name ? name : "=?");
  free(name);
  if (status == LUA_OK) status = keep_chunk(L, file);
  if (status != LUA_OK) policy_load_report(L, file, status, "W003", findings);
  lua_settop(L, 0);

  return status == LUA_OK;
}

bool policy_load_run(policy_sandbox *sandbox, const policy_file *file, finding_list *findings) {
  lua_State *L = sandbox->L;
  if (!compiles(L, file, findings)) return false;
  lua_pushcfunction(L, run_file);
  lua_pushlightuserdata(L, (void *)file);
  int status = lua_pcall(L, 1, 1, 0);
  if (status != LUA_OK) policy_load_report(L, file, status, "W004", findings);

  return status == LUA_OK;
}

typedef struct {
  policy_sandbox *sandbox;
  const policy_file *file;
  finding_list *findings;
  int function; /* registry reference: what is checked for state */
} adoption;

/* The checked policy of a file is argument 1. */
static int adopt(lua_State *L) {
  const adoption *job = lua_touserdata(L, 2);
  lua_getfield(L, 1, "kind");
  size_t size;
  const char *name = lua_tolstring(L, -1, &size);
  policy_kind *kind = (policy_kind *)policy_kind_find(job->sandbox, name, size);
  if (kind->policy.file) {
    finding_error(job->findings, job->file->shown, 0, "W010",
                  "is a second policy of kind %s; %s is the first", kind->name,
                  kind->policy.file->shown);
    return 0;
  }

  lua_pushvalue(L, 1);
  policy_kind_adopt(L, kind, job->file, job->findings);

  return 0;
}

void policy_load_file(policy_sandbox *sandbox, const policy_file *file, finding_list *findings) {
  lua_State *L = sandbox->L;
  if (policy_own_kinds_is_file(file)) return; /* loaded already */
  if (!compiles(L, file, findings)) return;
  bool in_subdirectory = strchr(file->path, '/') != NULL;
  if (in_subdirectory) return; /* a helper: loaded when a policy requires it */
  lua_pushcfunction(L, load_file_protected);
  lua_pushlightuserdata(L, (void *)file);
  int status = lua_pcall(L, 1, 1, 0);
  if (status != LUA_OK) {
    policy_load_report(L, file, status, "W004", findings);
    return;
  }

  if (lua_istable(L, -1)) {
    adoption job = {sandbox, file, findings, LUA_NOREF};
    lua_pushcfunction(L, adopt);
    lua_insert(L, 1);
    lua_pushlightuserdata(L, &job);
    status = lua_pcall(L, 2, 0, 0);
    if (status != LUA_OK) policy_load_report(L, file, status, "W005", findings);
  } else if (lua_isboolean(L, -1)) {
    finding_error(findings, file->shown, 0, "W005", "returns nothing");
    finding_hint(findings, "a policy file ends in: return policy { … }, a helper in: return { … }");
  }

  lua_settop(L, 0);
}

static int find_discards(lua_State *L) {
  policy_sandbox *sandbox = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->closures);
  policy_discards_report(L, sandbox, -1, lua_touserdata(L, 2));
  return 0;
}

static int check_purity(lua_State *L) {
  const adoption *job = lua_touserdata(L, 1);
  text_buffer why = {0};
  lua_rawgeti(L, LUA_REGISTRYINDEX, job->function);
  lua_rawgeti(L, LUA_REGISTRYINDEX, job->sandbox->closures);
  if (!policy_purity_enforce(L, -2, -1, &job->sandbox->scratch, &why)) {
    text_buffer_byte(&why, '\0');
    if (report_at(job->findings, job->sandbox->files, job->file, 0, "W009",
                  why.failed ? "not enough memory" : why.data))
      finding_hint(job->findings, "what a decision needs from others belongs into its facts");
  }

  text_buffer_free(&why);

  return 0;
}

static void check_function(adoption job) {
  lua_State *L = job.sandbox->L;
  lua_pushcfunction(L, check_purity);
  lua_pushlightuserdata(L, &job);
  int status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK) policy_load_report(L, job.file, status, "W009", job.findings);
  lua_settop(L, 0);
}

void policy_load_check(policy_sandbox *sandbox, finding_list *findings) {
  for (size_t i = 0; i < sandbox->kind_count && !sandbox_budget_is_spent(sandbox->L); i++) {
    const policy_kind *kind = &sandbox->kinds[i];
    if (kind->is_own && kind->invariants != LUA_NOREF)
      check_function((adoption){sandbox, kind->declared_in, findings, kind->invariants});
    if (kind->decide != LUA_NOREF)
      check_function((adoption){sandbox, kind->policy.file, findings, kind->decide});
  }
}

void policy_load_check_discards(policy_sandbox *sandbox, finding_list *findings) {
  lua_State *L = sandbox->L;
  const policy_file *last = NULL; /* to blame where the search itself fails */
  for (size_t i = 0; i < sandbox->kind_count; i++)
    if (sandbox->kinds[i].decide != LUA_NOREF) last = sandbox->kinds[i].policy.file;
  if (!last || sandbox_budget_is_spent(L)) return;
  lua_pushcfunction(L, find_discards);
  lua_pushlightuserdata(L, sandbox);
  lua_pushlightuserdata(L, findings);
  int status = lua_pcall(L, 2, 0, 0);
  if (status != LUA_OK) policy_load_report(L, last, status, "W014", findings);
  lua_settop(L, 0);
}
