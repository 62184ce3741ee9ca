-- The question before a verb changes something.
--
--   confirm.ask(screen, given, question) → true | false | nil, message, hint
--
-- given.yes (--yes) answers it. Where nobody can be asked it is a mistake of usage, for a verb to
-- return as it is: silence is never a yes.
local native = require "weir.terminal"

local confirm = {}

function confirm.ask(screen, given, question)
  if given.yes then return true end
  if not native.is_terminal(0) then
    return nil, "nobody can be asked: the standard input is not a terminal",
      "give --yes to answer the question beforehand"
  end

  screen.out:flush()
  screen.err:write(question, " [y/N] ")
  screen.err:flush()

  local answer = (io.read("l") or ""):lower()
  return answer == "y" or answer == "yes"
end

return confirm
