-- How much more traffic a question takes, if the rates stay what they are.
--
-- A rise d is ruled out once the deviance D(d) exceeds the boundary b(m) of m effective events.
-- With c times the counts both D and m are c times what they are, so what is wanted is the c with
-- c·D = b(c·m). Errors are taken as Poisson, which is right within a few percent below 5 %.

local CLOCK, CAP = 10, 1000 -- the boundary's clock; beyond CAP times the traffic nobody waits

-- The natural logarithm, from operations that give the same digits on every machine.
local function ln(x)
  local root = x ^ 0.03125
  local y = (root - 1) / (root + 1)
  local square = y * y
  return 64 * y * (1 + square * (1 / 3 + square * (1 / 5 + square * (1 / 7 + square / 9))))
end

-- The factor c of the counts; nil beyond the cap. b(m) is as host/core/stats/error_interval.h has
-- it, and grows so slowly that a few rounds are enough.
local function growth(deviance, events, alpha)
  local twice, factor = 2 * ln(alpha), 1
  for _ = 1, 12 do
    local m = events * factor
    local wanted = (1 + CLOCK / m) * (ln(1 + m / CLOCK) - twice) / deviance
    if wanted > CAP then return nil end
    if math.abs(wanted - factor) < 0.01 * factor then return math.max(1, wanted) end
    factor = wanted
  end
  return factor
end

local function loss(count, expected)
  if count == 0 then return expected end
  return count * ln(count / expected) + expected - count
end

-- By which factor the counts must grow until a rise of the error rate by `rise` is ruled out.
-- Nil: never, because the estimate is no better, or not within reach.
local function errors(evidence, rise)
  local n1, x1 = evidence.requests, evidence.errors
  local n0, x0 = evidence.champion_requests, evidence.champion_errors
  if not (n1 and x1 and n0 and x0 and n1 > 0 and n0 > 0) then return nil end
  if x1 / n1 - x0 / n0 >= rise then return nil end

  -- The champion's rate that fits best when the challenger's is higher by the rise.
  local half = ((n1 + n0) * rise - x1 - x0) / 2
  local t0 = (math.sqrt(half * half + (n1 + n0) * x0 * rise) - half) / (n1 + n0)
  local t1 = t0 + rise
  local deviance = 2 * (loss(x1, n1 * t1) + loss(x0, n0 * t0))
  local least = math.min(n1, n0)
  local dispersion = evidence.dispersion or 1
  return growth(deviance / dispersion, least * least * (t1 / n1 + t0 / n0) / dispersion,
    1 - (evidence.confidence or 0.95))
end

-- The same for a relative rise of p99. The upper half of the interval shrinks as the root of
-- boundary over traffic.
local function latency(evidence, rise)
  local found, n1, n0 = evidence.latency, evidence.successes, evidence.champion_successes
  if not (found and found.high and found.estimate and n1 and n0) then return nil end
  if found.estimate >= rise or n1 <= 0 or n0 <= 0 then return nil end

  local least, alpha = math.min(n1, n0), 1 - (evidence.confidence or 0.95)
  local events = least * least * 0.0099 * (1 / n1 + 1 / n0) / (found.dispersion or 1)
  local half = ln((1 + found.high) / (1 + found.estimate))
  local gap = ln((1 + rise) / (1 + found.estimate))
  local now = (1 + CLOCK / events) * (ln(1 + events / CLOCK) - 2 * ln(alpha))
  return growth(now * (gap / half) * (gap / half), events, alpha)
end

return { errors = errors, latency = latency }
