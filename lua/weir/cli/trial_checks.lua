-- One look at a trial, check by check: what the facts say of each thing that a promotion depends
-- on, measured against the parameters that were in force. It explains a decision and makes none:
-- the policy may weigh these differently, and its own reason stands beside them.
--
--   checks.of(facts, params) → { [name] = { tone =, text = }, … } for the names of checks.LIST
--   tone: good (in its favour), bad (against it), warn (cannot be trusted),
--         open (cannot be told yet)
local stats = require "weir.stats"
local text = require "weir.cli.trial_text"

local checks = {}

checks.LIST = {
  { name = "guard", title = "Guard" },
  { name = "harm", title = "Harm" },
  { name = "split", title = "Sample ratio" },
  { name = "minimum", title = "Minimum" },
  { name = "errors", title = "Errors" },
  { name = "p99", title = "p99" },
}

-- Two-sided, so that each end is at z = 3.29: what the shipped policy asks of a guard.
local GUARD_CONFIDENCE = 0.999

-- Parameters that a recording lacks are those of the shipped policy.
local DEFAULTS = {
  max_error_rate = 0.05, max_p99_ms = 10000, guard_requests = 50, p99_requests = 760,
  sample_ratio_p = 0.001, sample_ratio_shift = 0.01, latency_tolerance = 0.1,
  error_tolerance_relative = 0.5, error_tolerance_min = 0.0005, error_tolerance_max = 0.005,
  min_requests = 1000, min_minutes = 30,
}

function checks.variant(facts, name)
  for _, variant in ipairs(facts.variants or {}) do
    if variant.name == name then return variant end
  end
end

local function param(params, name) return params[name] or DEFAULTS[name] end

local function is_counted(window)
  return window and window.requests and window.requests > 0 and window.errors
    and window.errors <= window.requests
end

-- The rise of the error rate that is not worse, as a fraction: a parameter of its own, or relative
-- to the champion's rate. nil when that is not known.
function checks.error_tolerance(facts, params)
  if params.error_tolerance then return params.error_tolerance end
  local evidence = facts.evidence or {}
  local requests, errors = evidence.champion_requests, evidence.champion_errors
  if not (requests and errors and requests > 0) then return nil end

  return math.max(param(params, "error_tolerance_min"),
    math.min(errors / requests * param(params, "error_tolerance_relative"),
      param(params, "error_tolerance_max")))
end

function checks.latency_tolerance(params) return param(params, "latency_tolerance") end

local function check(tone, format, ...) return { tone = tone, text = format:format(...) } end

-- The checks -------------------------------------------------------------------------------------

-- At least half as often, or as often as chance may have it.
local function fails_too(old, new, low)
  if not is_counted(old) then return false end
  local _, high = stats.wilson(old.errors, old.requests, GUARD_CONFIDENCE)
  return new.errors / new.requests <= 2 * old.errors / old.requests or low <= high
end

local function guard_errors(new, old, params)
  local low = stats.wilson(new.errors, new.requests, GUARD_CONFIDENCE)
  if low <= param(params, "max_error_rate") then return nil end
  if fails_too(old, new, low) then
    return check("warn", "both variants fail: %d of %d requests, and %d of %d of the champion's",
      new.errors, new.requests, old.errors, old.requests)
  end

  return check("bad", "%d of %d requests failed; the limit is %g %%", new.errors, new.requests,
    param(params, "max_error_rate") * 100)
end

local function guard(params, new, old)
  if not is_counted(new) then return check("open", "no data in the last window") end
  if new.warming then return check("open", "warming up: these minutes do not count") end
  if new.requests < param(params, "guard_requests") then
    return check("open", "only %d requests in the last window", new.requests)
  end

  local broken = guard_errors(new, old, params)
  if broken then return broken end

  local p99, limit = new.latency_ms and new.latency_ms.p99, param(params, "max_p99_ms")
  if p99 and p99 > limit and new.requests >= param(params, "p99_requests") then
    local of_champion = old and old.latency_ms and old.latency_ms.p99 or 0
    if of_champion > limit then
      return check("warn", "both variants are slow: p99 is %s, and %s of the champion",
        (text.milliseconds(p99)), (text.milliseconds(of_champion)))
    end

    return check("bad", "p99 is %s; the limit is %s", text.milliseconds(p99, limit))
  end

  return check("good", "%d of %d requests failed in the last window%s", new.errors, new.requests,
    p99 and (", p99 %.0f ms"):format(p99) or "")
