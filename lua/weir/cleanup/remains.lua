-- What stays of an estate after its stacks, and why: what templates keep, and what a deletion left;
-- and the log groups, which are deleted where that is asked for.
--
--   remains.of_stack(row, kept) → list of { what =, type =, reason = } | nil, message, code
--   remains.tagged(place, known) → the same list, of what carries the estate's tag and is not known
--   remains.jobs(place) → the same list, of batch jobs that still run
--   remains.delete_logs(place, prefix of their names, note) → true | nil, message, code
--
-- place: { account =, region =, names = stack → template, client = function(service) }.
local inventory = require "weir.cleanup.inventory"
local jobs = require "weir.cleanup.jobs"
local ownership = require "weir.deploy.ownership"
local sorted_pairs = require "weir.sorted_pairs"
local try = require "weir.try"

local remains = {}

-- By the service of an ARN.
local REASONS = {
  dynamodb = "its data is kept; aws dynamodb delete-table deletes it",
  s3 = "its data is kept; empty it, then aws s3api delete-bucket deletes it",
  logs = "logs are kept; weir cleanup --logs deletes them",
  sagemaker = "still there; weir cleanup --endpoint-only deletes endpoints",
}

local KEPT = "kept by the DeletionPolicy of its template"

-- Older versions of the stack's layers, to which a roll-back would have gone back.
local function add_layer_versions(list, row)
  for _, resource in ipairs(row.resources) do
    local name = resource.ResourceType == "AWS::Lambda::LayerVersion"
      and (resource.PhysicalResourceId or ""):match ":layer:([^:]+)"
    local versions = name and try.except("ResourceNotFoundException",
      row.client "lambda":all("ListLayerVersions", { LayerName = name }))
    for _, each in ipairs(versions or {}) do
      list[#list + 1] = {
        what = each.LayerVersionArn,
        type = "AWS::Lambda::LayerVersion",
        reason = "kept for roll-backs; aws lambda delete-layer-version deletes it",
      }
    end
  end

  return list
end

-- A deleted stack still tells which resources it skipped.
remains.of_stack = try.catching(function(row, kept)
  local resources = try(inventory.resources(row))
  local reasons, list = {}, {}
  for _, resource in ipairs(kept) do
    reasons[resource.LogicalResourceId] = resource.ResourceStatusReason or "it could not be deleted"
  end

  for _, resource in ipairs(resources) do
    if resource.ResourceStatus == "DELETE_SKIPPED" then
      list[#list + 1] = {
        what = resource.PhysicalResourceId or resource.LogicalResourceId,
        type = resource.ResourceType,
        reason = reasons[resource.LogicalResourceId] or KEPT,
        failed = reasons[resource.LogicalResourceId] ~= nil or nil,
      }
    end
  end

  return add_layer_versions(list, row)
end)

-- Tags -------------------------------------------------------------------------------------------

local function stack_names(place)
  local names = {}
  for name in sorted_pairs(place.names) do names[#names + 1] = name end
  return names
end

-- Does the ARN end with one of the names, as "table/NAME" or "log-group:NAME" does?
local function is_known(arn, known)
  for _, each in ipairs(known) do
    local name = each.what
    if arn == name or arn:sub(-#name - 1):find("^[:/]") and arn:sub(-#name) == name then
      return true
    end
  end

  return false
end

-- What carries the tags of the place's stacks and is not in `known`. The stacks themselves carry
-- them, too, and are left out.
remains.tagged = try.catching(function(place, known)
  local found = try(place.client "tagging":all("GetResources", {
    TagFilters = { { Key = ownership.TAG, Values = stack_names(place) } },
  }))

  local list = {}
  for _, each in ipairs(found) do
    local arn = each.ResourceARN
    local service = arn:match("^arn:[^:]+:([^:]+):") or "?"
    if service ~= "cloudformation" and not is_known(arn, known) then
      list[#list + 1] = { what = arn, type = service, reason = REASONS[service] or "still there" }
    end
  end

  return list
end)

-- Batch jobs --------------------------------------------------------------------------------------

-- Those that were not stopped: somebody else's.
remains.jobs = try.catching(function(place)
  local list = {}
  for i, job in ipairs(try(jobs.running(place))) do
    list[i] = {
      what = job.name,
      type = "batch job",
      reason = "it runs and costs until it ends, and no stack that was deleted started it; "
        .. "aws sagemaker stop-transform-job stops it",
    }
  end

  return list
end)

-- Log groups --------------------------------------------------------------------------------------

local GONE = "ResourceNotFoundException"

-- Is it a log group of one of the place's stacks?
local function is_ours(place, group)
  local answer = try.except(GONE, place.client "logs":list_tags_for_resource {
    resourceArn = group.logGroupArn or group.arn:gsub(":%*$", ""),
  })
  return answer and place.names[(answer.tags or {})[ownership.TAG] or ""] ~= nil
end

remains.delete_logs = try.catching(function(place, prefix, note)
  local client = place.client "logs"
  local groups = try(client:all("DescribeLogGroups", { logGroupNamePrefix = prefix }))
  for _, group in ipairs(groups) do
    if is_ours(place, group) then
      try.except(GONE, client:delete_log_group { logGroupName = group.logGroupName })
      note("deleted the log group " .. group.logGroupName)
    end
  end

  return true
end)

return remains
