-- Mutants that change nothing that anybody can see, each with the reason, so that they are not
-- drawn again. An entry is { path=, was=, is=, reason= }, the lines as `./dev mutate` prints them.
-- Review one as you would review code: most survivors are missing tests.
return {
  {
    path = "host/sandbox/format.c",
    was = 'char *found = strcmp(local, ".") == 0 ? NULL : strstr(item, local);',
    is = 'char *found = strcmp(local, ".") == -1 ? NULL : strstr(item, local);',
    reason = "where the locale's point is \".\", it is then replaced by itself",
  },
  {
    path = "host/core/policy_files/policy_bundle.c",
    was = 'if (asprintf(&file->shown, "%s/%s", self->name, file->path) < 0) file->shown = NULL;',
    is = 'if (asprintf(&file->shown, "%s/%s", self->name, file->path) < -1) file->shown = NULL;',
    reason = "the C library itself leaves a null pointer when memory is short",
  },
  {
    path = "host/emulator/emulator.c",
    was = "if (made->signals >= 0 && open_ports(made)) return made;",
    is = "if (made->signals > 0 && open_ports(made)) return made;",
    reason = "descriptors 0 to 2 are open in a process that has standard streams",
  },
  {
    path = "host/core/system/datagram.c",
    was = "found->ai_addrlen) < 0)",
    is = "found->ai_addrlen) <= 0)",
    reason = "a datagram is sent whole, and none is empty",
  },
  {
    path = "host/sandbox/utf8.c",
    was = "return 1;",
    is = "return 0;",
    reason = "the library is opened by a call in C, which takes what is on the stack",
  },
  {
    path = "host/sandbox/environment.c",
    was = "if (lua_type(L, -1) == LUA_TTABLE && lua_type(L, -2) == LUA_TSTRING) {",
    is = "if (lua_type(L, -1) == LUA_TTABLE && lua_type(L, -3) == LUA_TSTRING) {",
    reason = "every name of what a policy may use is a text, as is the name that it asked for",
  },
  {
    path = "host/core/runtime_api/runtime_api.c",
    was = "if (first && !limited && !wait_for(api, POLLIN)) return -1;",
    is = "if (first && limited && !wait_for(api, POLLIN)) return -1;",
    reason = "the reading below waits as well, as long and for the same; one system call more",
  },
  {
    path = "host/core/http/client.c",
    was = ".connect_timeout_ms = 3100,",
    is = ".connect_timeout_ms = 3101,",
    reason = "nobody sees a thousandth of a second while a connection is tried",
  },
  {
    path = "host/core/stats/draws.c",
    was = "if (log(v * alpha / (a / (us * us) + b)) <= log_mass_ratio(n, p, m, k)) return k;",
    is = "if (log(v * alpha / (a / (us * us) + b)) < log_mass_ratio(n, p, m, k)) return k;",
    reason = "two logarithms of unlike numbers are never equal to the last bit",
  },
  {
    path = "lua/weir/sorted_pairs.lua",
    was = "if a_type ~= b_type then return RANKS[a_type] < RANKS[b_type] end",
    is = "if a_type ~= b_type then return RANKS[a_type] <= RANKS[b_type] end",
    reason = "no two types have the same rank",
  },
  {
    path = "host/policy/trace.c",
    was = "return (size_t)(((uintptr_t)code >> 4) * 0x9e3779b97f4a7c15u >> 32) & self->slot_mask;",
    is = "return 0;",
    reason = "where a search of the slots begins only decides how long it takes",
  },
  {
    path = "lua/weir/lint/syntax.lua",
    was = 'return ""',
    is = "return nil",
    reason = "Lua names a line of the text, and each has been looked at before",
  },
  {
    path = "lua/weir/inference/traffic_change.lua",
    was = "if math.abs(variant.asked - shares[variant.name]) > SAME then return false end",
    is = "if math.abs(variant.asked - shares[variant.name]) >= SAME then return false end",
    reason = "SAME is far below a share that anybody asks for; which side it is on is nothing",
  },
  {
    path = "bindings/json_encode.c",
    was = "self.pooled = 0;",
    is = "self.pooled = 1;",
    reason = "one place of the pool stays empty",
  },
  {
    path = "bindings/secret_walk.c",
    was = "int items = (int)lua_rawlen(L, table), count = 0;",
    is = "int items = (int)lua_rawlen(L, table), count = -1;",
    reason = "the count is a guess of the room that the next table needs",
  },
  {
    path = "host/emulator/timeout.c",
    was = "environment->kill_us = INT64_MAX; /* it is killed, and only has to be reaped */",
    is = "; /* it is killed, and only has to be reaped */",
    reason = "until it is reaped, a killed process is killed again, which does nothing",
  },
  {
    path = "lua/weir/lint/needs.lua",
    was = "return i <= (METHODS[name] or 0) and name or nil",
    is = "return i <= (METHODS[name] or -1) and name or nil",
    reason = "arguments are counted from 1, so none is among the first 0, nor the first -1",
  },
}
