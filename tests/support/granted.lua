-- The question whether a template grants what is needed, for tests/oracles/templates.mjs:
--
--   granted.question(template[, parameters, role])
--   granted.same_account(more)   the parameters of core whose files are in the same account
--   granted.boundary()           the document of boundary.yaml's policy
--
-- role: of the storage account, in which the recorded events read their files then.
local handlers = require "weir.handlers"
local json = require "weir.json"
local permission_runs = require "support.permission_runs"
local permissions = require "weir.permissions"
local templates = require "support.templates"

local granted = {}

local place = permissions.place(permission_runs.place)
local OWN_ACCESS_POINT = permission_runs.names.bucket:gsub(templates.STORAGE, templates.WORKLOAD)
granted.OWN_ACCESS_POINT = OWN_ACCESS_POINT

-- What is called otherwise in the recorded events than in the resolved template.
local RENAMED = {
  { "weir%-tokens", "weir-core-TokenTable-1A2B3C" },
  { "weir%-ab%-tests", "weir-core-ABTable-1A2B3C" },
}

local MODEL = "arn:aws:sagemaker:ap-northeast-1:222222222222:model/segmentation-v3"

-- A pattern as a name that it stands for.
local function named(resource)
  if resource == "*" then return resource end
  for _, pair in ipairs(RENAMED) do resource = resource:gsub(pair[1], pair[2]) end
  return (resource:gsub("%*", "x"))
end

-- handler → what its recorded events call. role: of the storage account, whose access point they read.
local function requests_of(role)
  local by_handler = {}
  for _, name in ipairs(handlers.names) do
    local list = json.array {}
    for _, request in ipairs(permission_runs.requests(name)) do
      if role and request.service == "s3" and request.input.Bucket == permission_runs.names.bucket then
        request.role = { arn = role }
      end
      for _, grant in ipairs(permissions.grants(request, place)) do
        list[#list + 1] = {
          action = grant.action,
          resource = role and named(grant.resource) or named(grant.resource):gsub(templates.STORAGE,
            templates.WORKLOAD),
          context = grant.action == "sagemaker:CreateTransformJob" and { ["sagemaker:ModelArn"] = MODEL }
            or nil,
        }
      end
    end
    by_handler[name] = list
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
    requests = requests_of(role),
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
