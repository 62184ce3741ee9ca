-- The endpoints of the recorded day: their traffic, minute by minute, and the trials that run on
-- them. What the promotion policy decides changes their weights, as it would in production.
local clock = require("recordings.clock")
local evidence = require("recordings.evidence")
local trial = require("weir.inference.trial")
local volumes = require("recordings.volumes")

local endpoints = {}

local HOUR, MINUTE = clock.HOUR, clock.MINUTE

local function between(ms, from, to) return ms >= from and ms < to end

-- errors(ms): the truth about a model version through the day. slower: by how many buckets of 2 %
-- its latencies lie higher. pinned: how much more than its share of the requests it gets, through a
-- client that ignores weights.
function endpoints.at_midnight()
  local list = {
    { name = "vision", traffic = 2400, p99 = 210, bucket = 268, champion = "vision-12", trials = {
      { name = "vision-13", from = 8 * HOUR, approval = function() return "Approved" end,
        -- The version that fails: from twenty past ten it cannot read one camera's images.
        errors = function(ms) return ms >= 10 * HOUR + 21 * MINUTE and 0.14 or 0.001 end,
        slower = 0, pinned = 0 },
      { name = "vision-14", from = 12 * HOUR + 10 * MINUTE,
        approval = function(ms) return ms < 13 * HOUR and "PendingManualApproval" or "Approved" end,
        errors = function() return 0.0006 end, slower = -2, pinned = 0 },
    } },
    { name = "invoice", traffic = 900, p99 = 340, bucket = 292, champion = "invoice-4", trials = {
      -- A load generator talks to one variant: the split is wrong, nothing can be told.
      { name = "invoice-5", from = 7 * HOUR, approval = function() return "Approved" end,
        errors = function() return 0.001 end, slower = 0, pinned = 0.5 },
      { name = "invoice-6", from = 10 * HOUR, approval = function() return "Approved" end,
        errors = function() return 0.0012 end, slower = 14, pinned = 0 },
      { name = "invoice-7", from = 15 * HOUR,
        approval = function(ms) return ms > 18 * HOUR and "Rejected" or nil end,
        errors = function() return 0.0012 end, slower = 0, pinned = 0 },
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

local function set_weights(endpoint, ms, challenger, weight)
  for _, variant in ipairs(endpoint.variants) do
    variant.weight = variant.name == endpoint.champion and 1 - weight or 0
  end
  if challenger then challenger.weight = weight end
  endpoint.updating_until = ms + 4 * MINUTE
end

-- CloudWatch had nothing to give between these times.
local function no_data(ms) return between(ms, 16 * HOUR + 10 * MINUTE, 16 * HOUR + 50 * MINUTE) end

local function start_trial(endpoint, ms)
  for _, told in ipairs(endpoint.trials) do
    if ms >= told.from and not endpoint.challenger and not variant_named(endpoint, told.name) then
      local variant = { name = told.name, stage = "challenger", weight = 0, trial = told }
      table.insert(endpoint.variants, variant)
      endpoint.challenger = told.name
      endpoint.evidence = trial.new { champion = endpoint.champion, challenger = told.name }
      set_weights(endpoint, ms, variant, 0.05)
    end
  end
end

-- One minute of requests.
function endpoints.pass_minute(endpoint, ms, random)
  start_trial(endpoint, ms)
  local requests =
    math.floor(endpoint.traffic * volumes.BUSY[ms // HOUR] * (0.9 + 0.2 * random:number()))
  for _, variant in ipairs(endpoint.variants) do
    local told, share = variant.trial, variant.weight
    if told then share = math.min(1, share * (1 + told.pinned)) end
    local served = random:successes(requests, share)
    local errors = random:successes(served, told and told.errors(ms) or 0.0011)
    variant.requests = (variant.requests or 0) + served
    variant.errors = (variant.errors or 0) + errors
  end
  if (ms + MINUTE) % (5 * MINUTE) == 0 then
    endpoints.close_window(endpoint, ms + MINUTE, random)
  end
end

-- What a variant did in the five minutes that end now.
local function close_variant(endpoint, variant, random)
  local told = variant.trial
  local slower = told and told.slower or 0
  local done = {
    share = variant.weight, requests = variant.requests or 0, errors = variant.errors or 0,
  }
  done.buckets = evidence.buckets(done.requests - done.errors, endpoint.bucket + slower, random)
  local latency = evidence.latency(endpoint.p99 * (1 + slower * 0.02), random:number() * 2 - 1)
  if done.requests > 0 then done.p50, done.p90, done.p99 = latency.p50, latency.p90, latency.p99 end
  variant.requests, variant.errors = 0, 0
  return done
end

function endpoints.close_window(endpoint, ms, random)
  local window = {
    from = clock.MIDNIGHT + ms // 1000 - 300,
    to = clock.MIDNIGHT + ms // 1000,
    variants = {},
  }
  for _, variant in ipairs(endpoint.variants) do
    window.variants[variant.name] = close_variant(endpoint, variant, random)
  end
  if endpoint.challenger and not no_data(ms) then endpoint.evidence:add(window) end
end

local function without_data(facts)
  facts.evidence = nil
  for _, variant in ipairs(facts.variants) do
    variant.window, variant.recent = { seconds = 300 }, nil
  end
  return facts
end

function endpoints.promotion_facts(endpoint, ms)
  local given = {
    now = clock.MIDNIGHT + ms // 1000, endpoint = endpoint.name, variants = {},
    history = #endpoint.history > 0 and endpoint.history or nil,
  }
  for i, variant in ipairs(endpoint.variants) do
    given.variants[i] = {
      name = variant.name, stage = variant.stage, weight = variant.weight,
      approval = variant.trial and variant.trial.approval(ms) or variant.approval,
    }
  end
  -- The night shift does not trust the new version and goes back, after it was promoted.
  if endpoint.name == "vision" and ms == 21 * HOUR and endpoint.champion ~= "vision-12" then
    given.order = { action = "rollback", to = "vision-12", by = "night shift",
      reason = "complaints from line 4" }
  end
  if not endpoint.challenger then
    given.champion = endpoint.champion
    return given
  end
  local facts = evidence.rounded(endpoint.evidence:facts(given))
  return no_data(ms) and without_data(facts) or facts
end

-- Carries out what was decided.
function endpoints.apply(endpoint, decision, ms)
  if endpoint.challenger then endpoint.evidence:decided(decision) end
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
  if endpoint.name == "invoice" and between(ms, 15 * HOUR + 20 * MINUTE,
    15 * HOUR + 32 * MINUTE) then
    return "OutOfService"
  end
  return ms < endpoint.updating_until and "Updating" or "InService"
end

return endpoints
