/* "What can trusted Lua call in C?" Here is the whole answer, one line a file. */
#include "registry.h"

/* One entry a line, so that additions merge. */
/* clang-format off */
const luaL_Reg registry_bindings[] = {
    {"weir.body", luaopen_weir_body},
    {"weir.build", luaopen_weir_build},
    {"weir.bytes", luaopen_weir_bytes},
    {"weir.command", luaopen_weir_command},
    {"weir.datagram", luaopen_weir_datagram},
    {"weir.dynamodb", luaopen_weir_dynamodb},
    {"weir.emf", luaopen_weir_emf},
#ifdef WEIR_EMULATOR
    {"weir.emulator", luaopen_weir_emulator},
#endif
#ifdef WEIR_EXPLORE
    {"weir.explore", luaopen_weir_explore},
#endif
    {"weir.files", luaopen_weir_files},
    {"weir.http", luaopen_weir_http},
    {"weir.invocation", luaopen_weir_invocation},
    {"weir.json", luaopen_weir_json},
    {"weir.pattern", luaopen_weir_pattern},
#ifdef WEIR_REPORT
    {"weir.policy_examples", luaopen_weir_policy_examples},
#endif
    {"weir.policy_set", luaopen_weir_policy_set},
    {"weir.process", luaopen_weir_process},
#ifdef WEIR_REPORT
    {"weir.recording", luaopen_weir_recording},
#endif
    {"weir.replay", luaopen_weir_replay},
    {"weir.secret", luaopen_weir_secret},
    {"weir.sha256", luaopen_weir_sha256},
    {"weir.sigv4", luaopen_weir_sigv4},
#ifdef WEIR_SIMULATE
    {"weir.simulate", luaopen_weir_simulate},
#endif
    {"weir.stats", luaopen_weir_stats},
    {"weir.terminal", luaopen_weir_terminal},
    {"weir.text", luaopen_weir_text},
    {"weir.xml", luaopen_weir_xml},
    {NULL, NULL},
};
