-- The facts of a trial that goes well, for specs to change; `now` is its time.
local NOW = 1795165200

local function trial()
  return {
    now = NOW, champion = "old", challenger = "new",
    variants = {
      { name = "old", approval = "Approved", weight = 0.9,
        window = { seconds = 3600, requests = 27000, errors = 30, latency_ms = { p99 = 200 } } },
      { name = "new", approval = "Approved", weight = 0.1,
        window = { seconds = 3600, requests = 3000, errors = 3, latency_ms = { p99 = 190 } },
        recent = { seconds = 300, requests = 250, errors = 0, latency_ms = { p99 = 185 } } },
    },
    evidence = {
      method = "always_valid", confidence = 0.95, sample_ratio_p = 0.4,
      error_rate = { low = -0.002, high = 0.001 }, latency = { low = -0.02, high = 0.04 },
    },
  }
end

return { now = NOW, facts = trial }
