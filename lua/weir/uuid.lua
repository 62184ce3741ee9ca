-- A random UUID (version 4) as text.
local process = require "weir.process"

local VARIANTS = { "8", "9", "a", "b" }

return function()
  local id = assert(process.new_id())
  local variant = VARIANTS[tonumber(id:sub(17, 17), 16) % 4 + 1]
  return ("%s-%s-4%s-%s%s-%s"):format(id:sub(1, 8), id:sub(9, 12), id:sub(14, 16), variant, id:sub(18, 20),
    id:sub(21))
end
