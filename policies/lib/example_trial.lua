-- The examples of promotion.lua: the facts of a trial that goes well, with a few of them changed.

-- `errors` of false leaves the count out.
local function trial(change)
  local errors = change.errors
  if errors == nil then errors = 3 end
  return {
    now = 1795165200, champion = "old", challenger = "new", order = change.order,
    minutes_since_start = change.minutes_since_start or 600,
    minutes_since_change = change.minutes_since_change or 60,
    good_looks = change.good_looks or 1,
    variants = {
      { name = "old", approval = "Approved", weight = 0.9,
        window = { seconds = 36000, requests = 90000, errors = 90 },
        recent = { seconds = 300, requests = 2700, errors = change.champion_errors or 3 } },
      { name = "new", approval = change.approval or "Approved", weight = change.weight or 0.1,
        stage = change.stage,
        window = { seconds = 36000, requests = change.requests or 10000, errors = errors or nil },
        recent = { seconds = 300, requests = not change.silent and 300 or nil,
          errors = not change.silent and (change.recent_errors or 0) or nil,
          warming = change.warming, latency_ms = { p99 = change.p99 or 160 } } },
    },
    evidence = {
      method = change.method or "always_valid", confidence = 0.95,
      requests = 10000, errors = 10, champion_requests = 90000, champion_errors = 90,
      error_rate = { low = change.low or -0.001, high = change.high or 0.0004, estimate = 0 },
      successes = 9990, champion_successes = 89910,
      latency = { low = change.slower or -0.05, high = change.slowest or 0.05, estimate = 0 },
      dispersion = change.dispersion or 1,
      step = { requests = 4000, error_rate_low = change.step_low or -0.002, latency_low = -0.2 },
      sample_ratio_p = change.sample_ratio_p or 0.4, sample_ratio_shift = change.shift or 0.002,
      sample_ratio_minutes = change.uneven_minutes,
    },
  }
end

local DAY = 1440

return {
  list = {
    -- It goes well: step by step, a second look at each, a day at the last.
    { given = trial { weight = 0 }, expect = { action = "ramp", weight = 0.05 } },
    { given = trial {}, expect = { action = "ramp", weight = 0.2 } },
    { given = trial { good_looks = 0 }, expect = { action = "hold", good_looks = 1 } },
    { given = trial { weight = 0.4 }, expect = { action = "ramp", weight = 0.5 } },
    { given = trial { weight = 0.5 }, expect = { action = "hold", good_looks = 2 } },
    { given = trial { weight = 0.5, minutes_since_change = DAY },
      expect = { action = "promote", variant = "new" } },

    -- A step to a small share leaves more open than promotion does.
    { given = trial { high = 0.0012 }, expect = "ramp" },
    { given = trial { high = 0.0012, weight = 0.5, minutes_since_change = DAY }, expect = "hold" },
    { given = trial { slowest = 0.2 }, expect = "ramp" },
    { given = trial { slowest = 0.2, weight = 0.5, minutes_since_change = DAY }, expect = "hold" },

    -- Something is missing. No data is not zero errors.
    { given = trial { requests = 588 }, expect = { action = "hold", requests = 412 } },
    { given = trial { errors = false }, expect = "hold" },
    { given = trial { errors = 0 }, expect = "ramp" },
    { given = trial { silent = true }, expect = "hold" },
    { given = trial { approval = "PendingManualApproval" }, expect = "hold" },
    { given = trial { approval = "PendingManualApproval", weight = 0 }, expect = "hold" },
    { given = trial { minutes_since_change = 10 }, expect = "hold" },
    { given = trial { warming = true, recent_errors = 300 }, expect = "hold" },
    { given = trial { method = "fixed_horizon" }, expect = "hold" },
    { given = trial { dispersion = 4 }, expect = "hold" },
    { given = trial { sample_ratio_p = 0.0005, shift = -0.05 }, expect = "hold" },
    { given = trial { sample_ratio_p = 0.0005, shift = -0.005 }, expect = "ramp" },

    -- It is worse, or broken.
    { given = trial { low = 0.003, high = 0.004 },
      expect = { action = "rollback", variant = "new", to = "old" } },
    { given = trial { step_low = 0.003 }, expect = "rollback" },
    { given = trial { slower = 0.11, slowest = 0.3 }, expect = "rollback" },
    { given = trial { recent_errors = 60 }, expect = "rollback" },
    { given = trial { recent_errors = 60, champion_errors = 400 }, expect = "hold" },
    { given = trial { sample_ratio_p = 0, shift = -0.05, uneven_minutes = 120 },
      expect = "rollback" },
    { given = trial { approval = "Rejected" }, expect = "rollback" },
    { given = trial { stage = "failed" }, expect = "rollback" },
    { given = trial { minutes_since_start = 10081 }, expect = "rollback" },
    { given = trial { order = { action = "rollback" }, errors = false }, expect = "rollback" },
    { given = { now = 0, champion = "old", variants = { { name = "old" } } }, expect = "hold" },
  },
}
