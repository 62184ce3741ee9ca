-- content(job) → the job as JSON, without the fields that say how it arrived: which work there is
-- to do, whichever way it came. lua/weir/kinds/mapping.lua documents those fields so.
local json = require "weir.json"
local mapping = require "weir.kinds.mapping"

local IS_ARRIVAL = { action = true }
for _, field in ipairs(mapping.decisions[1].fields) do
  if field.doc:find "^how it arrived: " then IS_ARRIVAL[field.name] = true end
end

assert(IS_ARRIVAL.source and IS_ARRIVAL.sequencer, "the kind says of no field how a job arrived")

return function(job)
  local content = {}
  for name, value in pairs(job) do
    if not IS_ARRIVAL[name] then content[name] = value end
  end

  return json.encode(content, { sort = true })
end
