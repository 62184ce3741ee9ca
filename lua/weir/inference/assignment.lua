-- Which variant answers a request: SageMaker splits the traffic by the weights of the endpoint, or
-- the weights policy assigns a variant, the same one to the same key.
--
--   is_by_policy() → whether this environment's own setting says so
--   mode(effects) → "endpoint" | "policy": VARIANT_ASSIGNMENT
--   choose(effects, ask, { endpoint =, key =, experiment =? }) → { variant =, serverless = }
--   forget([endpoint's name])   what is known of it is looked up again
--
-- What DescribeEndpoint answered is kept for a minute: a request must not pay for it. Failures are
-- raised (weir.try).
local endpoint = require "weir.inference.endpoint"
local settings = require "weir.settings"
local try = require "weir.try"

local assignment = { KIND = "weights" }

local KEPT_SECONDS = 60
local SETTING = "variant_assignment"

local known = {}

function assignment.forget(name)
  if name then known[name] = nil else known = {} end
end

function assignment.is_by_policy()
  local name = SETTING:upper()
  return (os.getenv("WEIR_" .. name) or os.getenv(name)) == "policy"
end

function assignment.mode(effects)
  return try(settings.choice(effects, SETTING))
end

-- → the variants as facts, in the endpoint's order
local function variants_of(effects, name)
  local now, kept = effects:now(), known[name]
  if kept and now >= kept.at and now < kept.at + KEPT_SECONDS then return kept.variants end

  local variants = {}
  for i, variant in ipairs(try(endpoint.describe(effects, name)).variants) do
    variants[i] = { name = variant.name, weight = variant.share, serverless = variant.serverless }
  end

  if not effects.dry then known[name] = { at = now, variants = variants } end

  return variants
end

function assignment.choose(effects, ask, request)
  local variants = variants_of(effects, request.endpoint)
  local decision = try(ask(assignment.KIND, {
    endpoint = request.endpoint,
    experiment = request.experiment,
    assignment_key = request.key,
    variants = variants,
  }))

  if decision.action ~= "assign" then
    try.fail(("the weights policy was asked for the variant of one key and answered '%s'; it has "
      .. "to assign where facts.assignment_key is there"):format(decision.action), "PolicyError")
  end

  local name = decision.fields.variant
  for _, variant in ipairs(variants) do
    if variant.name == name then return { variant = name, serverless = variant.serverless } end
  end
end

return assignment
