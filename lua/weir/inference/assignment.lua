-- Which variant answers a request: SageMaker splits the traffic by the weights of the endpoint, or
-- the weights policy assigns a variant, the same one to the same key.
--
--   is_by_policy() → whether this environment's own setting says so
--   mode(effects) → "endpoint" | "policy": VARIANT_ASSIGNMENT
--   choose(effects, ask, { endpoint =, key =, experiment =? }) → { variant =, serverless = }
--   forget([endpoint])   what is known of it is looked up again
--
-- What DescribeEndpoint answered is kept for a minute: a request must not pay for it. Failures are
-- raised (weir.try).
local settings = require "weir.settings"
local try = require "weir.try"

local assignment = { KIND = "weights" }

local KEPT_SECONDS = 60
local SETTING, MODES = "variant_assignment", { "endpoint", "policy" }

local known = {}

function assignment.forget(endpoint)
  if endpoint then known[endpoint] = nil else known = {} end
end

function assignment.is_by_policy()
  local name = SETTING:upper()
  return (os.getenv("WEIR_" .. name) or os.getenv(name)) == "policy"
end

function assignment.mode(effects)
  return try(settings.choice(effects, SETTING, MODES, MODES[1]))
end

-- → the variants as facts, in the endpoint's order
function assignment.variants(description)
  local variants = {}
  for i, variant in ipairs(description.ProductionVariants or {}) do
    variants[i] = {
      name = variant.VariantName,
      weight = variant.CurrentWeight,
      serverless = variant.CurrentServerlessConfig ~= nil,
    }
  end
  return variants
end

local function variants_of(effects, endpoint)
  local now, kept = effects:now(), known[endpoint]
  if kept and now >= kept.at and now < kept.at + KEPT_SECONDS then return kept.variants end

  local description = try(effects:read {
    service = "sagemaker",
    operation = "DescribeEndpoint",
    target = endpoint,
    input = { EndpointName = endpoint },
  })
  local variants = assignment.variants(description)
  if #variants == 0 then
    try.fail(("the endpoint %s has no variants (it is %s)"):format(endpoint,
      tostring(description.EndpointStatus)), "NoVariants")
  end
  if not effects.dry then known[endpoint] = { at = now, variants = variants } end
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
