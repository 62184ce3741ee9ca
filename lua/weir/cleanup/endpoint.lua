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

-- → true | false | nil, message, code
local function carries_tag(row, arn)
  local tags, message, code = row.client "sagemaker":all("ListTags", { ResourceArn = arn })
  if not tags then return nil, message, code end
  return ownership.tag_of(tags) == row.name
end

local function not_ours(row, what, name)
  return nil, ("the %s %s does not carry the tag %s = %s, so it is left alone"):format(what, name,
    ownership.TAG, row.name), "NotOurs"
end

-- Scaling targets keep the endpoint's name; they would act on the next one of that name.
local function deregister(row, described)
  for _, variant in ipairs(described.ProductionVariants or {}) do
    for _, dimension in ipairs(DIMENSIONS) do
      local done, message, code = row.client "autoscaling":deregister_scalable_target {
        ServiceNamespace = "sagemaker",
        ResourceId = ("endpoint/%s/variant/%s"):format(described.EndpointName, variant.VariantName),
        ScalableDimension = dimension,
      }
      if not done and code ~= "ObjectNotFoundException" then return nil, message, code end
    end
  end

  return true
end

-- An endpoint that is being changed is deleted when that is over.
local function delete_endpoint(row, name)
  local client, asked = row.client "sagemaker", false
  return patience.until_done(function()
    local found, message, code = client:describe_endpoint { EndpointName = name }
    if not found and is_gone(message, code) then return true end
    if not found then return false, message, code end

    local status = found.EndpointStatus
    if asked or status == "Deleting" or status == "Creating" or status:find("Updating$") then
      return nil
    end

    asked, message, code = client:delete_endpoint { EndpointName = name }
    if not asked and not is_gone(message, code) then return false, message, code end
  end, ("the endpoint %s is still being changed or deleted; run the same command again")
    :format(name))
end

-- Configurations and models are deleted where they carry the tag. They cost nothing.
local function delete_tagged(row, arn, what, delete)
  local ours, message, code = carries_tag(row, arn)
  if ours == nil and not is_gone(message, code) then return nil, message, code end
  if not ours then return true end

  local done
  done, message, code = delete()
  if not done and not is_gone(message, code) then
    return nil, ("the %s could not be deleted: %s"):format(what, message), code
  end

  return true
end

local function delete_models(row, config)
  local client = row.client "sagemaker"
  for _, variant in ipairs(config.ProductionVariants or {}) do
    local name = variant.ModelName
    local found, message, code = client:describe_model { ModelName = name }
    if not found and not is_gone(message, code) then return nil, message, code end
    if found then
      local done
      done, message, code = delete_tagged(row, found.ModelArn, "model " .. name, function()
        return client:delete_model { ModelName = name }
      end)
      if not done then return nil, message, code end
    end
  end

  return true
end

local function delete_config(row, name)
  local client = row.client "sagemaker"
  local config, message, code = client:describe_endpoint_config { EndpointConfigName = name }
  if not config and is_gone(message, code) then return true end
  if not config then return nil, message, code end
  local done
  done, message, code = delete_tagged(row, config.EndpointConfigArn, "configuration " .. name,
    function() return client:delete_endpoint_config { EndpointConfigName = name } end)
  if not done then return nil, message, code end

  return delete_models(row, config)
end

function endpoint.remove(row, name, note)
  local found, message, code = row.client "sagemaker":describe_endpoint { EndpointName = name }
  if not found and is_gone(message, code) then return true end
  if not found then return nil, message, code end

  local ours
  ours, message, code = carries_tag(row, found.EndpointArn)
  if ours == nil then return nil, message, code end
  if not ours then return not_ours(row, "endpoint", name) end

  local done
  done, message, code = deregister(row, found)
  if done then done, message, code = delete_endpoint(row, name) end
  if not done then return nil, message, code end

  note(("deleted the endpoint %s; it costs nothing any more"):format(name))

  return delete_config(row, found.EndpointConfigName)
end

function endpoint.orphans(row)
  local endpoints, message, code = row.client "sagemaker":all "ListEndpoints"
  if not endpoints then return nil, message, code end

  local names = {}
  for _, each in ipairs(endpoints) do
    local ours
    ours, message, code = carries_tag(row, each.EndpointArn)
    if ours == nil and not is_gone(message, code) then return nil, message, code end
    if ours then names[#names + 1] = each.EndpointName end
  end

  return names
end

return endpoint
