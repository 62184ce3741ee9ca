-- The facts of a trial that goes well, for specs to change; `now` is its time.
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

return { now = NOW, facts = trial }
