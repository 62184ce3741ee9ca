-- How long each stage of an object took, of the times at which it was
--
--   written ─► delivered ─► started ─► decided ─► processed
--
--   latency.measure(times) → {
--     measured = { stage → ms },
--     missing = list of stages,                  one of whose times is not known
--     disagreeing = list of { stage =, ms = } }  that two clocks measured, which disagree
--   latency.STAGES   their names, in order; the last is end_to_end, from written to processed
--   latency.RESOLUTION   what readers have to know of `written`, as a sentence
--
-- times: name → epoch milliseconds, absent where it is not known. A stage that ends before it
-- begins was measured by two clocks. So was one that took longer than all stages together. Where
-- any time is before an earlier one, nothing is said of end_to_end.
local json = require "weir.json"

local latency = {
  STAGES = { "delivery", "start", "decision", "output", "end_to_end" },
  RESOLUTION = "S3 tells when an object was written in whole seconds: delivery and end_to_end may "
    .. "be a second too long.",
}

local TIMES = { "written", "delivered", "started", "decided", "processed" }

local function between(times, from, to)
  return times[from] and times[to] and times[to] - times[from]
end

-- The largest step back between any two times that are known; 0 where there is none.
local function largest_step_back(times)
  local latest, step = nil, 0
  for _, name in ipairs(TIMES) do
    local at = times[name]
    if at and latest then step = math.min(step, at - latest) end
    if at then latest = math.max(latest or at, at) end
  end

  return step
end

local function measure_whole(found, whole, step)
  if not whole then
    found.missing[#found.missing + 1] = "end_to_end"
  elseif step == 0 and #found.disagreeing == 0 then
    found.measured.end_to_end = whole
  elseif whole < 0 or #found.disagreeing == 0 then
    table.insert(found.disagreeing, { stage = "end_to_end", ms = whole < 0 and whole or step })
  end
end

function latency.measure(times)
  local found = { measured = {}, missing = json.array {}, disagreeing = json.array {} }
  local whole = between(times, "written", "processed")
  local most = whole and whole >= 0 and whole or math.huge
  for i = 1, #TIMES - 1 do
    local stage, ms = latency.STAGES[i], between(times, TIMES[i], TIMES[i + 1])
    local is_of_two_clocks = i <= 2
    if not ms then
      found.missing[#found.missing + 1] = stage
    elseif ms < 0 or is_of_two_clocks and ms > most then
      found.disagreeing[#found.disagreeing + 1] = { stage = stage, ms = ms }
    else
      found.measured[stage] = ms
    end
  end

  measure_whole(found, whole, largest_step_back(times))

  return found
end

return latency
