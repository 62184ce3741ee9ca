-- Whether the objects are there that stacks only name: model artifacts, and policy bundles.
--
--   models.check(session) → true | nil, message, code
--
-- Asked before anything is changed: an endpoint without its model fails after ten minutes.
local events = require "weir.events"
local request = require "weir.deploy.request"

local models = {}

local function is_on(parameters)
  for _, each in ipairs(parameters) do
    if each.ParameterKey:find("^Enable") and each.ParameterValue == "true" then return true end
  end

  return false
end

local function names_object(parameter)
  return parameter.ParameterKey:find("ModelDataUrl$") or parameter.ParameterKey == "PolicySource"
end

local function check_object(session, stack, parameter)
  local bucket, key = events.s3_place(parameter.ParameterValue)
  if not key or key == "" then
    return nil, ("%s must be s3://bucket/key, and is %s"):format(parameter.ParameterKey,
      parameter.ParameterValue), "InvalidPlace"
  end

  local client = session:client("s3", stack.account, stack.region)
  local found, message, code = client:head_object { Bucket = bucket, Key = key }
  if found then return true end
  if code == "NotFound" then message = "it is not there; put it there first" end

  return nil, ("%s of stack %s, %s: %s"):format(parameter.ParameterKey, stack.name,
    parameter.ParameterValue, message), code
end

function models.check(session)
  for _, stack in ipairs(session.all) do
    local asked, message, code = request.of(session, stack, { purpose = "apply" })
    if not asked then return nil, message, code end

    for _, parameter in ipairs(is_on(asked.parameters) and asked.parameters or {}) do
      if names_object(parameter) then
        local fine
        fine, message, code = check_object(session, stack, parameter)
        if not fine then return nil, message, code end
      end
    end
  end

  return true
end

return models
