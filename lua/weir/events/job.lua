-- The two parts of a job of kind `mapping`: its content says which work there is to do; its arrival
-- says how it came, and may differ for the same work. The output of a pipeline depends on the
-- content alone.
--
--   job.content(job)   → a copy without the fields of how it arrived
--   job.arrival(job)   → a copy of those alone
local job = {}

-- lua/weir/kinds/mapping.lua documents each of them with "how it arrived: …".
job.ARRIVAL = { "source", "reason", "version", "sequencer", "time" }

local is_arrival = {}
for _, name in ipairs(job.ARRIVAL) do is_arrival[name] = true end

local function copy(fields, arrival)
  local part = {}
  for name, value in pairs(fields) do -- any order: copies one key at a time
    if (is_arrival[name] or false) == arrival and name ~= "action" then part[name] = value end
  end

  return part
end

function job.content(fields) return copy(fields, false) end

function job.arrival(fields) return copy(fields, true) end

return job
