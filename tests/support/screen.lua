-- A screen for verbs that a spec runs in its own process: what they print is kept as text.
--
--   screen.new({ live = boolean }) → as terminal.open gives it, with text_out() and text_err()
--       live: progress is shown, as on a terminal
local terminal = require "weir.cli.terminal"

local screen = {}

-- Lets the writer write into a list: → a function that gives what it wrote
local function collect(writer)
  local parts = {}
  writer.stream = { flush = function() return true end }
  function writer.stream:write(...)
    for _, part in ipairs { ... } do parts[#parts + 1] = part end
    return self
  end

  writer.live, writer.columns = false, 80
  return function() return table.concat(parts) end
end

function screen.new(options)
  local made = terminal.open { color = "never" }
  made.text_out, made.text_err = collect(made.out), collect(made.err)
  made.err.live = options ~= nil and options.live or false

  return made
end

return screen
