-- Stacks of the model-checked server (tests/servers/aws_stacks.mjs), for the specs of deployments.
local cloud = require "support.aws"
local cloudformation = require "weir.aws.cloudformation"
local files = require "support.files"
local json = require "weir.json"
local process = require "weir.process"

local M = {}

M.HOME, M.STORAGE, M.SHARED = "111122223333", "444455556666", "777788889999"

function M.reset()
  cloud.reset()
  cloud.control("POST", "stacks", json.array {})
end

function M.stack(given)
  given.name = given.name or "weir-link"
  cloud.control("POST", "stacks", json.array { given })
end

-- Changes a stack that is there, or what happens to it next.
function M.change(given)
  given.name = given.name or "weir-link"
  cloud.control("POST", "stacks/change", given)
end

function M.client(more)
  local config = { credentials = cloud.credentials, getenv = cloud.environment() }
  for key, value in pairs(more or {}) do config[key] = value end
  return cloudformation.new(config)
end

function M.event(id, status, reason)
  return { LogicalResourceId = id, ResourceStatus = status, ResourceStatusReason = reason }
end

-- "weir-link CREATE_COMPLETE, …" of those that are not deleted.
function M.left()
  local names = {}
  for _, each in ipairs(cloud.control("GET", "stacks").stacks) do
    if each.status ~= "DELETE_COMPLETE" then names[#names + 1] = each.name .. " " .. each.status end
  end

  return table.concat(names, ", ")
end

-- The inputs of an operation, in order.
function M.requested(operation)
  local found = {}
  for _, request in ipairs(cloud.requests()) do
    if request.operation == operation then found[#found + 1] = request.input end
  end

  return found
end

function M.template(name) return files.read(("deploy/cloudformation/%s.yaml"):format(name)) end

-- The environment of a run of the program.
function M.environment(more)
  local env = {
    AWS_ENDPOINT_URL = cloud.front.url,
    AWS_REGION = "eu-west-1",
    HOME = "/nowhere",
    AWS_ACCESS_KEY_ID = cloud.front.key_id,
    AWS_SECRET_ACCESS_KEY = cloud.front.secret,
  }

  for key, value in pairs(more or {}) do env[key] = value end
  return env
end

-- without_waiting(act) → what act() gives, while nothing in this process sleeps.
function M.without_waiting(act)
  local sleep = process.sleep
  process.sleep = function() end
  local results = table.pack(pcall(act))
  process.sleep = sleep
  if not results[1] then error(results[2], 0) end

  return table.unpack(results, 2, results.n)
end

-- in_no_time(act[, sleeps]) → what act() gives, while every sleep in this process is over at once,
-- and the clock went on by as much. sleeps(ms) is told of each.
function M.in_no_time(act, sleeps)
  local sleep, clock, slept = process.sleep, process.clock, 0
  process.sleep = function(ms)
    slept = slept + ms
    if sleeps then sleeps(ms) end
  end

  process.clock = function() return clock() + slept end
  local results = table.pack(pcall(act))
  process.sleep, process.clock = sleep, clock
  if not results[1] then error(results[2], 0) end

  return table.unpack(results, 2, results.n)
end

return M
