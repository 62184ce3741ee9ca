-- Counts and comparisons as a handler would gather them: always-valid intervals, the sample ratio
-- check, latency percentiles. Everything that goes through a transcendental function is rounded,
-- so that the last bits of a C library never reach a recording.
local evidence = {}

local ALPHA, TUNING = 0.05, 5000

local function rounded(value, digits)
  return tonumber(("%." .. digits .. "g"):format(value))
end

-- Half the width of the always-valid interval of a mean (Waudby-Smith and others, arXiv
-- 2103.06476, equation 9) for `count` observations of this variance.
local function half_width(count, variance)
  local term = -2 * math.log(ALPHA)
  local rho2 = (term + math.log(term + 1)) / TUNING
  local growth = count * rho2 + 1
  return math.sqrt(variance * 2 * growth / (count * count * rho2) * math.log(math.sqrt(growth) / ALPHA))
end

local function difference(treated, control)
  local a, b = treated.errors / treated.requests, control.errors / control.requests
  local count = treated.requests + control.requests
  -- With few errors the plain variance is too good to be true: one more error each is assumed.
  local va = (treated.errors + 1) / (treated.requests + 1)
  local vb = (control.errors + 1) / (control.requests + 1)
  local variance = va * (1 - va) / treated.requests + vb * (1 - vb) / control.requests
  local half = half_width(count, count * variance)
  return { low = rounded(a - b - half, 5), high = rounded(a - b + half, 5) }
end

-- Chi-square of one degree of freedom through the complementary error function (Abramowitz and
-- Stegun 7.1.26).
local function sample_ratio_p(treated, control, share)
  local count = treated.requests + control.requests
  local expected = count * share
  local gap = treated.requests - expected
  local x = math.sqrt(gap * gap / expected + gap * gap / (count - expected)) / math.sqrt(2)
  local t = 1 / (1 + 0.3275911 * x)
  local poly = 1.061405429 * t - 1.453152027
  for _, term in ipairs { 1.421413741, -0.284496736, 0.254829592, 0 } do poly = poly * t + term end
  return math.max(0, math.min(1, rounded(poly * math.exp(-x * x), 4)))
end

-- slower: by how much the challenger's p99 really differs, as a fraction; noise from -1 to 1.
function evidence.compare(treated, control, share, slower, noise)
  if treated.requests == 0 or control.requests == 0 or share <= 0 or share >= 1 then return nil end
  local half = 4 / math.sqrt(treated.requests)
  local seen = slower + noise * half / 4
  return {
    method = "always_valid", confidence = 1 - ALPHA,
    error_rate = difference(treated, control),
    latency = { low = rounded(seen - half, 4), high = rounded(seen + half, 4) },
    sample_ratio_p = sample_ratio_p(treated, control, share),
  }
end

-- p99 in milliseconds and what goes with it.
function evidence.latency(p99, noise)
  local tail = p99 * (1 + noise * 0.03)
  return {
    mean = rounded(tail * 0.41, 4), p50 = rounded(tail * 0.33, 4), p95 = rounded(tail * 0.78, 4),
    p99 = rounded(tail, 4),
  }
end

return evidence
