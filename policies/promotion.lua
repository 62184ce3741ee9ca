-- Gives a challenger more traffic, step by step, for as long as the evidence says that it is no
-- worse than the champion; takes it out at once when a guardrail breaks; and otherwise holds and
-- says what is missing. It may be asked every minute: it trusts only intervals that stay valid
-- however often one looks. No data is never taken for no errors.

local function variant_named(facts, name)
  for _, variant in ipairs(facts.variants) do
    if variant.name == name then return variant end
  end
end

-- Counts from which a rate can be taken.
local function counted(window)
  return window and window.requests and window.requests > 0
    and window.errors and window.errors <= window.requests
end

local function interval(ends) return ends and ends.low <= ends.high end

local function minutes(seconds) return math.ceil(seconds / 60) end

local function more_requests(missing, window)
  if not window.seconds then return string.format("%d more requests", missing) end
  return string.format("%d more requests, about %d min at the current rate",
    missing, minutes(missing * (window.seconds / window.requests)))
end

-- An operator's order needs no analysis, and a rollback is possible in every state.
local function ordered(facts, challenger)
  local order = facts.order
  if not order then return end
  local who = order.by or "an operator"
  if order.action == "hold" then
    return hold { needs = "the order to hold to be lifted", because = "ordered by %s", who }
  end
  local from, to = challenger and challenger.name or facts.champion, order.to or facts.champion
  if from ~= to and variant_named(facts, from) and variant_named(facts, to) then
    return rollback { variant = from, to = to, because = "ordered by %s", who }
  end
  return hold { needs = "order.to: another variant of the endpoint to go back to",
    because = "%s ordered a rollback, but there is no way from %s to %s", who, from, to }
end

local function unfit(facts, challenger)
  local name, because = challenger.name
  if challenger.stage == "failed" or challenger.stage == "retired" then
    because = name .. " is " .. challenger.stage
  elseif challenger.approval == "Rejected" then
    because = name .. " was rejected in the registry"
  else
    return
  end
  if challenger.weight == 0 then
    return hold { needs = "another challenger", because = "%s, and has no traffic", because }
  end
  return rollback { variant = name, to = facts.champion, because = because }
end

-- Absolute guardrails, over the recent and the whole window, whatever the champion does.
local function over_limit(facts, challenger, params)
  for _, name in ipairs { "recent", "window" } do
    local window = challenger[name]
    if counted(window) and window.requests >= params.guard_requests then
      if window.errors / window.requests > params.max_error_rate then
        return rollback { variant = challenger.name, to = facts.champion,
          because = "%d of %d requests failed; the limit is %g%%",
          window.errors, window.requests, params.max_error_rate * 100 }
      end
      local p99 = window.latency_ms and window.latency_ms.p99
      if p99 and p99 > params.max_p99_ms then
        return rollback { variant = challenger.name, to = facts.champion,
          because = "p99 is %.0f ms; the limit is %.0f ms", p99, params.max_p99_ms }
      end
    end
  end
end

-- What is missing before the comparison may count for anything.
local function unready(facts, challenger, champion, params)
  for _, variant in ipairs { champion, challenger } do
    if not counted(variant.window) then
      return hold { needs = "request and error counts of " .. variant.name,
        because = "there is no data on %s, which is not the same as no errors", variant.name }
    end
  end
  local evidence = facts.evidence
  if not (evidence and evidence.sample_ratio_p
      and interval(evidence.error_rate) and interval(evidence.latency)) then
    return hold { needs = "intervals of error rate and latency, and the sample ratio check",
      because = "the comparison is missing or not complete" }
  end
  if evidence.method ~= "always_valid" or (evidence.confidence or 0) < params.confidence then
    return hold {
      needs = string.format("always-valid intervals of confidence %g or more",
        params.confidence),
      because = "the evidence would not survive being looked at repeatedly" }
  end
  if evidence.sample_ratio_p < params.sample_ratio_p then
    return hold { needs = "the cause of the uneven split, then a fresh window",
      because = "requests are not split as configured (p = %.2g), "
        .. "so the comparison cannot be trusted",
      evidence.sample_ratio_p }
  end
end