end

local function harm(facts, params)
  local evidence = facts.evidence
  if not (evidence and evidence.error_rate) then return check("open", "nothing to compare yet") end
  local tolerance, slower = checks.error_tolerance(facts, params), checks.latency_tolerance(params)
  local step = evidence.step or {}
  local errors = math.max(evidence.error_rate.low, step.error_rate_low or -1)
  local latency = math.max(evidence.latency and evidence.latency.low or -1, step.latency_low or -1)

  if tolerance and errors > tolerance then
    return check("bad", "at least %s more errors; %s are tolerated",
      text.points(errors, tolerance))
  end

  if latency > slower then
    return check("bad", "p99 is at least %s slower; %s are tolerated",
      text.percent(latency, slower))
  end

  return check("good", "not shown to be worse")
end

local function split(facts, params)
  local evidence = facts.evidence
  local p = evidence and evidence.sample_ratio_p
  if not p then return check("open", "not known") end
  local shift = evidence.sample_ratio_shift
  local by = shift and (", %s requests"):format(text.signed_percent(shift)) or ""
  if p >= param(params, "sample_ratio_p") then
    return check("good", "as configured (p = %.2g%s)", p, by)
  end

  if shift and math.abs(shift) < param(params, "sample_ratio_shift") then
    return check("good", "off by less than matters (p = %.2g%s)", p, by)
  end

  return check("warn",
    "requests are not split as configured (p = %.2g%s): the comparison cannot be trusted", p, by)
end

local function minimum(facts, params, new, old)
  local wanted = param(params, "min_requests")
  for _, each in ipairs { { facts.challenger, new }, { facts.champion, old } } do
    local requests = each[2] and each[2].requests
    if not requests then return check("open", "no data on %s", each[1]) end
    if requests < wanted then
      return check("open", "%s has answered %d of %d requests", each[1], requests, wanted)
    end
  end

  local watched = facts.minutes_since_change or (new.seconds and new.seconds // 60)
  if watched and watched < param(params, "min_minutes") then
    return check("open", "watched for %d of %d min at this share", watched,
      param(params, "min_minutes"))
  end

  return check("good", "%s requests%s", text.thousands(new.requests),
    watched and (", %d min at this share"):format(watched) or "")
end

-- An interval against a tolerance.
local function judge(interval, tolerance, shown, what)
  if not (interval and tolerance) then return check("open", "no interval of %s yet", what) end
  if interval.low > tolerance then
    return check("bad", "higher by at least %s; %s are tolerated",
      shown(interval.low, tolerance))
  end

  if not interval.high then return check("open", "no upper end yet") end
  if interval.high <= tolerance then
    return check("good", "higher by at most %s; %s are tolerated",
      shown(interval.high, tolerance))
  end

  return check("open", "may be higher by %s; %s are tolerated", shown(interval.high, tolerance))
end

local function errors(facts, params)
  return judge(facts.evidence and facts.evidence.error_rate, checks.error_tolerance(facts, params),
    text.points,
    "error rates")
end

local function p99(facts, params)
  return judge(facts.evidence and facts.evidence.latency, checks.latency_tolerance(params),
    text.percent, "p99")
end

function checks.of(facts, params)
  local new, old = checks.variant(facts, facts.challenger) or {},
    checks.variant(facts, facts.champion) or {}
  return {
    guard = guard(params, new.recent, old.recent),
    harm = harm(facts, params),
    split = split(facts, params),
    minimum = minimum(facts, params, new.window, old.window),
    errors = errors(facts, params),
    p99 = p99(facts, params),
  }
end

return checks
