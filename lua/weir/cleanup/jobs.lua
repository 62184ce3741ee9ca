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
local try = require "weir.try"

local jobs = {}

local function running(place)
  local client = place.client "sagemaker"
  local found = try(client:all("ListTransformJobs", {
    NameContains = "weir-",
    StatusEquals = "InProgress",
  }))

  local list = {}
  for _, each in ipairs(found) do
    if each.TransformJobName:find "^weir%-" then
      local tags = try(client:all("ListTags", { ResourceArn = each.TransformJobArn }))
      local stack = ownership.tag_of(tags)
      list[#list + 1] = { name = each.TransformJobName, stack = place.names[stack] and stack }
    end
  end

  return list
end

local function ours_of(place, left_alone)
  local ours = {}
  for _, job in ipairs(running(place)) do
    if job.stack and not left_alone[job.stack] then ours[#ours + 1] = job end
  end

  return ours
end

-- A job may end by itself, just before it is stopped.
local function stop(client, name, note)
  local done, message, code = client:stop_transform_job { TransformJobName = name }
  if done then return note("stopped the batch job " .. name) end

  local found = client:describe_transform_job { TransformJobName = name }
  if found and found.TransformJobStatus ~= "InProgress" then return end

  try.fail(("the batch job %s could not be stopped: %s"):format(name, message), code)
end

jobs.running = try.catching(running)
jobs.ours = try.catching(ours_of)

jobs.stop = try.catching(function(place, left_alone, note)
  for _, job in ipairs(ours_of(place, left_alone)) do
    stop(place.client "sagemaker", job.name, note)
  end

  return true
end)

return jobs
