-- An endpoint and its variants, as SageMaker has them now.
--
--   describe(effects, name) → endpoint | nil, message, code
--       { name =, status =, config =, arn =,
--         settled =,       in service, and the weights that were asked for are those that serve
--         changed =,       epoch seconds: when its status changed last
--         variants =       in the endpoint's order
--           { { name =, share =, asked =, instances =, serverless = }, … } }
--       share: the part of the traffic that it serves now; asked: the part that was asked for last.
--   variant(endpoint, name) → the variant | nil
--   packages(effects, endpoint) → { [variant] = { package =, approval = } } | nil, message, code
--       The model package that each variant's model was made from, and its ModelApprovalStatus in
--       the registry. A variant whose model names no package is in no registry, and not in the
--       answer.
local json = require "weir.json"

local endpoint = {}

local function read(effects, operation, member, target)
  return effects:read {
    service = "sagemaker",
    operation = operation,
    target = target,
    input = { [member] = target },
  }
end

local function total(variants, member)
  local sum = 0
  for _, variant in ipairs(variants) do sum = sum + (variant[member] or 0) end
  return sum
end

-- Weights are relative to each other.
local function share(variant, member, sum) return sum > 0 and (variant[member] or 0) / sum or 0 end

local function shares_of(given)
  local now, asked = total(given, "CurrentWeight"), total(given, "DesiredWeight")
  local variants = {}
  for i, variant in ipairs(given) do
    variants[i] = {
      name = variant.VariantName,
      share = share(variant, "CurrentWeight", now),
      asked = share(variant, "DesiredWeight", asked),
      instances = variant.CurrentInstanceCount or 0,
      serverless = variant.CurrentServerlessConfig ~= nil,
    }
  end

  return variants
end

local function is_settled(description)
  if description.EndpointStatus ~= "InService" then return false end
  for _, variant in ipairs(description.ProductionVariants) do
    if variant.CurrentWeight ~= variant.DesiredWeight then return false end
  end

  return true
end

function endpoint.describe(effects, name)
  local found, message, code = read(effects, "DescribeEndpoint", "EndpointName", name)
  if not found then return nil, message, code end
  if not json.is_array(found.ProductionVariants) or #found.ProductionVariants == 0 then
    return nil, ("the endpoint %s has no production variants (it is %s)"):format(name,
      tostring(found.EndpointStatus)), "NoVariants"
  end

  return {
    name = name,
    status = found.EndpointStatus,
    config = found.EndpointConfigName,
    arn = found.EndpointArn,
    settled = is_settled(found),
    changed = math.floor(found.LastModifiedTime or 0),
    variants = shares_of(found.ProductionVariants),
  }
end

function endpoint.variant(self, name)
  for _, variant in ipairs(self.variants) do
    if variant.name == name then return variant end
  end
end

-- The model's container names the package; of several containers, the first that names one counts.
local function package_of(model)
  if model.PrimaryContainer and model.PrimaryContainer.ModelPackageName then
    return model.PrimaryContainer.ModelPackageName
  end

  for _, container in ipairs(model.Containers or {}) do
    if container.ModelPackageName then return container.ModelPackageName end
  end
end

local function approval_of(effects, model_name)
  local model, message, code = read(effects, "DescribeModel", "ModelName", model_name)
  if not model then return nil, message, code end
  local package = package_of(model)
  if not package then return false end

  local described
  described, message, code = read(effects, "DescribeModelPackage", "ModelPackageName", package)
  if not described then return nil, message, code end

  return { package = package, approval = described.ModelApprovalStatus }
end

function endpoint.packages(effects, self)
  local config, message, code = read(effects, "DescribeEndpointConfig", "EndpointConfigName",
    self.config)
  if not config then return nil, message, code end

  local packages = {}
  for _, variant in ipairs(config.ProductionVariants or {}) do
    local found
    if variant.ModelName then
      found, message, code = approval_of(effects, variant.ModelName)
      if found == nil then return nil, message, code end
    end

    packages[variant.VariantName] = found or nil
  end

  return packages
end

return endpoint
