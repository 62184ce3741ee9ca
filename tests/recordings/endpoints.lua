-- The endpoints of the recorded day: their traffic, minute by minute, and the trials that run on
-- them. What the promotion policy decides changes their weights, as it would in production.
local clock = require("recordings.clock")
local evidence = require("recordings.evidence")
local volumes = require("recordings.volumes")

local endpoints = {}

local HOUR, MINUTE = clock.HOUR, clock.MINUTE

local function between(ms, from, to) return ms >= from and ms < to end

-- error(ms), slower(ms) and pinned(ms): the truth about a model version through the day. pinned
-- is how much more than its share of the requests it gets, through a client that ignores weights.
local function none() return 0 end

function endpoints.at_midnight()
  local list = {
    { name = "vision", traffic = 2400, p99 = 210, champion = "vision-12", trials = {
      { name = "vision-13", from = 8 * HOUR, approval = function() return "Approved" end,
        -- The version that fails: from twenty past ten it cannot read one camera's images.
        errors = function(ms) return ms >= 10 * HOUR + 21 * MINUTE and 0.14 or 0.001 end,
        slower = none, pinned = none },
      { name = "vision-14", from = 12 * HOUR + 10 * MINUTE,
        approval = function(ms) return ms < 13 * HOUR and "PendingManualApproval" or "Approved" end,
        errors = function() return 0.0008 end, slower = function() return -0.03 end, pinned = none },
    } },
    { name = "invoice", traffic = 900, p99 = 340, champion = "invoice-4", trials = {
      -- A load generator talks to one variant until noon: the split is wrong, nothing can be told.
      { name = "invoice-5", from = 7 * HOUR, approval = function() return "Approved" end,
        errors = function() return 0.002 end, slower = function() return 0.31 end,
        pinned = function(ms) return ms < 12 * HOUR and 0.5 or 0 end },
      { name = "invoice-6", from = 15 * HOUR,
        approval = function(ms) return ms > 18 * HOUR and "Rejected" or nil end,
        errors = function() return 0.0012 end, slower = none, pinned = none },
    } },
  }
  for _, endpoint in ipairs(list) do
    endpoint.variants = {
      { name = endpoint.champion, stage = "champion", weight = 1, approval = "Approved" },
    }
    endpoint.history, endpoint.updating_until = {}, 0
  end
  return list
end

local function variant_named(endpoint, name)
  for _, variant in ipairs(endpoint.variants) do
    if variant.name == name then return variant end
  end
end

local function fresh_windows(endpoint, ms)
  endpoint.since = ms
  for _, variant in ipairs(endpoint.variants) do
    variant.count = { requests = 0, errors = 0 }
    variant.last = {}
  end
end

local function set_weights(endpoint, ms, challenger, weight)
  for _, variant in ipairs(endpoint.variants) do
    variant.weight = variant.name == endpoint.champion and 1 - weight or 0
  end
  if challenger then challenger.weight = weight end
  endpoint.updating_until = ms + 4 * MINUTE
  fresh_windows(endpoint, ms)
end

-- CloudWatch had nothing to give between these times.
local function no_data(ms) return between(ms, 16 * HOUR + 10 * MINUTE, 16 * HOUR + 50 * MINUTE) end

local function start_trial(endpoint, ms)
  for _, trial in ipairs(endpoint.trials) do
    if ms >= trial.from and not variant_named(endpoint, trial.name) then
      local variant = { name = trial.name, stage = "challenger", weight = 0, trial = trial }
      table.insert(endpoint.variants, variant)
      endpoint.challenger = trial.name
      set_weights(endpoint, ms, variant, 0.05)
    end
  end
  -- The load generator is switched off, and the window begins afresh.
  if endpoint.name == "invoice" and ms == 12 * HOUR then fresh_windows(endpoint, ms) end
end

