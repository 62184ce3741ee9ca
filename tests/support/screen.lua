-- A screen for verbs that a spec runs in its own process: what they print is kept as text.
--
--   screen.new({ live = boolean }) → as terminal.open gives it, with text_out() and text_err()
--       live: progress is shown, as on a terminal
local terminal = require "weir.cli.terminal"

local screen = {}

-- → a writer, and a function that gives what it wrote
local function collector(descriptor)
  local parts = {}
  local stream = { flush = function() return true end }
  function stream:write(...)
    for _, part in ipairs { ... } do parts[#parts + 1] = part end
    return self
  end

  local writer = terminal.writer(stream, descriptor, { color = "never" })
  writer.live, writer.columns = false, 80
  return writer, function() return table.concat(parts) end
end

function screen.new(options)
  local made = { json = false }
  made.out, made.text_out = collector(1)
  made.err, made.text_err = collector(2)
  made.err.live = options ~= nil and options.live or false

  return made
end

return screen
