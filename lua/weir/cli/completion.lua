-- weir completion SHELL: the shell completion, written from the verbs' declarations.
local SHELLS = { "bash", "zsh", "fish" }

return {
  name = "completion",
  summary = "print the shell completion",
  description = {
    [[Prints a completion script: verbs, options with their values, kinds, handlers, files. Load
      it once per shell, or from the shell's start file. cmake --install puts the three where
      their shells look for them.]],
  },
  positionals = { { name = "SHELL", doc = "bash, zsh or fish", words = SHELLS } },
  exits = { { 0, "fine" }, { 2, "no completion for that shell" } },
  examples = {
    { "source <(weir completion bash)", "complete verbs, options and files in this shell" },
    { "source <(weir completion zsh)", "the same in zsh" },
    { "weir completion fish | source", "the same in fish" },
  },
  run = function(given, screen)
    for _, shell in ipairs(SHELLS) do
      if given.SHELL == shell then
        screen.out:write(require("weir.completion." .. shell).script(require "weir.cli"))
        return 0
      end
    end

    return nil, ("no completion for '%s'"):format(given.SHELL),
      "there is one for bash, zsh and fish"
  end,
}
