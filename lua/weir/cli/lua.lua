-- weir lua FILE [ARG…]: runs a script in the trusted state, with every weir.* module.
local M = {}

function M.run(arguments)
  local file = arguments[2]
  local script = { [0] = file }
  for i = 3, #arguments do script[i - 2] = arguments[i] end
  _G.arg = script
  local chunk, message = loadfile(file, "t")
  if not chunk then
    io.stderr:write(message, "\n")
    return 3
  end
  chunk(table.unpack(script))
  return 0
end

return M
