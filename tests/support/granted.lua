-- The question whether a template grants what is needed, for tests/oracles/templates.mjs:
--
--   granted.question(template[, parameters, role])
--   granted.same_account(more)   the parameters of core whose files are in the same account
--   granted.boundary()           the document of boundary.yaml's policy
--
-- role: of the storage account, in which the recorded events read their files then.
local files = require "support.files"
local handlers = require "weir.handlers"
local json = require "weir.json"
local permission_runs = require "support.permission_runs"
local permissions = require "weir.permissions"
local templates = require "support.templates"

local granted = {}

local place = permissions.place(permission_runs.place)
local OWN_ACCESS_POINT = permission_runs.names.bucket:gsub(templates.STORAGE, templates.WORKLOAD)
granted.OWN_ACCESS_POINT = OWN_ACCESS_POINT

-- Names that the recorded events have, and those of the resolved template.
local RENAMED = {
  { "weir%-tokens", "weir-core-TokenTable-1A2B3C" },
  { "weir%-ab%-tests", "weir-core-ABTable-1A2B3C" },
  { "parameter/weir/trigger%-mode", "parameter/weir-core/trigger-mode" },
}

local MODEL = "arn:aws:sagemaker:ap-northeast-1:222222222222:model/segmentation-v3"

-- A name that the pattern stands for.
local function named(resource)
  if resource == "*" then return resource end
  for _, pair in ipairs(RENAMED) do resource = resource:gsub(pair[1], pair[2]) end
  return (resource:gsub("%*", "x"))
end

local function ask_of(grant, role)
  local resource = named(grant.resource)
  if not role then resource = resource:gsub(templates.STORAGE, templates.WORKLOAD) end
  return {
    action = grant.action,
    resource = resource,
    context = grant.action == "sagemaker:CreateTransformJob" and {
      ["sagemaker:ModelArn"] = MODEL,
    } or nil,
  }
end

-- A bucket announces its objects, an access point does not: an object that is read through the
-- access point in a recorded event is read from the bucket here.
local function in_bucket(asked)
  if asked.resource == OWN_ACCESS_POINT then
    return { action = asked.action, resource = "arn:aws:s3:::weir-files" }
  end

  local path = asked.resource:match("^" .. OWN_ACCESS_POINT:gsub("%p", "%%%0") .. "/object/(.*)$")
  if not path then return nil end

  return { action = asked.action, resource = "arn:aws:s3:::weir-files/" .. path }
end

-- Whether a template's functions get the setting. Without it they never look the mode up.
local function sets_trigger_mode(name)
  return files.read(templates.path(name)):find("WEIR_TRIGGER_MODE", 1, true) ~= nil
end

-- Whether a template's functions are asked which execution took a manifest.
local function has_polling(name)
  return files.read(templates.path(name)):find("PollingMachine:", 1, true) ~= nil
end

-- handler → what its recorded events call. role: of the storage account, a setting of the handlers.
local function requests_of(name, role)
  local has_bucket, has_mode = name == "events", sets_trigger_mode(name)
  local polls = has_polling(name)
  local by_handler = {}
  local settings = role and { storage_role_arn = role, external_id = templates.EXTERNAL_ID }

  for _, handler in ipairs(handlers.names) do
    local list = json.array {}
    for _, request in ipairs(permission_runs.requests(handler, nil, settings)) do
      for _, grant in ipairs(permissions.grants(request, place)) do
        local asked = ask_of(grant, role)
        local is_modes = asked.resource:find("/trigger-mode", 1, true)
        local is_pollings = asked.action == "states:DescribeExecution"
        if (has_mode or not is_modes) and (polls or not is_pollings) then
          list[#list + 1] = asked
        end

        if has_bucket then list[#list + 1] = in_bucket(asked) end
      end
    end

    by_handler[handler] = list
  end

  return by_handler
end

local known_boundary
function granted.boundary()
  if known_boundary then return known_boundary end
  local answers = templates.ask { {
    check = "resolve",
    file = templates.path "boundary",
    parameters = templates.given "boundary",
    place = templates.place(),
  } }
  known_boundary = answers[1].resources.BoundaryPolicy.Properties.PolicyDocument

  return known_boundary
end

function granted.question(name, more, role)
  return {
    check = "granted",
    file = templates.path(name),
    parameters = templates.given(name, more),
    place = templates.place(),
    requests = requests_of(name, role),
    files = OWN_ACCESS_POINT,
    boundary = granted.boundary(),
  }
end

-- The files are in the workload's own account.
function granted.same_account(more)
  local given = { StorageRoleArn = false, ExternalId = false, AccessPointArn = OWN_ACCESS_POINT }
  for name, value in pairs(more or {}) do given[name] = value end
  return given
end

return granted
