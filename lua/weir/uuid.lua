-- A random UUID (version 4, the variant of RFC 9562) as text: 120 of its bits are random.
local process = require "weir.process"

return function()
  local id = assert(process.new_id())
  return ("%s-%s-4%s-8%s-%s"):format(id:sub(1, 8), id:sub(9, 12), id:sub(14, 16),
    id:sub(18, 20), id:sub(21))
end
