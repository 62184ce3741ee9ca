-- Milliseconds since it was started, in steps of a thousandth: stopwatch() → function → number > 0.
-- The fine clock can be set back or forward while it runs; where it disagrees with the coarse one,
-- which cannot, the coarse one counts.
local process = require "weir.process"

local TICK_MS, LEAST_MS = 2, 0.001

return function()
  local from_us, from_ms = process.time_us(), process.clock()
  return function()
    local fine, coarse = (process.time_us() - from_us) / 1000, process.clock() - from_ms
    if math.abs(fine - coarse) > TICK_MS then fine = coarse end
    return math.max(fine, LEAST_MS)
  end
end
