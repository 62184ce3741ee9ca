-- What becomes of a challenger: its share of the traffic grows step by step for as long as it is
-- shown to be no worse than the champion, and it is taken out as soon as it is shown to be worse.
-- Otherwise it stays where it is, and the policy says what is missing.
--
-- The rules are asked in the order of `decide`, at the end; each answers or leaves the question
-- to the next. Intervals must stay valid however often one looks. No data is never no errors.
local counting = require "lib.counting"
local differences = require "lib.differences"
local example = require "lib.example_trial"
local figures = require "lib.figures"
local forecast = require "lib.forecast"

local function variant_named(facts, name)
  for _, variant in ipairs(facts.variants) do
    if variant.name == name then return variant end
  end
end

-- ── Before any measurement ──

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

local function alone(facts, champion, challenger)
  if not champion then
    return hold { needs = "the champion among the variants",
      because = "%s is not one of them", facts.champion }
  end
  if not challenger or challenger.name == champion.name then
    return hold { needs = "a challenger", because = "%s runs alone", champion.name }
  end
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

local function not_yet_allowed(facts, challenger, params)
  for _, entry in ipairs(facts.history or {}) do
    local left = entry.at + params.cool_down_minutes * 60 - facts.now
    if entry.action == "rollback" and entry.variant == challenger.name and left > 0 then
      return hold { needs = string.format("%d min of cooling down", math.ceil(left / 60)),
        because = "%s was rolled back less than %d min ago",
        challenger.name, params.cool_down_minutes }
    end
  end
  if challenger.approval ~= "Approved" then
    return hold { needs = "approval of " .. challenger.name .. " in the model registry",
      because = "its package is %s", challenger.approval or "in no registry" }
  end
end

-- Without traffic there is nothing to measure: the first share is given on approval alone.
local function not_started(facts, challenger, params)
  if challenger.weight ~= 0 then return end
  return not_yet_allowed(facts, challenger, params)
    or ramp { variant = challenger.name, weight = math.min(params.first_share, params.full_share),
      because = "%s is approved and has no traffic yet", challenger.name }
end

-- ── Is it broken? ──

local function warming_up(challenger)
  if not (challenger.recent and challenger.recent.warming) then return end
  return hold { needs = "the end of the warm-up",
    because = "weights or instances have just changed: these minutes do not count" }
end

-- Whether the champion fails in the same minutes as well: at least half as often, or as often as
-- chance may have it.
local function fails_too(old, new, at_least)
  if not counting.is_known(old) then return false end
  local _, at_most = counting.rate_between(old)
  return new.errors / new.requests <= 2 * old.errors / old.requests or at_least <= at_most
end

-- Limits that nobody may break, in the last minutes. What breaks for both is not the challenger's.
local function failing(facts, champion, challenger, params)
  local new, old = challenger.recent, champion.recent
  if not (counting.is_known(new) and new.requests >= params.guard_requests) then return end

  local at_least = counting.rate_between(new)
  if at_least > params.max_error_rate then
    if fails_too(old, new, at_least) then
      return hold { needs = "the end of the incident",
        because = "both variants fail: %d of %d requests, and %d of %d of the champion's",
        new.errors, new.requests, old.errors, old.requests }
    end
    return rollback { variant = challenger.name, to = facts.champion,
      because = "%d of %d requests failed; the limit is %g%%",
      new.errors, new.requests, params.max_error_rate * 100 }
  end

  local p99 = new.latency_ms and new.latency_ms.p99
  if p99 and p99 > params.max_p99_ms and new.requests >= params.p99_requests then
    local of_champion = old and old.latency_ms and old.latency_ms.p99 or 0
    if of_champion > params.max_p99_ms then
      return hold { needs = "the end of the incident",
        because = "both variants are slow: p99 is %.0f ms, and %.0f ms of the champion",
        p99, of_champion }
    end
    local shown, limit = figures.apart(p99, params.max_p99_ms, 0)
    return rollback { variant = challenger.name, to = facts.champion,
      because = "p99 is %s ms; the limit is %s ms", shown, limit }
  end
end

-- ── Is it worse? ──

