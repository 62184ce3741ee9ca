-- Latencies as an endpoint would answer, and numbers rounded: everything that goes through a
-- transcendental function is, so that the last bits of a C library never reach a recording.
local evidence = {}

local function rounded(value, digits)
  return tonumber(("%." .. digits .. "g"):format(value))
end

-- A copy of any facts, all numbers with a fraction cut to six digits.
function evidence.rounded(value)
  if math.type(value) == "float" then return rounded(value, 6) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = evidence.rounded(item) end -- any order: a copy
  return setmetatable(copy, getmetatable(value))
end

-- p99 in milliseconds and what goes with it.
function evidence.latency(p99, noise)
  local tail = p99 * (1 + noise * 0.03)
  return {
    mean = rounded(tail * 0.41, 4), p50 = rounded(tail * 0.33, 4), p90 = rounded(tail * 0.62, 4),
    p95 = rounded(tail * 0.78, 4), p99 = rounded(tail, 4),
  }
end

-- Buckets (weir.stats.sketch) of so many latencies: 95 % below the tail, and a tail of which a
-- fifth lies beyond the bucket of p99. Each cell holds the same share of what is left.
local CELLS, LEFT = 80, 0.2 ^ (1 / 40)

function evidence.buckets(count, p99_bucket, random)
  local tail = random:successes(count, 0.05)
  local buckets = { [p99_bucket - 40] = count - tail }
  for cell = 1, CELLS do
    local here = cell == CELLS and tail or random:successes(tail, 1 - LEFT)
    if here > 0 then buckets[p99_bucket - 40 + cell] = here end
    tail = tail - here
    if tail == 0 then break end
  end
  return buckets
end

return evidence
