/* What the files of weir.replay share: events and the summary as tables (see replay.c).
 * Memory: the tables hold copies. */
#ifndef WEIR_BINDINGS_REPLAY_TABLES_H
#define WEIR_BINDINGS_REPLAY_TABLES_H

#include <lua.h>

#include "replay/replay.h"

/* Pushes one event. */
void replay_tables_push_event(lua_State *L, const replay_event *event);

/* Ends the replay and pushes its summary, all but `unreadable`; the sandbox names kinds and
 * actions. Raises when memory is short. */
void replay_tables_push_summary(lua_State *L, replay *r, const policy_sandbox *sandbox);

/* Adds `combine` to the table on top. */
void replay_combine_add(lua_State *L);

#endif