local function unmeasured(evidence, champion, challenger, params)
  local unknown = not counting.is_known(champion.window) and champion
    or not counting.is_known(challenger.window) and challenger
  if unknown then
    return hold { needs = "request and error counts of " .. unknown.name,
      because = "there is no data on %s, which is not the same as no errors", unknown.name }
  end
  local errors, latency = evidence and evidence.error_rate, evidence and evidence.latency
  if not (evidence and evidence.sample_ratio_p and errors and errors.low <= errors.high
      and latency and latency.low <= (latency.high or latency.low)) then
    return hold { needs = "intervals of error rate and latency, and the sample ratio check",
      because = "the comparison is missing or not complete" }
  end
  if evidence.method ~= "always_valid" or (evidence.confidence or 0) < params.confidence then
    return hold {
      needs = string.format("always-valid intervals of confidence %g or more",
        params.confidence),
      because = "the evidence would not survive being looked at repeatedly" }
  end
end

-- The rise of the error rate that is no worse, relative to the champion's own.
local function error_tolerance(evidence, params)
  local requests, errors = evidence.champion_requests or 0, evidence.champion_errors or 0
  local rate = requests > 0 and errors / requests or 0
  return math.max(params.error_tolerance_min,
    math.min(rate * params.error_tolerance_relative, params.error_tolerance_max))
end

-- The whole interval lies beyond the tolerance: over the whole trial, or since the last step,
-- where a defect that came late is not diluted.
local function harmful(facts, evidence, challenger, params)
  if challenger.window.requests < params.guard_requests then return end
  local errors, latency, step = evidence.error_rate, evidence.latency, evidence.step or {}

  local tolerance = error_tolerance(evidence, params)
  if errors.low > tolerance then
    local low, tolerated, form = differences.points(errors.low, tolerance)
    return rollback { variant = challenger.name, to = facts.champion,
      because = "its error rate is higher by %s to %s points; %s are tolerated",
      low, string.format(form, errors.high * 100), tolerated }
  end
  if (step.error_rate_low or -1) > tolerance then
    local low, tolerated = differences.points(step.error_rate_low, tolerance)
    return rollback { variant = challenger.name, to = facts.champion,
      because = "since the last step its error rate is higher by at least %s points; "
        .. "%s are tolerated", low, tolerated }
  end

  if latency.low > params.latency_tolerance then
    local low, tolerated = differences.percents(latency.low, params.latency_tolerance)
    return rollback { variant = challenger.name, to = facts.champion,
      because = "its p99 is slower by at least %s%%; %s%% are tolerated", low, tolerated }
  end
  -- Latencies wander with their hosts: one step says something only after a while.
  local watched = facts.minutes_since_change or 0
  if (step.latency_low or -1) > params.latency_tolerance and watched >= params.latency_minutes then
    local low, tolerated = differences.percents(step.latency_low, params.latency_tolerance)
    return rollback { variant = challenger.name, to = facts.champion,
      because = "since the last step its p99 is slower by at least %s%%; %s%% are tolerated",
      low, tolerated }
  end
end

-- Requests that go missing make the comparison worthless, and may be failures that nobody counts.
local function unevenly_split(facts, evidence, challenger, params)
  local p, shift = evidence.sample_ratio_p, evidence.sample_ratio_shift or 1
  if p >= params.sample_ratio_p or math.abs(shift) < params.sample_ratio_shift then return end
  local minutes = evidence.sample_ratio_minutes or 0
  if minutes >= params.sample_ratio_minutes then
    return rollback { variant = challenger.name, to = facts.champion,
      because = "requests are not split as configured (p = %.2g, %+.1f%%) for %d min",
      p, shift * 100, minutes }
  end
  return hold { needs = "the cause of the uneven split",
    because = "requests are not split as configured (p = %.2g, %+.1f%%), so the comparison "
      .. "cannot be trusted",
    p, shift * 100 }
end

-- ── Is it good enough? ──

local function out_of_time(facts, challenger, params)
  if (facts.minutes_since_start or 0) <= params.max_hours * 60 then return end
  return rollback { variant = challenger.name, to = facts.champion,
    because = "not shown to be no worse within %d h", params.max_hours }
end

-- What was measured before is no leave to go on when nothing is measured any more.
local function silent(champion, challenger)
  for _, variant in ipairs { champion, challenger } do
    if variant.recent and not counting.is_known(variant.recent) then
      return hold { needs = "measurements of " .. variant.name,
        because = "there is no data on %s in the last minutes", variant.name }
    end
  end