-- Relative guardrails: the whole interval lies on the wrong side of the tolerance.
local function worse(facts, challenger, params)
  local errors, latency = facts.evidence.error_rate, facts.evidence.latency
  if challenger.window.requests < params.guard_requests then return end
  if errors.low > params.error_tolerance then
    return rollback { variant = challenger.name, to = facts.champion,
      because = "its error rate is higher by %.2f to %.2f points; %g are tolerated",
      errors.low * 100, errors.high * 100, params.error_tolerance * 100 }
  end
  if latency.low > params.latency_tolerance then
    return rollback { variant = challenger.name, to = facts.champion,
      because = "its p99 is slower by %.0f%% to %.0f%%; %g%% are tolerated",
      latency.low * 100, (latency.high or math.huge) * 100, params.latency_tolerance * 100 }
  end
end

local function too_early(facts, challenger, champion, params)
  for _, entry in ipairs(facts.history or {}) do
    local left = entry.at + params.cool_down_minutes * 60 - facts.now
    if entry.action == "rollback" and entry.variant == challenger.name and left > 0 then
      return hold { needs = string.format("%d min of cooling down", minutes(left)),
        because = "%s was rolled back less than %d min ago",
        challenger.name, params.cool_down_minutes }
    end
  end
  if challenger.approval ~= "Approved" then
    return hold { needs = "approval of " .. challenger.name .. " in the model registry",
      because = "its package is %s", challenger.approval or "in no registry" }
  end
  for _, variant in ipairs { challenger, champion } do
    local window = variant.window
    local missing = params.min_requests - window.requests
    if missing > 0 then
      return hold { needs = more_requests(missing, window), requests = missing,
        because = "%s has answered %d of %d requests",
        variant.name, window.requests, params.min_requests }
    end
    local left = params.min_minutes * 60 - (window.seconds or 0)
    if left > 0 then
      return hold { needs = string.format("%d min more of traffic", minutes(left)),
        because = "%s has been watched for %d of %d min",
        variant.name, (window.seconds or 0) // 60, params.min_minutes }
    end
  end
end

-- How much more traffic makes an interval narrow enough, if its middle stays where it is: the
-- width shrinks with the square root of the count.
local function undecided(ends, tolerance, window, because)
  because = string.format(because, ends.high * 100, tolerance * 100)
  local middle, half = (ends.low + ends.high) / 2, (ends.high - ends.low) / 2
  local factor = (half / (tolerance - middle)) ^ 2
  if middle >= tolerance or factor > 1000 then
    return hold { needs = "a better challenger: more traffic is unlikely to clear this one",
      because = because }
  end
  local missing = math.max(1, math.ceil(window.requests * (factor - 1)))
  return hold { needs = more_requests(missing, window), requests = missing, because = because }
end

local function judged(facts, challenger, params)
  local errors, latency = facts.evidence.error_rate, facts.evidence.latency
  if errors.high > params.error_tolerance then
    return undecided(errors, params.error_tolerance, challenger.window,
      "its error rate may be higher by %.2f points; %g are tolerated")
  end
  if not latency.high then
    return hold { needs = "more requests", because = "its p99 may be slower without limit" }
  end
  if latency.high > params.latency_tolerance then
    return undecided(latency, params.latency_tolerance, challenger.window,
      "its p99 may be slower by %.0f%%; %g%% are tolerated")
  end
  local name, weight = challenger.name, challenger.weight
  if not weight then
    return hold { needs = "the share of traffic of " .. name, because = "its weight is not known" }
  end
  local because = string.format(
    "no worse than %s: errors at most %+.2f points, p99 at most %+.0f%%",
    facts.champion, errors.high * 100, latency.high * 100)
  if weight >= params.full_share then return promote { variant = name, because = because } end
  local share = math.min(params.full_share, math.max(weight * 2, params.first_share))
  return ramp { variant = name, weight = share, because = because }
end

-- For the examples: the facts of a trial that goes well, with a few of them changed. An `errors`
-- of false leaves the count out.
local function trial(change)
  local errors = change.errors
  if errors == nil then errors = 3 end
  return {
    now = 1795165200, champion = "old", challenger = "new", order = change.order,
    variants = {
      { name = "old", approval = "Approved", weight = 0.9,
        window = { seconds = 3600, requests = 27000, errors = 30 } },
      { name = "new", approval = change.approval or "Approved", weight = change.weight or 0.1,
        stage = change.stage,
        window = { seconds = 3600, requests = change.requests or 3000, errors = errors or nil } },
    },
    evidence = {
      method = change.method or "always_valid", confidence = 0.95,
      sample_ratio_p = change.sample_ratio_p or 0.4,
      error_rate = { low = change.low or -0.002, high = change.high or 0.001 },
      latency = { low = -0.02, high = 0.04 },
    },
  }
end

return policy {
  kind = "promotion",

  params = {
    min_requests = integer { 1000, min = 1, max = 100000000,
      doc = "requests that each variant must have answered" },
    min_minutes = integer { 30, min = 0, max = 100000,
      doc = "minutes that each must have been watched" },
    confidence = number { 0.95, min = 0.5, max = 1,
      doc = "confidence that the intervals must have" },
    sample_ratio_p = number { 0.001, min = 0, max = 1,
      doc = "below this p-value the split is broken" },
    error_tolerance = number { 0.002, min = 0, max = 1,
      doc = "rise of the error rate that is no worse" },
    latency_tolerance = number { 0.1, min = 0, max = 10,
      doc = "relative rise of p99 that is no worse" },
    guard_requests = integer { 50, min = 1, max = 1000000,
      doc = "requests before a guardrail may break" },
    max_error_rate = number { 0.05, min = 0, max = 1,
      doc = "guardrail: error rate" },
    max_p99_ms = number { 10000, min = 1, max = 60000,
      doc = "guardrail: p99 latency in milliseconds" },
    first_share = number { 0.05, min = 0.001, max = 1,
      doc = "first step of the ramp; it then doubles" },
    full_share = number { 0.5, min = 0.01, max = 0.99,
      doc = "share at which it is promoted" },
    cool_down_minutes = integer { 1440, min = 0, max = 100000,
      doc = "minutes without promotion after a rollback" },
  },

  decide = function(facts, params)
    local champion = variant_named(facts, facts.champion)
    local challenger = facts.challenger and variant_named(facts, facts.challenger)
    local done = ordered(facts, challenger)
    if done then return done end
    if not champion then
      return hold { needs = "the champion among the variants",
        because = "%s is not one of them", facts.champion }
    end
    if not challenger or challenger.name == champion.name then
      return hold { needs = "a challenger", because = "%s runs alone", champion.name }
    end
    return unfit(facts, challenger)
      or over_limit(facts, challenger, params)
      or unready(facts, challenger, champion, params)
      or worse(facts, challenger, params)
      or too_early(facts, challenger, champion, params)
      or judged(facts, challenger, params)
  end,

  examples = {
    { given = trial {}, expect = { action = "ramp", weight = 0.2 } },
    { given = trial { weight = 0.5 }, expect = { action = "promote", variant = "new" } },
    { given = trial { requests = 588 }, expect = { action = "hold", requests = 412 } },
    { given = trial { errors = false }, expect = "hold" }, -- no data …
    { given = trial { errors = 0 }, expect = "ramp" }, -- … is not zero errors
    { given = trial { errors = 300 },
      expect = { action = "rollback", variant = "new", to = "old" } },
    { given = trial { requests = 20, errors = 20 }, expect = "hold" },
    { given = trial { approval = "PendingManualApproval" }, expect = "hold" },
    { given = trial { approval = "Rejected" }, expect = "rollback" },
    { given = trial { stage = "failed" }, expect = "rollback" },
    { given = trial { sample_ratio_p = 0.0005 }, expect = "hold" },
    { given = trial { method = "fixed_horizon" }, expect = "hold" },
    { given = trial { high = 0.004 }, expect = "hold" },
    { given = trial { low = 0.003, high = 0.004 }, expect = "rollback" },
    { given = trial { order = { action = "rollback" }, errors = false }, expect = "rollback" },
    { given = { now = 0, champion = "old", variants = { { name = "old" } } }, expect = "hold" },
  },
}
