-- Handler `weights`: how the traffic of an endpoint is to be split between its variants, and with
-- WEIR_WEIGHTS=act the split itself; or which variant one caller gets.
--
-- The event: endpoint_name (or the setting ENDPOINT_NAME), and where they are known assignment_key,
-- experiment, and variants, a list of { name =, stage =?, weight =? } that says more, or otherwise,
-- than the endpoint does. With an assignment_key the answer is one variant, and nothing is changed.
--
-- Nothing is changed either while the endpoint is not in service. A variant whose share grows must
-- be an Approved model package; with REQUIRE_APPROVAL=false it may be in no registry at all.
local traffic_change = require "weir.inference.traffic_change"
local endpoint_module = require "weir.inference.endpoint"
local events = require "weir.events"
local settings = require "weir.settings"
local shares_of = require "weir.inference.shares"
local try = require "weir.try"

local STAGES = { champion = true, challenger = true, retired = true, failed = true }

-- The event ---------------------------------------------------------------------------------------

local function read_variant(given, i)
  if not events.is_object(given) then events.invalid("variants[%d] must be an object", i - 1) end
  local stage = events.text(given, "stage")
  if stage and not STAGES[stage] then
    events.invalid("variants[%d].stage must be champion, challenger, retired or failed", i - 1)
  end

  return {
    name = events.required_text(given, "name"),
    stage = stage,
    weight = events.member(given, "weight"),
  }
end

-- → name → variant, and the list
local function read_variants(event)
  local given, by_name, list = events.member(event, "variants"), {}, {}
  if given ~= nil and not events.is_list(given) then events.invalid("variants must be a list") end

  for i, each in ipairs(given or {}) do
    local variant = read_variant(each, i)
    if by_name[variant.name] then events.invalid("variants has %s twice", variant.name) end
    by_name[variant.name], list[i] = variant, variant
  end

  return by_name, list
end

-- The endpoint ------------------------------------------------------------------------------------

-- In a dry run that does not know it, what the event says of it.
local function describe(effects, name, list)
  local found, message, code = endpoint_module.describe(effects, name)
  if found or code ~= "Unknown" or #list == 0 then return try(found, message, code) end

  local variants = {}
  for i, variant in ipairs(list) do variants[i] = { name = variant.name, share = 0, asked = 0 } end
  return { name = name, status = "InService", variants = variants, is_unknown = true }
end

-- Weights are all given or none: a weight of the event beside a share of the endpoint has no
-- meaning.
local function check_weights(endpoint, by_name)
  local some, all = false, true
  for _, variant in ipairs(endpoint.variants) do
    local given = by_name[variant.name]
    local has_weight = given ~= nil and given.weight ~= nil
    some, all = some or has_weight, all and has_weight
  end

  if some and not all then
    events.invalid("variants gives a weight to some variants of %s and not to all", endpoint.name)
  end

  return some
end

local function weights_of(endpoint, by_name)
  local from_event = check_weights(endpoint, by_name)
  local weights = {}
  for i, variant in ipairs(endpoint.variants) do
    weights[i] = from_event and by_name[variant.name].weight or variant.share
  end

  return weights
end

local function facts_of(event, endpoint, by_name, list)
  for _, variant in ipairs(list) do
    if not endpoint_module.variant(endpoint, variant.name) then
      events.invalid("variants names %s, which the endpoint %s does not have", variant.name,
        endpoint.name)
    end
  end

  local shares, variants = try(shares_of(weights_of(endpoint, by_name))), {}
  for i, variant in ipairs(endpoint.variants) do
    local given = by_name[variant.name]
    variants[i] = {
      name = variant.name,
      weight = shares[i],
      stage = given and given.stage,
      serverless = variant.serverless,
    }
  end

  return {
    endpoint = endpoint.name,
    experiment = events.text(event, "experiment"),
    assignment_key = events.text(event, "assignment_key"),
    variants = variants,
  }
end

-- The gate ----------------------------------------------------------------------------------------

local function check_approval(variant, package, needs_package)
  if package and package.approval == "Approved" or not package and not needs_package then return end
  try.fail(("%s would get more traffic, and is not an Approved model package (%s); approve it with "
    .. "'weir registry approve'"):format(variant.name,
      package and package.approval or "in no registry"), "NotApproved")
end

local function check_growth(effects, endpoint, shares)
  local needs_package = try(settings.flag(effects, "require_approval"))
  if endpoint.is_unknown then return end

  local packages
  for _, variant in ipairs(endpoint.variants) do
    if shares[variant.name] > variant.asked + 1e-6 then
      packages = packages or try(endpoint_module.packages(effects, endpoint))
      check_approval(variant, packages[variant.name], needs_package)
    end
  end
end

local function split(effects, endpoint, decision)
  local mode = try(settings.choice(effects, "weights"))
  local shares = decision.fields.weights
  if mode == "act" and not traffic_change.are_asked(endpoint, shares) then
    check_growth(effects, endpoint, shares)
  end

  local outcome, message, code = traffic_change.carry_out(effects, endpoint, shares, mode)
  if outcome == "failed" then try.fail(message, code) end
  effects:metric("WeightsDecisions", 1, "Count", { Endpoint = endpoint.name, Outcome = outcome })

  return {
    action = decision.action,
    because = decision.because,
    weights = shares,
    outcome = outcome,
  }
end

local function run(event, ask, effects)
  events.object(event)
  local name = events.text(event, "endpoint_name")
    or try(settings.needed(effects, "endpoint_name"))
  local by_name, list = read_variants(event)
  local endpoint = describe(effects, name, list)
  local decision = try(ask("weights", facts_of(event, endpoint, by_name, list)))
  if decision.action == "weights" then return split(effects, endpoint, decision) end

  return {
    action = decision.action,
    because = decision.because,
    variant = decision.fields.variant,
    bucket = decision.fields.bucket,
  }
end

return {
  name = "weights",
  asks = "weights",
  summary = "how the traffic of an endpoint is split between its variants",
  run = run,
}