end

local function too_early(facts, champion, challenger, params)
  local least = challenger.window.requests < champion.window.requests and challenger or champion
  local missing = params.min_requests - least.window.requests
  if missing > 0 then
    return hold { needs = counting.more_requests(missing, least.window), requests = missing,
      because = "%s has answered %d of %d requests",
      least.name, least.window.requests, params.min_requests }
  end
  local watched = facts.minutes_since_change or 0
  if watched < params.min_minutes then
    return hold { needs = string.format("%d min more of traffic", params.min_minutes - watched),
      because = "%s has been watched for %d of %d min at this share",
      challenger.name, watched, params.min_minutes }
  end
end

-- What it takes to settle a doubt: so many more requests, when that is known.
local function needed(challenger, growth)
  if not growth then return "a better challenger: more traffic is unlikely to clear this one" end
  local missing = math.max(1, math.ceil(challenger.window.requests * (growth - 1)))
  return counting.more_requests(missing, challenger.recent), missing
end

local function perhaps_failing_more(evidence, challenger, room, params)
  if (evidence.dispersion or 1) > params.max_dispersion then
    return hold { needs = "the cause of the bursts",
      because = "errors come in bursts: they vary %.1f times as much as by chance",
      evidence.dispersion }
  end
  local rise = error_tolerance(evidence, params) * room
  if evidence.error_rate.high <= rise then return end
  local needs, requests = needed(challenger, forecast.errors(evidence, rise))
  local high, tolerated = differences.points(evidence.error_rate.high, rise)
  return hold { needs = needs, requests = requests,
    because = "its error rate may be higher by %s points; %s are tolerated for this step",
    high, tolerated }
end

-- Latencies that wander need no rule of their own: their interval is as much wider.
local function wandering(latency)
  if (latency.dispersion or 1) < 3 then return "" end
  return string.format("; latencies vary %.1f times as much as by chance", latency.dispersion)
end

local function perhaps_slower(evidence, challenger, room, params)
  local high, slower = evidence.latency.high, params.latency_tolerance * room
  if not high then
    local missing = math.max(1, params.p99_requests - math.ceil(evidence.successes or 0))
    return hold { needs = counting.more_requests(missing, challenger.recent), requests = missing,
      because = "its p99 has no upper end yet" }
  end
  if high <= slower then return end
  local needs, requests = needed(challenger, forecast.latency(evidence, slower))
  local shown, tolerated = differences.percents(high, slower)
  return hold { needs = needs, requests = requests,
    because = "its p99 may be slower by %s%%; %s%% are tolerated for this step%s",
    shown, tolerated, wandering(evidence.latency) }
end

-- The smaller the share that is asked for, the less a worse challenger can harm, and the more
-- doubt is allowed: at most as much harm as the full share could do within the tolerance.
local function in_doubt(evidence, challenger, share, params)
  local room = math.max(1, math.min(params.harm_budget, params.full_share / share))
  return perhaps_failing_more(evidence, challenger, room, params)
    or perhaps_slower(evidence, challenger, room, params)
end

local function no_worse(facts, evidence)
  return string.format("no worse than %s: errors at most %+.2f points, p99 at most %+.0f%%",
    facts.champion, evidence.error_rate.high * 100, (evidence.latency.high or 0) * 100)
end

-- This look included; beyond a million it makes no difference.
local function looks_in_a_row(facts)
  return math.min((facts.good_looks or 0) + 1, 1000000)
end

-- One look more, so that no single window decides.
local function unconfirmed(facts, params)
  local good_looks = looks_in_a_row(facts)
  if good_looks >= params.good_looks then return end
  return hold { needs = "another good look", good_looks = good_looks,
    because = "good looks in a row: %d of %d", good_looks, params.good_looks }
end

-- What only shows at night must have had its night.
local function unsoaked(facts, evidence, params)
  local left = params.soak_minutes - (facts.minutes_since_change or 0)
  if left <= 0 then return end
  return hold { needs = string.format("%d min more at this share", left),
    good_looks = looks_in_a_row(facts),
    because = "%s; watched for %d of %d min at the full share",
    no_worse(facts, evidence), params.soak_minutes - left, params.soak_minutes }
end

