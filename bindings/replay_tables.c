/* See replay_tables.h. */
#include "replay_tables.h"

#include <lauxlib.h>

#include "policy/kind.h"

static void set_text(lua_State *L, const char *name, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

void replay_tables_push_event(lua_State *L, const replay_event *event) {
  static const char *const names[] = {"difference", "failure", "bad line"};
  lua_createtable(L, 0, 16);
  set_text(L, "type", names[event->type]);
  set_integer(L, "line", event->line);
  set_text(L, "id", event->id);
  set_text(L, "kind", event->kind);
  set_text(L, "field", event->field);
  set_text(L, "was", event->was);
  set_text(L, "was_action", event->was_action);
  set_text(L, "was_because", event->was_because);
  set_text(L, "is", event->is);
  set_text(L, "is_action", event->is_action);
  set_text(L, "is_because", event->is_because);
  if (event->file[0]) set_text(L, "policy_file", event->file);
  set_integer(L, event->type == REPLAY_BAD_LINE ? "column" : "policy_line", (uint64_t)event->place);
  set_text(L, "code", event->code);
  set_text(L, "message", event->message);
  lua_pushboolean(L, event->was_failure);
  lua_setfield(L, -2, "was_failure");
}

static void push_actions(lua_State *L, const policy_kind *kind, const uint64_t *counts) {
  size_t action_count = policy_kind_action_count(kind);
  lua_createtable(L, 0, (int)action_count + 1);
  for (size_t i = 0; i < action_count; i++)
    if (counts[i]) set_integer(L, policy_kind_action(kind, i), counts[i]);
  if (counts[REPLAY_ACTIONS]) set_integer(L, "failed", counts[REPLAY_ACTIONS]);
}

static void push_kinds(lua_State *L, const policy_sandbox *sandbox, const replay_counts *counts) {
  lua_newtable(L);
  for (size_t i = 0; i < policy_kind_count(sandbox); i++) {
    const policy_kind *kind = policy_kind_at(sandbox, i);
    lua_createtable(L, 0, 2);
    push_actions(L, kind, counts->was[i]);
    lua_setfield(L, -2, "was");
    push_actions(L, kind, counts->is[i]);
    lua_setfield(L, -2, "is");
    lua_setfield(L, -2, policy_kind_name(kind));
  }
}

static void push_files(lua_State *L, const replay_digest_list *files) {
  lua_createtable(L, (int)files->count, 0);
  for (size_t i = 0; i < files->count; i++) {
    const replay_digest_file *file = &files->items[i];
    lua_createtable(L, 0, 3);
    set_text(L, "name", file->name);
    set_text(L, "recording", file->path);
    set_text(L, "digest", file->digest[0] ? file->digest : NULL);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

void replay_tables_push_summary(lua_State *L, replay *r, const policy_sandbox *sandbox) {
  const replay_counts *counts = replay_counts_of(r);
  char total[REPLAY_DIGEST_BYTES];
  const replay_digest_list *files = replay_finish(r, total);
  if (!files) luaL_error(L, "not enough memory");

  lua_createtable(L, 0, 13);
  set_integer(L, "lines", counts->lines);
  set_integer(L, "decisions", counts->decisions);
  set_integer(L, "identical", counts->identical);
  set_integer(L, "changed", counts->changed);
  set_integer(L, "reworded", counts->reworded);
  set_integer(L, "failed", counts->failed);
  set_integer(L, "bad_lines", counts->bad_lines);
  set_integer(L, "other_lines", counts->other_lines);
  set_text(L, "digest", total[0] ? total : NULL);
  push_files(L, files);
  lua_setfield(L, -2, "files");
  push_kinds(L, sandbox, counts);
  lua_setfield(L, -2, "kinds");
}
