-- What can stand in the place of a positional or of an option's value, for every shell.
local candidates = {}

-- words(item) → list of words | nil: a file or a directory, as item.complete says, or anything.
-- item: a positional or an option, as weir.cli.arguments has them.
function candidates.words(item)
  if item.complete == "topic" then return require("weir.cli.help").topics() end
  return item.words or item.values
end

return candidates
