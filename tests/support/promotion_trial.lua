-- The facts of a trial that goes well, for specs to change; `now` is its time. may_grow: a second
-- opinion, for decisions that give a challenger more traffic.
local NOW = 1795165200

local function trial()
  return {
    now = NOW, champion = "old", challenger = "new",
    minutes_since_start = 600, minutes_since_change = 60, good_looks = 1,
    variants = {
      { name = "old", approval = "Approved", weight = 0.9,
        window = { seconds = 36000, requests = 90000, errors = 90 },
        recent = { seconds = 300, requests = 2700, errors = 3, latency_ms = { p99 = 200 } } },
      { name = "new", approval = "Approved", weight = 0.1,
        window = { seconds = 36000, requests = 10000, errors = 10 },
        recent = { seconds = 300, requests = 300, errors = 0, latency_ms = { p99 = 185 } } },
    },
    evidence = {
      method = "always_valid", confidence = 0.95,
      requests = 10000, errors = 10, champion_requests = 90000, champion_errors = 90,
      error_rate = { low = -0.001, high = 0.0004, estimate = 0 },
      successes = 9990, champion_successes = 89910,
      latency = { low = -0.05, high = 0.05, estimate = 0 },
      dispersion = 1,
      step = { requests = 4000, error_rate_low = -0.002, latency_low = -0.2 },
      sample_ratio_p = 0.4, sample_ratio_shift = 0.002,
    },
  }
end

local function variant_named(facts, name)
  for _, variant in ipairs(facts.variants) do
    if variant.name == name then return variant end
  end
end

local function tolerance_of(evidence)
  local requests = evidence.champion_requests or 0
  local rate = requests > 0 and (evidence.champion_errors or 0) / requests or 0
  return math.max(0.0005, math.min(0.5 * rate, 0.005))
end

-- Everything that must be so before traffic grows, with the shipped parameters.
local function may_grow(facts, decision)
  local variant = variant_named(facts, decision.variant)
  local evidence, window = facts.evidence, variant.window
  if facts.order or variant.name ~= facts.challenger or variant.approval ~= "Approved"
    or variant.stage == "failed" or variant.stage == "retired" then
    return false
  end

  if variant.weight == 0 then return decision.action == "ramp" and decision.weight == 0.05 end

  local room = decision.action == "promote" and 1 or math.min(8, 0.5 / decision.weight)
  local broken_split = evidence.sample_ratio_p < 0.001
    and math.abs(evidence.sample_ratio_shift or 1) >= 0.01
  return not (variant.recent and variant.recent.warming)
    and window.requests >= 1000 and window.errors ~= nil
    and facts.minutes_since_change >= (decision.action == "promote" and 1440 or 30)
    and facts.good_looks >= 1 and (facts.minutes_since_start or 0) <= 10080
    and evidence.method == "always_valid" and evidence.confidence >= 0.95 and not broken_split
    and (evidence.dispersion or 1) <= 3
    and evidence.error_rate.low <= evidence.error_rate.high
    and evidence.error_rate.high <= tolerance_of(evidence) * room
    and evidence.latency.low <= evidence.latency.high and evidence.latency.high <= 0.1 * room
end

return { now = NOW, facts = trial, may_grow = may_grow }
