-- Deletes an endpoint itself, where the stack that has it could not, or is gone: first what scales
-- its variants, then the endpoint, then its configuration and models. What is gone already is fine.
--
--   endpoint.remove(row, name, note) → true | nil, message, code
--   endpoint.orphans(row) → names | nil, message, code     the endpoints that carry the row's tag
--
-- row: { name = the stack's, client = function(service) }. Everything that is deleted here carries
-- the tag weir:stack with the stack's name.
local ownership = require "weir.deploy.ownership"
local patience = require "weir.deploy.patience"
local try = require "weir.try"

local endpoint = {}

local DIMENSIONS = {
  "sagemaker:variant:DesiredInstanceCount",
  "sagemaker:variant:DesiredProvisionedConcurrency",
}

-- SageMaker says so of what does not exist.
local function is_gone(message, code)
  return code == "ResourceNotFound" or code == "ValidationException"
    and message:find("Could not find", 1, true) ~= nil
end

-- What was answered; nil where it is gone.
local function unless_gone(value, message, code)
  if value == nil and is_gone(message, code) then return nil end
  return try(value, message, code)
end

-- → true | false | nil: it is gone
local function carries_tag(row, arn)
  local tags = unless_gone(row.client "sagemaker":all("ListTags", { ResourceArn = arn }))
  return tags and ownership.tag_of(tags) == row.name
end

-- Scaling targets keep the endpoint's name; they would act on the next one of that name.
local function deregister(row, described)
  for _, variant in ipairs(described.ProductionVariants or {}) do
    for _, dimension in ipairs(DIMENSIONS) do
      try.except("ObjectNotFoundException", row.client "autoscaling":deregister_scalable_target {
        ServiceNamespace = "sagemaker",
        ResourceId = ("endpoint/%s/variant/%s"):format(described.EndpointName, variant.VariantName),
        ScalableDimension = dimension,
      })
    end
  end
end

-- An endpoint that is being changed is deleted when that is over.
local function delete_endpoint(row, name)
  local client, asked = row.client "sagemaker", false
  try(patience.until_done(function()
    local found = unless_gone(client:describe_endpoint { EndpointName = name })
    if not found then return true end

    local status = found.EndpointStatus
    if asked or status == "Deleting" or status == "Creating" or status:find("Updating$") then
      return nil
    end

    asked = unless_gone(client:delete_endpoint { EndpointName = name })
  end, ("the endpoint %s is still being changed or deleted; run the same command again")
    :format(name)))
end

-- Configurations and models are deleted where they carry the tag. They cost nothing.
local function delete_tagged(row, arn, what, delete)
  if not carries_tag(row, arn) then return end

  local done, message, code = delete()
  if not done and not is_gone(message, code) then
    try.fail(("the %s could not be deleted: %s"):format(what, message), code)
  end
end

local function delete_models(row, config)
  local client = row.client "sagemaker"
  for _, variant in ipairs(config.ProductionVariants or {}) do
    local name = variant.ModelName
    local found = unless_gone(client:describe_model { ModelName = name })
    if found then
      delete_tagged(row, found.ModelArn, "model " .. name, function()
        return client:delete_model { ModelName = name }
      end)
    end
  end
end

local function delete_config(row, name)
  local client = row.client "sagemaker"
  local config = unless_gone(client:describe_endpoint_config { EndpointConfigName = name })
  if not config then return end

  delete_tagged(row, config.EndpointConfigArn, "configuration " .. name, function()
    return client:delete_endpoint_config { EndpointConfigName = name }
  end)

  delete_models(row, config)
end

endpoint.remove = try.catching(function(row, name, note)
  local client = row.client "sagemaker"
  local found = unless_gone(client:describe_endpoint { EndpointName = name })
  if not found then return true end

  local tags = try(client:all("ListTags", { ResourceArn = found.EndpointArn }))
  if ownership.tag_of(tags) ~= row.name then
    try.fail(("the endpoint %s does not carry the tag %s = %s, so it is left alone"):format(name,
      ownership.TAG, row.name), "NotOurs")
  end

  deregister(row, found)
  delete_endpoint(row, name)
  note(("deleted the endpoint %s; it costs nothing any more"):format(name))
  delete_config(row, found.EndpointConfigName)

  return true
end)

endpoint.orphans = try.catching(function(row)
  local names = {}
  for _, each in ipairs(try(row.client "sagemaker":all "ListEndpoints")) do
    if carries_tag(row, each.EndpointArn) then names[#names + 1] = each.EndpointName end
  end

  return names
end)

return endpoint
