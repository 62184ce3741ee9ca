-- Batch jobs that still run, which cost until they end. Ours carry the tag weir:stack with the
-- stack of the function that started them; no others are stopped.
--
--   jobs.running(place) → list of { name =, stack =? } | nil, message, code
--   jobs.ours(place, left_alone) → the same, of those that would be stopped
--   jobs.stop(place, left_alone, note) → true | nil, message, code
--
-- place: as weir.cleanup.inventory gives it. stack: one of the place, by the tag. left_alone: the
-- names of stacks that stay, and so their jobs do. note(text): what was done.
local ownership = require "weir.deploy.ownership"

local jobs = {}

function jobs.running(place)
  local client = place.client "sagemaker"
  local found, message, code = client:all("ListTransformJobs", {
    NameContains = "weir-",
    StatusEquals = "InProgress",
  })
  if not found then return nil, message, code end

  local list = {}
  for _, each in ipairs(found) do
    if each.TransformJobName:find "^weir%-" then
      local tags
      tags, message, code = client:all("ListTags", { ResourceArn = each.TransformJobArn })
      if not tags then return nil, message, code end

      local stack = ownership.tag_of(tags)
      list[#list + 1] = { name = each.TransformJobName, stack = place.names[stack] and stack }
    end
  end

  return list
end

function jobs.ours(place, left_alone)
  local list, message, code = jobs.running(place)
  if not list then return nil, message, code end

  local ours = {}
  for _, job in ipairs(list) do
    if job.stack and not left_alone[job.stack] then ours[#ours + 1] = job end
  end

  return ours
end

-- A job may end by itself, just before it is stopped.
local function stop(client, name)
  local done, message, code = client:stop_transform_job { TransformJobName = name }
  if done then return "stopped" end

  local found = client:describe_transform_job { TransformJobName = name }
  if found and found.TransformJobStatus ~= "InProgress" then return "over" end

  return nil, ("the batch job %s could not be stopped: %s"):format(name, message), code
end

function jobs.stop(place, left_alone, note)
  local list, message, code = jobs.ours(place, left_alone)
  if not list then return nil, message, code end

  for _, job in ipairs(list) do
    local how
    how, message, code = stop(place.client "sagemaker", job.name)
    if not how then return nil, message, code end
    if how == "stopped" then note("stopped the batch job " .. job.name) end
  end

  return true
end

return jobs
