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
}
