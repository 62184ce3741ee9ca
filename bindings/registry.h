/* Every C module that trusted Lua can require, in one list. */
#ifndef WEIR_REGISTRY_H
#define WEIR_REGISTRY_H

#include <lauxlib.h>

int luaopen_weir_body(lua_State *L);       /* body.c */
int luaopen_weir_build(lua_State *L);      /* build.c */
int luaopen_weir_bytes(lua_State *L);      /* bytes.c */
int luaopen_weir_command(lua_State *L);    /* command.c */
int luaopen_weir_datagram(lua_State *L);   /* datagram.c */
int luaopen_weir_dynamodb(lua_State *L);   /* dynamodb.c */
int luaopen_weir_emf(lua_State *L);        /* emf.c */
int luaopen_weir_emulator(lua_State *L);   /* emulator.c; not in builds without WEIR_EMULATOR */
int luaopen_weir_explore(lua_State *L);    /* explore.c */
int luaopen_weir_files(lua_State *L);      /* files.c */
int luaopen_weir_http(lua_State *L);       /* http.c */
int luaopen_weir_invocation(lua_State *L); /* invocation.c */
int luaopen_weir_json(lua_State *L);       /* json.c */
int luaopen_weir_pattern(lua_State *L);    /* pattern.c */
int luaopen_weir_policy_examples(lua_State *L); /* policy_examples.c */
int luaopen_weir_policy_set(lua_State *L);      /* policy_set.c */
int luaopen_weir_process(lua_State *L);         /* process.c */
int luaopen_weir_recording(lua_State *L);       /* recording.c */
int luaopen_weir_replay(lua_State *L);          /* replay.c */
int luaopen_weir_secret(lua_State *L);          /* secret.c */
int luaopen_weir_sha256(lua_State *L);          /* sha256.c */
int luaopen_weir_sigv4(lua_State *L);           /* sigv4.c */
int luaopen_weir_simulate(lua_State *L);        /* simulate.c */
int luaopen_weir_stats(lua_State *L);           /* stats.c */
int luaopen_weir_terminal(lua_State *L);        /* terminal.c */
int luaopen_weir_text(lua_State *L);            /* text.c */
int luaopen_weir_xml(lua_State *L);             /* xml.c */

/* Module name and opener; ends with a NULL name. */
extern const luaL_Reg registry_bindings[];

#endif