local function next_step(facts, evidence, challenger, params)
  local name, weight = challenger.name, challenger.weight
  if not weight then
    return hold { needs = "the share of traffic of " .. name, because = "its weight is not known" }
  end
  if weight >= params.full_share then return end
  local share = math.min(params.full_share, math.max(weight * 2, params.first_share))
  return in_doubt(evidence, challenger, share, params)
    or unconfirmed(facts, params)
    or ramp { variant = name, weight = share, because = no_worse(facts, evidence) }
end

local function last_step(facts, evidence, challenger, params)
  return in_doubt(evidence, challenger, params.full_share, params)
    or unsoaked(facts, evidence, params)
    or unconfirmed(facts, params)
    or promote { variant = challenger.name, because = no_worse(facts, evidence) }
end

return policy {
  kind = "promotion",

  params = {
    first_share = number { 0.05, min = 0.001, max = 0.99,
      doc = "first step of the ramp; it then doubles" },
    full_share = number { 0.5, min = 0.01, max = 0.99,
      doc = "share at which it is promoted" },
    min_requests = integer { 1000, min = 1, max = 100000000,
      doc = "requests that each variant must have answered" },
    min_minutes = integer { 30, min = 0, max = 100000,
      doc = "minutes that it must have been watched at each share" },
    soak_minutes = integer { 1440, min = 0, max = 100000,
      doc = "minutes that it must have been watched at the full share" },
    good_looks = integer { 2, min = 1, max = 100,
      doc = "good looks in a row before each step" },
    max_hours = integer { 168, min = 1, max = 100000,
      doc = "hours after which a trial ends" },
    cool_down_minutes = integer { 1440, min = 0, max = 100000,
      doc = "minutes without traffic after a rollback" },

    confidence = number { 0.95, min = 0.5, max = 1,
      doc = "confidence that the intervals must have" },
    error_tolerance_relative = number { 0.5, min = 0, max = 10,
      doc = "rise of the error rate that is no worse, relative to the champion's" },
    error_tolerance_min = number { 0.0005, min = 0, max = 1,
      doc = "but at least this, as a fraction of requests" },
    error_tolerance_max = number { 0.005, min = 0, max = 1,
      doc = "and at most this" },
    latency_tolerance = number { 0.1, min = 0, max = 10,
      doc = "relative rise of p99 that is no worse" },
    latency_minutes = integer { 120, min = 0, max = 100000,
      doc = "minutes at a share before p99 since that step alone may roll back" },
    harm_budget = number { 8, min = 1, max = 100,
      doc = "how many times the tolerance a step to a small share may leave open" },
    max_dispersion = number { 3, min = 1, max = 1000,
      doc = "how much more than by chance error rates may vary" },

    sample_ratio_p = number { 0.001, min = 0, max = 1,
      doc = "below this p-value the split is broken" },
    sample_ratio_shift = number { 0.01, min = 0, max = 1,
      doc = "a split is broken only when it is off by this, relative" },
    sample_ratio_minutes = integer { 120, min = 0, max = 100000,
      doc = "minutes of a broken split before it is rolled back" },

    guard_requests = integer { 50, min = 2, max = 1000000,
      doc = "requests before it may be rolled back" },
    p99_requests = integer { 760, min = 2, max = 1000000,
      doc = "requests below which p99 says nothing" },
    max_error_rate = number { 0.05, min = 0, max = 1,
      doc = "guardrail: error rate" },
    max_p99_ms = number { 10000, min = 1, max = 60000,
      doc = "guardrail: p99 latency in milliseconds" },
  },

  decide = function(facts, params)
    local champion = variant_named(facts, facts.champion)
    local challenger = facts.challenger and variant_named(facts, facts.challenger)
    local evidence = facts.evidence
    return ordered(facts, challenger)
      or alone(facts, champion, challenger)
      or unfit(facts, challenger)
      or not_started(facts, challenger, params)
      or warming_up(challenger)
      or failing(facts, champion, challenger, params)
      or unmeasured(evidence, champion, challenger, params)
      or harmful(facts, evidence, challenger, params)
      or unevenly_split(facts, evidence, challenger, params)
      or out_of_time(facts, challenger, params)
      or not_yet_allowed(facts, challenger, params)
      or silent(champion, challenger)
      or too_early(facts, champion, challenger, params)
      or next_step(facts, evidence, challenger, params)
      or last_step(facts, evidence, challenger, params)
  end,

  examples = example.list,
}
