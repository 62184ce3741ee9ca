/* See replay_tables.h. */
#include "replay_tables.h"

#include "binding.h"
#include "policy/kind.h"

void replay_tables_push_event(lua_State *L, const replay_event *event) {
  static const char *const names[] = {"difference", "failure", "bad line", "same"};
  lua_createtable(L, 0, 18);
  binding_set_text(L, "type", names[event->type]);
  binding_set_integer(L, "line", (lua_Integer)event->line);
  binding_set_text(L, "id", event->id);
  binding_set_text(L, "kind", event->kind);
  binding_set_text(L, "field", event->field);
  binding_set_text(L, "was", event->was);
  binding_set_text(L, "was_action", event->was_action);
  binding_set_text(L, "was_because", event->was_because);
  binding_set_text(L, "is", event->is);
  binding_set_text(L, "is_action", event->is_action);
  binding_set_text(L, "is_because", event->is_because);
  if (event->file[0]) binding_set_text(L, "policy_file", event->file);
  binding_set_integer(L, event->type == REPLAY_BAD_LINE ? "column" : "policy_line", event->place);
  binding_set_text(L, "code", event->code);
  binding_set_text(L, "message", event->message);
  binding_set_text(L, "time", event->time);
  binding_set_text(L, "facts", event->facts);
  binding_set_boolean(L, "was_failure", event->was_failure);
}

static void push_actions(lua_State *L, const policy_kind *kind, const uint64_t *counts) {
  size_t action_count = policy_kind_action_count(kind);
  lua_createtable(L, 0, (int)action_count + 1);
  for (size_t i = 0; i < action_count; i++)
    if (counts[i]) binding_set_integer(L, policy_kind_action(kind, i), (lua_Integer)counts[i]);
  if (counts[REPLAY_ACTIONS]) binding_set_integer(L, "failed", (lua_Integer)counts[REPLAY_ACTIONS]);
}

static void push_kinds(lua_State *L, const policy_sandbox *sandbox, const replay_counts *counts) {
  lua_newtable(L);
  for (size_t i = 0; i < policy_kind_count(sandbox); i++) {
    const policy_kind *kind = policy_kind_at(sandbox, i);
    lua_createtable(L, 0, 2);              // kinds kind
    push_actions(L, kind, counts->was[i]); // kinds kind actions
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
    binding_set_text(L, "name", file->name);
    binding_set_text(L, "recording", file->path);
    binding_set_text(L, "digest", file->digest[0] ? file->digest : NULL);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

void replay_tables_push_summary(lua_State *L, replay *r, const policy_sandbox *sandbox) {
  const replay_counts *counts = replay_counts_of(r);
  char total[REPLAY_DIGEST_BYTES];
  const replay_digest_list *files = replay_finish(r, total);
  binding_expect_memory(L, files != NULL);

  lua_createtable(L, 0, 13);
  binding_set_integer(L, "lines", (lua_Integer)counts->lines);
  binding_set_integer(L, "decisions", (lua_Integer)counts->decisions);
  binding_set_integer(L, "identical", (lua_Integer)counts->identical);
  binding_set_integer(L, "changed", (lua_Integer)counts->changed);
  binding_set_integer(L, "reworded", (lua_Integer)counts->reworded);
  binding_set_integer(L, "failed", (lua_Integer)counts->failed);
  binding_set_integer(L, "bad_lines", (lua_Integer)counts->bad_lines);
  binding_set_integer(L, "other_lines", (lua_Integer)counts->other_lines);
  binding_set_text(L, "digest", total[0] ? total : NULL);
  push_files(L, files);
  lua_setfield(L, -2, "files");
  push_kinds(L, sandbox, counts);
  lua_setfield(L, -2, "kinds");
}