-- One minute of requests.
function endpoints.pass_minute(endpoint, ms, random)
  start_trial(endpoint, ms)
  if not endpoint.since then fresh_windows(endpoint, ms) end
  local requests = math.floor(endpoint.traffic * volumes.BUSY[ms // HOUR] * (0.9 + 0.2 * random:number()))
  for _, variant in ipairs(endpoint.variants) do
    local trial, share = variant.trial, variant.weight
    if trial then share = math.min(1, share * (1 + trial.pinned(ms))) end
    local served = random:successes(requests, share)
    local errors = random:successes(served, trial and trial.errors(ms) or 0.0011)
    variant.count.requests = variant.count.requests + served
    variant.count.errors = variant.count.errors + errors
    table.insert(variant.last, { requests = served, errors = errors })
    if #variant.last > 5 then table.remove(variant.last, 1) end
  end
end

local function window_facts(counts, seconds, p99, random, ms)
  if no_data(ms) then return { seconds = seconds } end
  local window = { seconds = seconds, requests = counts.requests, errors = counts.errors }
  if counts.requests > 0 then window.latency_ms = evidence.latency(p99, random:number() * 2 - 1) end
  return window
end

local function variant_facts(endpoint, variant, ms, random)
  local trial = variant.trial
  local p99 = endpoint.p99 * (1 + (trial and trial.slower(ms) or 0))
  local recent = { requests = 0, errors = 0 }
  for _, minute in ipairs(variant.last) do
    recent.requests, recent.errors = recent.requests + minute.requests, recent.errors + minute.errors
  end
  local approval = variant.approval
  if trial then approval = trial.approval(ms) end
  local seconds = math.max(60, (ms - endpoint.since) // 1000)
  return {
    name = variant.name, stage = variant.stage, weight = variant.weight, approval = approval,
    window = window_facts(variant.count, seconds, p99, random, ms),
    recent = window_facts(recent, 60 * math.max(1, #variant.last), p99, random, ms),
  }
end

function endpoints.promotion_facts(endpoint, ms, random)
  local facts = {
    now = clock.MIDNIGHT + ms // 1000, endpoint = endpoint.name, champion = endpoint.champion,
    challenger = endpoint.challenger, variants = {},
    history = #endpoint.history > 0 and endpoint.history or nil,
  }
  for i, variant in ipairs(endpoint.variants) do
    facts.variants[i] = variant_facts(endpoint, variant, ms, random)
  end
  local challenger = endpoint.challenger and variant_named(endpoint, endpoint.challenger)
  if challenger and not no_data(ms) then
    local champion = variant_named(endpoint, endpoint.champion)
    facts.evidence = evidence.compare(challenger.count, champion.count, challenger.weight,
      challenger.trial.slower(ms), random:number() * 2 - 1)
  end
  -- The night shift does not trust the new version and goes back, after it was promoted.
  if endpoint.name == "vision" and ms == 21 * HOUR and endpoint.champion ~= "vision-12" then
    facts.order = { action = "rollback", to = "vision-12", by = "night shift",
      reason = "complaints from line 4" }
  end
  return facts
end

-- Carries out what was decided.
function endpoints.apply(endpoint, decision, ms)
  local variant = variant_named(endpoint, decision.variant or "")
  if decision.action == "ramp" then
    set_weights(endpoint, ms, variant, decision.weight)
  elseif decision.action == "promote" then
    variant_named(endpoint, endpoint.champion).stage = nil
    endpoint.champion, endpoint.challenger, variant.stage = variant.name, nil, "champion"
    set_weights(endpoint, ms, nil, 0)
  elseif decision.action == "rollback" then
    variant.stage = "failed"
    endpoint.champion, endpoint.challenger = decision.to, nil
    variant_named(endpoint, decision.to).stage = "champion"
    set_weights(endpoint, ms, nil, 0)
  else
    return
  end
  table.insert(endpoint.history, { at = clock.MIDNIGHT + ms // 1000, action = decision.action,
    variant = decision.variant, weight = variant.weight })
end

-- Weights as somebody typed them into a configuration, on any scale.
function endpoints.weights_facts(endpoint, key, random)
  local facts = {
    endpoint = endpoint.name, experiment = endpoint.challenger, assignment_key = key, variants = {},
  }
  local scale = random:choice { 1, 10, 100, 256 }
  for i, variant in ipairs(endpoint.variants) do
    local weight = variant.weight * scale
    facts.variants[i] = { name = variant.name, stage = variant.stage, weight = weight }
  end
  return facts
end

function endpoints.status(endpoint, ms)
  if endpoint.name == "invoice" and between(ms, 15 * HOUR + 20 * MINUTE, 15 * HOUR + 32 * MINUTE) then
    return "OutOfService"
  end
  return ms < endpoint.updating_until and "Updating" or "InService"
end

return endpoints
